/** How bad a finding is. Errors and warnings fail a run of `lint`, infos do not. */
export const SEVERITIES = ["error", "warning", "info"] as const;
export type Severity = typeof SEVERITIES[number];

/** What all findings of a rule have in common. */
export interface Rule {
  severity: Severity;
  /** What the rule finds, in a few words. */
  what: string;
  /** How to mend it, unless a finding says so itself. */
  mend: string;
}

/**
 * Every rule, in the order in which `docs/lint.md` lists them. Ids are stable: sites switch rules off by them. Those that
 * begin with `pss-` are the controls of the Pod Security Standards, and need a profile.
 */
export const RULES = {
  "file-unreadable": {
    severity: "error",
    what: "a file does not exist or cannot be read",
    mend: "correct the path, or let this user read the file",
  },
  "file-unknown": {
    severity: "error",
    what: "a file is no templates file, pod manifest or extension registration",
    mend: "give a file with `templates`, with `kind: Pod`, or with `hooks`",
  },
  "syntax": {
    severity: "error",
    what: "a file is not JSON or YAML",
    mend: "correct the text at this place",
  },
  "duplicate-key": {
    severity: "warning",
    what: "an object names a key twice, of which the last counts",
    mend: "remove one of the two",
  },
  "templates-list": {
    severity: "error",
    what: "a templates file has no list `templates`, or one that is too long",
    mend: 'write an object with a list: {"templates": []}',
  },
  "template-schema": {
    severity: "error",
    what: "a field of a template is missing or wrong, so that the template cannot be used",
    mend: "correct the field as docs/install.md describes it",
  },
  "template-field-name": {
    severity: "warning",
    what: "a field is not known, and looks like one that is missing",
    mend: "correct the name",
  },
  "template-duplicate-id": {
    severity: "error",
    what: "two templates have the same templateId, of which the second cannot be used",
    mend: "give each template an id of its own",
  },
  "template-empty": {
    severity: "warning",
    what: "maxNumber is 0, so that no machine can be requested",
    mend: "raise maxNumber, or set it to -1 for no limit",
  },
  "template-too-many": {
    severity: "warning",
    what: "maxNumber is more than the pods that a cluster can hold (150,000)",
    mend: "lower maxNumber, or set it to -1 if no limit is meant",
  },
  "ncpus-mismatch": {
    severity: "warning",
    what: "ncpus is not what the manifest requests of cpu",
    mend: "make ncpus and the sum of the containers' requests of cpu the same",
  },
  "nram-mismatch": {
    severity: "warning",
    what: "nram, in MB, is not what the manifest requests of memory",
    mend: "make nram and the sum of the containers' requests of memory the same",
  },
  "manifest-missing": {
    severity: "error",
    what: "the pod manifest of a template does not exist or cannot be read",
    mend: "correct podSpec, which is an absolute path, or relative to the templates file",
  },
  "manifest-schema": {
    severity: "error",
    what: "a field of a manifest is missing, or is not what a pod has there",
    mend: "correct the field; `kubectl explain pod.spec` describes it",
  },
  "manifest-unknown-field": {
    severity: "error",
    what: "a field of a manifest is not known to Kubernetes, which drops it without a word",
    mend: "remove the field, or correct its name",
  },
  "manifest-namespace": {
    severity: "error",
    what: "a manifest names a namespace, and the cluster refuses it in any other one",
    mend: "remove it: pods are created in the namespace that serve is given",
  },
  "reserved-label": {
    severity: "warning",
    what: "a manifest sets a label or annotation that hostfactory overwrites",
    mend: "use another name",
  },
  "requests-missing": {
    severity: "warning",
    what: "no container requests cpu or memory, so that pods crowd onto nodes and are evicted first",
    mend: "set resources.requests of the containers",
  },
  "restart-policy": {
    severity: "warning",
    what: "containers that end are restarted in place, so that Symphony does not hear of it",
    mend: "set spec.restartPolicy to Never",
  },
  "grace-period-zero": {
    severity: "warning",
    what: "terminationGracePeriodSeconds is 0: a pod counts as gone while its processes may still run",
    mend: "set it to 1 or more",
  },
  "grace-period-long": {
    severity: "warning",
    what: "terminationGracePeriodSeconds is more than an hour, for which a returned machine keeps its place",
    mend: "lower it to what the services need to finish",
  },
  "image-tag": {
    severity: "warning",
    what: "an image has neither tag nor digest, or the tag `latest`: machines of one template may differ",
    mend: "name a version, or better a digest",
  },
  "extension-registration": {
    severity: "error",
    what: "a registration of an extension is wrong; of some problems the severity is warning",
    mend: "correct the registration as docs/extensions.md describes it",
  },
  "extension-not-registered": {
    severity: "warning",
    what: "a template has configuration for an extension that is not registered",
    mend: "register the extension, or remove its configuration",
  },
  "extension-unreachable": {
    severity: "warning",
    what: "the lint hook of an extension did not answer, or not as it should",
    mend: "see that the extension runs and can be reached from here",
  },
  "server-unreachable": {
    severity: "error",
    what: "with --server: the API server did not answer what was asked",
    mend: "check --kubeconfig, --namespace and the network",
  },
  "server-refuses": {
    severity: "error",
    what: "with --server: a dry run of a pod's creation is refused",
    mend: "change the manifest or the policy of the namespace as the message says",
  },
  "right-missing": {
    severity: "error",
    what: "with --server: serve may not do something that it has to",
    mend: "apply scripts/rbac/role.yaml in the namespace of the machines",
  },
  "quota-too-small": {
    severity: "warning",
    what: "with --server: a resource quota has no room for maxNumber machines of a template",
    mend: "lower maxNumber, or raise the quota",
  },
  "quota-unknown": {
    severity: "info",
    what: "with --server: the resource quotas of the namespace may not be read",
    mend: "grant `list` of resourcequotas to the user of the kubeconfig, or do without",
  },
  "pss-host-process": {
    severity: "error",
    what: "baseline: HostProcess of Windows",
    mend: "remove windowsOptions.hostProcess",
  },
  "pss-host-namespaces": {
    severity: "error",
    what: "baseline: namespaces of the host",
    mend: "remove hostNetwork, hostPID and hostIPC",
  },
  "pss-privileged": {
    severity: "error",
    what: "baseline: privileged containers",
    mend: "remove securityContext.privileged",
  },
  "pss-capabilities": {
    severity: "error",
    what: "baseline and restricted: capabilities",
    mend: "drop what the profile does not allow; restricted wants `drop: [ALL]`, and adds NET_BIND_SERVICE at most",
  },
  "pss-host-path": {
    severity: "error",
    what: "baseline: hostPath volumes",
    mend: "use another type of volume",
  },
  "pss-host-ports": {
    severity: "error",
    what: "baseline: ports of the host",
    mend: "remove hostPort",
  },
  "pss-host-probes": {
    severity: "error",
    what: "baseline: the host of probes and lifecycle hooks",
    mend: "remove `host`: the pod's own address is the default",
  },
  "pss-apparmor": {
    severity: "error",
    what: "baseline: AppArmor",
    mend: "use RuntimeDefault or Localhost, or leave it out",
  },
  "pss-selinux": {
    severity: "error",
    what: "baseline: SELinux",
    mend: "remove user and role, and use one of the types that containers may have",
  },
  "pss-proc-mount": {
    severity: "error",
    what: "baseline: the mask of /proc",
    mend: "remove securityContext.procMount",
  },
  "pss-seccomp": {
    severity: "error",
    what: "baseline and restricted: seccomp",
    mend: "set securityContext.seccompProfile.type to RuntimeDefault or Localhost",
  },
  "pss-sysctls": {
    severity: "error",
    what: "baseline: sysctls",
    mend: "leave out sysctls that reach beyond the pod",
  },
  "pss-volume-types": {
    severity: "error",
    what: "restricted: types of volumes",
    mend: "use configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or secret",
  },
  "pss-privilege-escalation": {
    severity: "error",
    what: "restricted: privilege escalation",
    mend: "set securityContext.allowPrivilegeEscalation of each container to false",
  },
  "pss-run-as-non-root": {
    severity: "error",
    what: "restricted: running as non-root",
    mend: "set securityContext.runAsNonRoot of the pod to true",
  },
  "pss-run-as-user": {
    severity: "error",
    what: "restricted: running as a user other than root",
    mend: "set runAsUser to another number than 0, or leave it out",
  },
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof RULES;
