/**
 * The Pod Security Standards: what the admission controller of a namespace that enforces a profile looks at (source: Kubernetes
 * documentation, "Pod Security Standards"; `staging/src/k8s.io/pod-security-admission/policy`, as of 1.36).
 */
import type { Manifest } from "../templates/manifest.ts";
import type { Finding, Path } from "./finding.ts";
import { containersOf } from "./manifest_rules.ts";
import type { RuleId } from "./rules.ts";
import { named, type SourceFile } from "./source_file.ts";

/** The profiles that forbid anything; the third, `privileged`, allows everything. */
export type SecurityProfile = "baseline" | "restricted";

type Fields = Record<string, unknown>;

/** A part of the pod that has fields: the pod's own spec, or a container. */
interface Part {
  path: Path;
  fields: Fields;
  /** Its security context; empty if there is none. */
  security: Fields;
}

interface Pod {
  whole: Part;
  containers: Part[];
  volumes: Fields[];
  annotations: Record<string, string>;
  isWindows: boolean;
  /** Its users are not those of the node: root is no one there (`hostUsers: false`). */
  hasOwnUsers: boolean;
}

/** One thing that a profile does not allow. */
interface Fault {
  rule: RuleId;
  path: Path;
  message: string;
}

type Control = (pod: Pod) => Fault[];

const BASELINE_CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];
const SELINUX_TYPES = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
const SAFE_SYSCTLS = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
];
const RESTRICTED_VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];
const GOOD_PROFILES = ["RuntimeDefault", "Localhost"];
const APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";

/** What a profile does not allow in a manifest. Restricted includes baseline. */
export function securityFindings(source: SourceFile, manifest: Manifest, profile: SecurityProfile): Finding[] {
  const pod = podOf(manifest);
  const controls = profile === "restricted" ? [...BASELINE, ...RESTRICTED] : BASELINE;
  return controls.flatMap((control) => control(pod)).map(({ rule, path, message }) =>
    source.finding(rule, path, `${named(path)} ${message}, which the profile '${profile}' does not allow`)
  );
}

const BASELINE: readonly Control[] = [
  ({ whole, containers }) =>
    [whole, ...containers].flatMap(({ path, security }) =>
      fieldsOf(security["windowsOptions"])["hostProcess"] === true
        ? [fault("pss-host-process", [...path, "securityContext", "windowsOptions", "hostProcess"], "is true")]
        : []
    ),
  ({ whole }) =>
    ["hostNetwork", "hostPID", "hostIPC"].filter((name) => whole.fields[name] === true).map((name) =>
      fault("pss-host-namespaces", [...whole.path, name], "is true")
    ),
  ({ containers }) =>
    containers.filter(({ security }) => security["privileged"] === true).map(({ path }) =>
      fault("pss-privileged", [...path, "securityContext", "privileged"], "is true")
    ),
  ({ containers }) => addedCapabilities(containers, BASELINE_CAPABILITIES),
  ({ volumes }) =>
    volumes.flatMap((volume, index) =>
      isSet(volume["hostPath"])
        ? [fault("pss-host-path", ["spec", "volumes", index, "hostPath"], "shows files of the node")]
        : []
    ),
  ({ containers }) =>
    containers.flatMap(({ path, fields }) =>
      listOf(fields["ports"]).flatMap((port, index) =>
        isSet(port["hostPort"]) && port["hostPort"] !== 0
          ? [fault("pss-host-ports", [...path, "ports", index, "hostPort"], `is ${port["hostPort"]}`)]
          : []
      )
    ),
  ({ containers }) => containers.flatMap(hostsOfProbes),
  appArmor,
  ({ whole, containers }) => [whole, ...containers].flatMap(seLinux),
  (pod) => pod.hasOwnUsers ? [] : unmaskedProc(pod),
  ({ whole, containers }) =>
    [whole, ...containers].filter(({ security }) => profileOf(security, "seccompProfile") === "Unconfined").map((
      { path },
    ) => fault("pss-seccomp", [...path, "securityContext", "seccompProfile", "type"], "is Unconfined")),
  ({ whole }) =>
    listOf(whole.security["sysctls"]).flatMap(({ name }, index) =>
      SAFE_SYSCTLS.includes(String(name))
        ? []
        : [fault("pss-sysctls", ["spec", "securityContext", "sysctls", index, "name"], `is '${name}'`)]
    ),
];

const RESTRICTED: readonly Control[] = [
  ({ volumes }) =>
    volumes.flatMap((volume, index) => {
      const type = Object.keys(volume).find((key) => key !== "name" && isSet(volume[key]));
      // A volume that says nothing is an emptyDir.
      if (type === undefined || RESTRICTED_VOLUMES.includes(type) || type === "hostPath") return [];
      return [fault("pss-volume-types", ["spec", "volumes", index, type], "is of a type that is not allowed")];
    }),
  ({ containers, isWindows }) =>
    containers.filter(({ security }) => !isWindows && security["allowPrivilegeEscalation"] !== false).map((
      { path, security },
    ) =>
      fault(
        "pss-privilege-escalation",
        [...path, "securityContext", "allowPrivilegeEscalation"],
        wording(security["allowPrivilegeEscalation"]),
      )
    ),
  (pod) => pod.hasOwnUsers ? unmaskedProc(pod) : [],
  (pod) => pod.hasOwnUsers ? [] : [...nonRoot(pod), ...rootUsers(pod)],
  ({ whole, containers, isWindows }) => {
    const good = (part: Part) => GOOD_PROFILES.includes(profileOf(part.security, "seccompProfile") ?? "");
    if (isWindows) return [];
    return containers.filter((one) =>
      !good(one) && !(good(whole) && profileOf(one.security, "seccompProfile") === undefined) &&
      profileOf(one.security, "seccompProfile") !== "Unconfined"
    ).map(({ path }) =>
      fault("pss-seccomp", [...path, "securityContext", "seccompProfile"], "is missing here and for the pod")
    );
  },
  ({ containers, isWindows }) =>
    isWindows ? [] : [
      ...containers.filter(({ security }) => !capabilities(security, "drop").includes("ALL")).map(({ path }) =>
        fault("pss-capabilities", [...path, "securityContext", "capabilities", "drop"], "does not hold ALL")
      ),
      ...addedCapabilities(containers, ["NET_BIND_SERVICE"]).filter(({ name }) => BASELINE_CAPABILITIES.includes(name)),
    ],
];

function addedCapabilities(containers: Part[], allowed: string[]): (Fault & { name: string })[] {
  return containers.flatMap(({ path, security }) =>
    capabilities(security, "add").flatMap((name, index) =>
      allowed.includes(name) ? [] : [{
        ...fault("pss-capabilities", [...path, "securityContext", "capabilities", "add", index], `is '${name}'`),
        name,
      }]
    )
  );
}

function capabilities(security: Fields, which: "add" | "drop"): string[] {
  return (fieldsOf(security["capabilities"])[which] ?? []) as string[];
}

function hostsOfProbes({ path, fields }: Part): Fault[] {
  const lifecycle = fieldsOf(fields["lifecycle"]);
  const handlers: [Path, unknown][] = [
    ...["livenessProbe", "readinessProbe", "startupProbe"].map((name): [Path, unknown] => [[name], fields[name]]),
    ...["postStart", "preStop"].map((name): [Path, unknown] => [["lifecycle", name], lifecycle[name]]),
  ];
  return handlers.flatMap(([place, handler]) =>
    ["httpGet", "tcpSocket"].flatMap((action) => {
      const { host } = fieldsOf(fieldsOf(handler)[action]);
      return isSet(host) && host !== ""
        ? [fault("pss-host-probes", [...path, ...place, action, "host"], `is '${host}'`)]
        : [];
    })
  );
}

function appArmor({ whole, containers, annotations }: Pod): Fault[] {
  const byField = [whole, ...containers].flatMap(({ path, security }) => {
    const type = profileOf(security, "appArmorProfile");
    if (type === undefined || GOOD_PROFILES.includes(type)) return [];
    return [fault("pss-apparmor", [...path, "securityContext", "appArmorProfile", "type"], `is ${type}`)];
  });
  const byAnnotation = Object.entries(annotations).filter(([name, value]) =>
    name.startsWith(APPARMOR_ANNOTATION) && !/^(runtime\/default|localhost\/.*|)$/.test(value)
  );
  return [
    ...byField,
    ...byAnnotation.map(([name, value]) => fault("pss-apparmor", ["metadata", "annotations", name], `is '${value}'`)),
  ];
}

function seLinux({ path, security }: Part): Fault[] {
  const options = fieldsOf(security["seLinuxOptions"]);
  const at = (name: string) => [...path, "securityContext", "seLinuxOptions", name];
  const isAllowed = SELINUX_TYPES.includes(String(options["type"] ?? ""));
  return [
    ...(isAllowed ? [] : [fault("pss-selinux", at("type"), `is '${options["type"]}'`)]),
    ...["user", "role"].filter((name) => isSet(options[name]) && options[name] !== "").map((name) =>
      fault("pss-selinux", at(name), `is '${options[name]}'`)
    ),
  ];
}

/** Each container says so for itself, or leaves it to the pod. */
function nonRoot({ whole, containers }: Pod): Fault[] {
  const field = (path: Path) => [...path, "securityContext", "runAsNonRoot"];
  const ofPod = whole.security["runAsNonRoot"] ?? undefined;
  const own = ({ security }: Part) => security["runAsNonRoot"] ?? undefined;
  const explicit = containers.filter((one) => own(one) === false).map(({ path }) =>
    fault("pss-run-as-non-root", field(path), "is false")
  );
  const isLeftToThePod = containers.some((one) => own(one) === undefined);
  if (ofPod === true || (ofPod === undefined && !isLeftToThePod)) return explicit;
  return [...explicit, fault("pss-run-as-non-root", field(whole.path), wording(ofPod))];
}

function rootUsers({ whole, containers }: Pod): Fault[] {
  return [whole, ...containers].filter(({ security }) => security["runAsUser"] === 0).map(({ path }) =>
    fault("pss-run-as-user", [...path, "securityContext", "runAsUser"], "is 0, the number of root")
  );
}

function unmaskedProc({ containers }: Pod): Fault[] {
  const mountOf = ({ security }: Part) => security["procMount"] ?? "Default";
  return containers.filter((one) => mountOf(one) !== "Default").map((one) =>
    fault("pss-proc-mount", [...one.path, "securityContext", "procMount"], `is ${mountOf(one)}`)
  );
}

function podOf(manifest: Manifest): Pod {
  const spec: Fields = manifest.spec;
  const annotations: unknown = manifest.metadata?.annotations;
  return {
    whole: partOf(spec, ["spec"]),
    containers: containersOf(manifest).map(({ container, path }) => partOf(container, path)),
    volumes: listOf(spec["volumes"]),
    annotations: fieldsOf(annotations) as Record<string, string>,
    isWindows: fieldsOf(spec["os"])["name"] === "windows",
    hasOwnUsers: spec["hostUsers"] === false,
  };
}

function partOf(fields: Fields, path: Path): Part {
  return { path, fields, security: fieldsOf(fields["securityContext"]) };
}

function profileOf(security: Fields, field: "seccompProfile" | "appArmorProfile"): string | undefined {
  return fieldsOf(security[field])["type"] as string | undefined;
}

function fault(rule: RuleId, path: Path, message: string): Fault {
  return { rule, path, message };
}

function wording(value: unknown): string {
  return isSet(value) ? `is ${value}` : "is missing";
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The fields of a value that is an object; none of what is not. */
function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Fields : {};
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}
