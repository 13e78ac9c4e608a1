/** Each rule by an example of what it finds, and one of what is well. */
import assert from "node:assert/strict";
import type { Extension, Registry } from "../../src/extensions/extension.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { lint, type LintOptions } from "../../src/lint/lint.ts";
import { type RuleId, RULES } from "../../src/lint/rules.ts";
import type { Finding } from "../../src/lint/finding.ts";
import { FakeKube } from "../support/fake_kube.ts";
import { extension } from "../support/hooks.ts";
import { MemoryFiles } from "../support/memory_files.ts";
import { readFromTree } from "../support/tree.ts";
import { SimulatedClock } from "../support/simulated_clock.ts";

const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "2"], nram: ["Numeric", "4096"] };
const template = { templateId: "A", maxNumber: 10, attributes, podSpec: "pod.json" };

const security = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  seccompProfile: { type: "RuntimeDefault" },
  capabilities: { drop: ["ALL"] },
};
const container = {
  name: "c",
  image: "registry.example.com:5000/c:1",
  resources: { requests: { cpu: 2, memory: "4Gi" } },
  securityContext: security,
};
const spec = { restartPolicy: "Never", containers: [container] };
const pod = { apiVersion: "v1", kind: "Pod", spec };

/** What is on the disk and in the cluster; absent: all is well. */
interface Case {
  templates?: unknown;
  /** Fields in place of those of the template. */
  template?: object;
  /** Fields in place of those of the spec. */
  spec?: object;
  /** Fields in place of those of the container. */
  container?: object;
  securityContext?: object;
  metadata?: object;
  /** In place of the pod. */
  pod?: unknown;
  files?: Record<string, string>;
  paths?: string[];
  extensions?: Partial<LintOptions["extensions"]>;
  profile?: LintOptions["profile"];
  cluster?: (kube: FakeKube) => void;
}

async function findingsOf(given: Case): Promise<Finding[]> {
  const files = new MemoryFiles();
  files.makeDirectory("/conf");
  const one = {
    ...container,
    ...given.container,
    ...(given.securityContext ? { securityContext: { ...security, ...given.securityContext } } : {}),
  };
  const made = { ...pod, metadata: given.metadata, spec: { ...spec, containers: [one], ...given.spec } };
  const manifest = "pod" in given ? given.pod : made;
  const text = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value, undefined, 1);
  files.writeText("/conf/pod.json", text(manifest));
  const list = { templates: [{ ...template, ...given.template }] };
  files.writeText("/conf/k8sprov_templates.json", text(given.templates ?? list));
  for (const [path, content] of Object.entries(given.files ?? {})) files.writeText(path, content);
  const kube = new FakeKube(new SimulatedClock());
  given.cluster?.(kube);
  const registry: Registry = { extensions: [], blocked: [], problems: [] };
  const { findings } = await lint({
    files,
    paths: given.paths ?? [],
    confdir: "/conf",
    currentDirectory: "/",
    profile: given.profile,
    extensions: { registry, directory: "/conf/extensions.d", ...given.extensions },
    ...(given.cluster ? { server: { kube, instance: "k8s-hf", machine: "lint-0" } } : {}),
  });
  return findings;
}

const registered = (...extensions: Extension[]) => ({ registry: { extensions, blocked: [], problems: [] } });
const registration = JSON.stringify({ name: "a", hooks: {} });
const problem = { name: "a", severity: "error" as const, message: "extension 'a': hooks.lint must be a URL" };

/** What a rule finds, with what the message says and in which line; and what is well. */
const examples: { [Rule in RuleId]: [bad: Case, says: RegExp, good?: Case][] } = {
  "file-unreadable": [[{ paths: ["/none.yaml"] }, /does not exist/, { paths: ["/conf/pod.json"] }]],
  "file-unknown": [
    [{ paths: ["/other"], files: { "/other": "a: 1" } }, /no templates file, pod manifest or registration/],
    [{ paths: ["/other"], files: { "/other": "just a text" } }, /no templates file/],
  ],
  "syntax": [
    [{ templates: '{\n "templates": [\n}' }, /not JSON: Unexpected token '}'/],
    [{ templates: '{"templates": [' }, /it ends too early/],
    [{ pod: "kind: Pod\n  spec: x" }, /not JSON/],
    [{ paths: ["/p.yaml"], files: { "/p.yaml": "kind: [Pod\nspec: x" } }, /not YAML/],
  ],
  "duplicate-key": [[{ templates: '{"templates": [], \n"a": 1, "a": 2}' }, /key "a" stands twice/]],
  "templates-list": [
    [{ templates: {}, paths: [] }, /templates is missing/],
    [{ templates: { templates: {} } }, /templates must be a list/],
    [{ templates: { templates: new Array(10_001).fill(0) } }, /has 10001 entries, and may have 10000/],
  ],
  "template-schema": [
    [
      { template: { attributes: { type: attributes.type, nram: attributes.nram } } },
      /^attributes\.ncpus is missing, in template 'A'$/,
    ],
    [{ template: { podSpec: undefined } }, /^podSpec is missing/],
    [{ template: { maxNumber: "10" } }, /^maxNumber must be a number/],
    [{ template: { templateId: undefined } }, /^templateId is missing, in template number 1$/],
    [{ template: { extensions: [] } }, /^extensions must be an object/, { template: { extensions: {} } }],
    [{ template: { site: JSON.parse("[".repeat(60) + "]".repeat(60)) } }, /more than 50 levels/],
    [{ templates: { templates: [1] } }, /template number 1 must be an object/],
  ],
  "template-field-name": [
    [{ template: { podspec: "x", podSpec: undefined } }, /'podspec' is not known, in template 'A'/, {
      template: { site: 1, pods: 2 },
    }],
    [{ template: { extension: {} } }, /'extension' is not known/, { template: { extensions: {} } }],
    [{ template: { attributes: { ...attributes, nram: undefined, nrma: attributes.nram } } }, /'nrma' is not known/],
  ],
  "template-duplicate-id": [
    [{ templates: { templates: [template, template] } }, /before this one has the templateId 'A'/, {
      templates: { templates: [template, { ...template, templateId: "B" }] },
    }],
  ],
  "template-empty": [[{ template: { maxNumber: 0 } }, /maxNumber is 0/, { template: { maxNumber: -1 } }]],
  "template-too-many": [
    [{ template: { maxNumber: 150_001 } }, /maxNumber is 150001/, { template: { maxNumber: 150_000 } }],
  ],
  "ncpus-mismatch": [
    [
      { container: { resources: { requests: { cpu: "1500m", memory: "4Gi" } } } },
      /ncpus is 2.*1.5 CPUs: Symphony counts/,
      {
        container: { resources: { requests: { cpu: "2500m", memory: "4Gi" } } },
      },
    ],
    [{ container: { resources: { limits: { cpu: "3", memory: "4Gi" } } } }, /ncpus is 2.*3 CPUs$/, {
      container: { resources: { limits: { memory: "4Gi" } } },
    }],
  ],
  "nram-mismatch": [
    [
      { container: { resources: { requests: { cpu: 2, memory: "2Gi" } } } },
      /nram is 4096 MB.*2048 MiB.*Symphony counts/,
      {
        container: { resources: { requests: { cpu: 2, memory: "4096M" } } },
      },
    ],
  ],
  "manifest-missing": [[{ template: { podSpec: "none.yaml" } }, /podSpec '\/conf\/none.yaml' does not exist/]],
  "manifest-schema": [
    [{ pod: { ...pod, spec: {} } }, /^spec\.containers is missing$/],
    [{ pod: { ...pod, kind: "Job" } }, /^kind must be 'Pod'$/],
    [{ container: { image: null } }, /^spec\.containers\[0\]\.image is missing$/, {
      metadata: { labels: null } as object,
    }],
    [{ spec: { restartPolicy: "never" } }, /^spec\.restartPolicy must be 'Always', 'Never' or 'OnFailure'$/],
    [{ spec: { hostNetwork: "yes" } }, /^spec\.hostNetwork must be true or false$/],
    [{ container: { resources: { requests: { cpu: "two" } } } }, /requests\.cpu must be an amount/],
    [{ spec: { containers: [] } }, /^spec\.containers must not be empty$/],
    [{ spec: { priority: 2 ** 31 } }, /^spec\.priority must be a number of 32 bits$/],
    [{ metadata: { labels: { a: 1 } } }, /^metadata\.labels\.a must be text/, { metadata: { labels: { a: "1" } } }],
    [{ pod: [] }, /^it must be an object$/],
  ],
  "manifest-unknown-field": [
    [{ container: { imagePullpolicy: "Always" } }, /^spec\.containers\[0\]\.imagePullpolicy is not a field that/, {
      container: { imagePullPolicy: "Always" },
    }],
  ],
  "manifest-namespace": [[{ metadata: { namespace: "x" } }, /metadata.namespace is 'x'/, { metadata: { name: "x" } }]],
  "reserved-label": [
    [{ metadata: { labels: { app: "x" } } }, /the label 'app'/, { metadata: { annotations: { app: "x" } } }],
    [{ metadata: { labels: { "symphony/hostfactory-reqid": "x" } } }, /'symphony\/hostfactory-reqid'/],
    [{ metadata: { annotations: { "symphony/hostfactory-new": "x" } } }, /the annotation 'symphony/],
  ],
  "requests-missing": [
    [{ container: { resources: { requests: { memory: "4Gi" } } } }, /no container requests cpu/, {
      spec: { resources: { requests: { cpu: 2, memory: "4Gi" } }, containers: [{ name: "c", image: "c:1" }] },
    }],
  ],
  "restart-policy": [
    [{ spec: { restartPolicy: undefined } }, /is missing, which means Always: a machine that ends/],
    [{ spec: { restartPolicy: "OnFailure" } }, /is OnFailure: a machine that fails/],
  ],
  "grace-period-zero": [
    [{ spec: { terminationGracePeriodSeconds: 0 } }, /is 0/, { spec: { terminationGracePeriodSeconds: 1 } }],
  ],
  "grace-period-long": [
    [{ spec: { terminationGracePeriodSeconds: 86_400 } }, /86400.*24 hours/, {
      spec: { terminationGracePeriodSeconds: 3_600 },
    }],
  ],
  "image-tag": [
    [{ container: { image: "registry.example.com:5000/c" } }, /neither a tag nor a digest/, {
      container: { image: "c@sha256:0" },
    }],
    [{ container: { image: "c:latest" } }, /the tag 'latest'/],
    [{ spec: { initContainers: [{ ...container, image: "i" }] } }, /the image 'i'/],
  ],
  "extension-registration": [
    [
      { extensions: { registry: { extensions: [], blocked: [], problems: [problem] } } },
      /^extension 'a': hooks.lint must be a URL$/,
    ],
    [{ paths: ["/a.json"], files: { "/a.json": registration }, extensions: { problemsOf: () => [problem] } }, /URL/, {
      paths: ["/a.json"],
      files: { "/a.json": registration },
      extensions: { problemsOf: () => [] },
    }],
  ],
  "extension-not-registered": [
    [{ template: { extensions: { slo: { token: "secret" } } } }, /configures the extension 'slo'/, {
      template: { extensions: { slo: {} } },
      extensions: registered(extension("slo")),
    }],
  ],
  "extension-unreachable": [
    [
      {
        extensions: {
          ...registered(extension("a", { hooks: { lint: "https://a/lint" } })),
          hook: () => Promise.reject(new Error("connection refused")),
        },
      },
      /the lint hook of extension 'a' did not answer: connection refused/,
      { extensions: { ...registered(extension("a")), hook: () => Promise.reject(new Error("not asked")) } },
    ],
  ],
  "server-unreachable": [
    [{ cluster: (kube) => kube.fail("isAllowed", new KubeError("unavailable", "no route")) }, /^no route$/],
    [{ cluster: (kube) => kube.fail("createPod", new KubeError("throttled", "slow down")) }, /^slow down$/],
  ],
  "server-refuses": [
    [{ cluster: (kube) => kube.fail("createPod", new KubeError("invalid", "no such class")) }, /no such class/, {
      cluster: (kube) => kube.fail("createPod", new KubeError("unauthorised", "u cannot create resource p")),
    }],
  ],
  "right-missing": [[{ cluster: (kube) => kube.denied.add("watch pods") }, /may not watch pods/, {
    cluster: () => {},
  }]],
  "quota-too-small": [
    [
      {
        cluster: (kube) => kube.quotas.set("q", { metadata: { name: "q" }, spec: { hard: { "requests.cpu": "19" } } }),
      },
      /maxNumber is 10.*quota 'q' allows requests.cpu 19.*need 20/,
      { cluster: (kube) => kube.quotas.set("q", { metadata: { name: "q" }, spec: { hard: { cpu: "20" } } }) },
    ],
    [
      { cluster: (kube) => kube.quotas.set("q", { metadata: { name: "q" }, spec: { hard: { pods: "9" } } }) },
      /need 10/,
    ],
  ],
  "quota-unknown": [
    [
      { cluster: (kube) => kube.fail("listQuotas", new KubeError("unauthorised", "u cannot list resource q")) },
      /may not be read/,
      { cluster: () => {} },
    ],
  ],
  "pss-host-process": [[
    baseline({ securityContext: { windowsOptions: { hostProcess: true } } }),
    /hostProcess is true/,
  ]],
  "pss-host-namespaces": [[
    baseline({ spec: { hostPID: true } }),
    /spec.hostPID is true/,
    baseline({ spec: { hostPID: false } }),
  ]],
  "pss-privileged": [[baseline({ securityContext: { privileged: true } }), /privileged is true/]],
  "pss-capabilities": [
    [
      baseline({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }),
      /is 'SYS_ADMIN'.*'baseline'/,
      baseline({ securityContext: { capabilities: { add: ["CHOWN"] } } }),
    ],
    [
      restricted({ securityContext: { capabilities: { drop: ["ALL"], add: ["CHOWN"] } } }),
      /is 'CHOWN'.*'restricted'/,
      restricted({ securityContext: { capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } }),
    ],
    [restricted({ securityContext: { capabilities: {} } }), /drop does not hold ALL/],
  ],
  "pss-host-path": [
    [baseline({ spec: { volumes: [{ name: "v", hostPath: { path: "/" } }] } }), /volumes\[0\]\.hostPath/],
  ],
  "pss-host-ports": [
    [
      baseline({ container: { ports: [{ containerPort: 1, hostPort: 1 }] } }),
      /hostPort is 1/,
      baseline({ container: { ports: [{ containerPort: 1, hostPort: 0 }] } }),
    ],
  ],
  "pss-host-probes": [
    [baseline({ container: { livenessProbe: { httpGet: { port: 1, host: "h" } } } }), /httpGet\.host is 'h'/],
    [baseline({ container: { lifecycle: { preStop: { tcpSocket: { port: 1, host: "h" } } } } }), /preStop\.tcpSocket/],
  ],
  "pss-apparmor": [
    [baseline({ securityContext: { appArmorProfile: { type: "Unconfined" } } }), /appArmorProfile\.type is Unconfined/],
    [
      baseline({ metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" } } }),
      /is 'unconfined'/,
      baseline({ metadata: { annotations: { "container.apparmor.security.beta.kubernetes.io/c": "localhost/x" } } }),
    ],
  ],
  "pss-selinux": [
    [
      baseline({ securityContext: { seLinuxOptions: { type: "spc_t" } } }),
      /type is 'spc_t'/,
      baseline({ securityContext: { seLinuxOptions: { type: "container_t" } } }),
    ],
    [baseline({ spec: { securityContext: { seLinuxOptions: { user: "u" } } } }), /user is 'u'/],
  ],
  "pss-proc-mount": [
    [
      baseline({ securityContext: { procMount: "Unmasked" } }),
      /procMount is Unmasked/,
      baseline({ securityContext: { procMount: "Default" } }),
    ],
  ],
  "pss-seccomp": [
    [baseline({ securityContext: { seccompProfile: { type: "Unconfined" } } }), /is Unconfined/],
    [
      restricted({ securityContext: { seccompProfile: undefined } }),
      /seccompProfile is missing/,
      restricted({
        securityContext: { seccompProfile: undefined },
        spec: { securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "p" } } },
      }),
    ],
  ],
  "pss-sysctls": [
    [
      baseline({ spec: { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } } }),
      /'kernel.msgmax'/,
      baseline({ spec: { securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem", value: "1" }] } } }),
    ],
  ],
  "pss-volume-types": [
    [
      restricted({ spec: { volumes: [{ name: "v", nfs: { server: "s", path: "/" } }] } }),
      /volumes\[0\]\.nfs/,
      restricted({ spec: { volumes: [{ name: "v", emptyDir: {} }] } }),
    ],
  ],
  "pss-privilege-escalation": [
    [restricted({ securityContext: { allowPrivilegeEscalation: undefined } }), /allowPrivilegeEscalation is missing/],
    [restricted({ securityContext: { allowPrivilegeEscalation: true } }), /allowPrivilegeEscalation is true/],
  ],
  "pss-run-as-non-root": [
    [
      restricted({ securityContext: { runAsNonRoot: undefined } }),
      /spec.securityContext.runAsNonRoot is missing/,
      restricted({ securityContext: { runAsNonRoot: undefined }, spec: { securityContext: { runAsNonRoot: true } } }),
    ],
    [restricted({ securityContext: { runAsNonRoot: false } }), /runAsNonRoot is false/],
  ],
  "pss-run-as-user": [
    [
      restricted({ securityContext: { runAsUser: 0 } }),
      /runAsUser is 0/,
      restricted({ securityContext: { runAsUser: 1 } }),
    ],
  ],
};

function baseline(given: Case): Case {
  return { ...given, profile: "baseline" };
}

function restricted(given: Case): Case {
  return { ...given, profile: "restricted" };
}

for (const [rule, cases] of Object.entries(examples)) {
  Deno.test(`the rule ${rule} finds what it is for, and nothing where all is well`, async () => {
    for (const [bad, says, good = {}] of cases) {
      const found = (await findingsOf(bad)).filter((one) => one.rule === rule);
      assert.equal(found.length, 1, `${JSON.stringify(bad)} ${JSON.stringify(found)}`);
      assert.match(found[0]!.message, says);
      assert.deepEqual((await findingsOf(good)).filter((one) => one.rule === rule), []);
    }
  });
}

Deno.test("where all is well, nothing is found, under any profile and in the cluster", async () => {
  assert.deepEqual(await findingsOf({ profile: "restricted", cluster: () => {} }), []);
});

Deno.test("each rule has a severity, what it is for, and how to mend it, on one line each", () => {
  for (const { severity, what, mend } of Object.values(RULES)) {
    assert.ok(["error", "warning", "info"].includes(severity));
    for (const text of [what, mend]) assert.match(text, /^[^\n]{5,}[^.\n]$/);
  }
});

Deno.test("docs/lint.md has each rule with its severity and words, in the order of the source, and no other", () => {
  const rows = readFromTree("docs/lint.md").matchAll(
    /^\| `([a-z-]+)` +\| (error|warning|info) +\| (.+?) +\| (.+?) +\|$/gm,
  );
  const documented = Array.from(rows, ([, id, severity, what, mend]) => ({ id, severity, what, mend }));
  assert.deepEqual(documented, Object.entries(RULES).map(([id, rule]) => ({ id, ...rule })));
});
