/** What `hostfactory lint` finds, says and exits with, alone and with a cluster to ask. */
import assert from "node:assert/strict";
import { podSchemaOf } from "../../scripts/dev/pod_schema.ts";
import type { Finding } from "../../src/lint/finding.ts";
import recorded from "../../src/lint/pod_schema.json" with { type: "json" };
import { clusterTest, siteTest } from "../support/e2e.ts";
import { manifest, type Site } from "../support/site.ts";
import { root } from "../support/tree.ts";

const requests = { cpu: "1", memory: "1Gi" };
const well = {
  ...manifest,
  spec: { ...manifest.spec, containers: [{ name: "symphony", image: "symphony:1", resources: { requests } }] },
};

/** What is found in files, or in the configuration directory, and the exit status. */
async function findings(site: Site, ...args: string[]): Promise<{ code: number; found: Finding[] }> {
  const { code, stdout, stderr } = await site.run(["lint", "--output", "json", ...args]);
  try {
    return { code, found: JSON.parse(stdout).findings };
  } catch {
    throw new Error(`it is not JSON: ${stdout}${stderr}`);
  }
}

siteTest("a configuration that is well exits with 0 and says so", async (site) => {
  site.writeTemplates({ small: well });
  const { code, stdout, stderr } = await site.run(["lint"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "2 files: nothing to mend\n", stderr: "" });
});

siteTest("the sample that hosts are given is well", async (site) => {
  const { code, found } = await findings(site, "--confdir", `${root}scripts/k8s-hf/providers/k8s-hf`);
  assert.deepEqual([code, found], [0, []]);
});

siteTest("findings exit with 1, are grouped by file, and drive no terminal", async (site) => {
  const image = "sym\x1b[31mphony:latest";
  const spec = { ...well.spec, containers: [{ name: "symphony", image, resources: { requests } }] };
  site.writeTemplates({ small: { ...well, spec } }, { maxNumber: 0 });
  const { code, stdout, stderr } = await site.run(["lint"]);
  assert.equal(code, 1);
  assert.match(stderr, /^hostfactory: lint found 2 warnings\n$/);
  assert.match(
    stdout,
    /^conf\/k8sprov_templates\.json\n {2}1:\d+ +warning +maxNumber is 0.*template-empty\n.*→.*\n\nconf\/small\.json\n/,
  );
  assert.ok(stdout.includes("sym\\u001b[31mphony") && !stdout.includes("\x1b"), stdout);
  const disabled = await site.run(["lint", "--disable", "image-tag", "--disable", "template-empty"]);
  assert.equal(disabled.code, 0);
});

siteTest("each output is what it says", async (site) => {
  site.writeTemplates({ small: well }, { maxNumber: 0 });
  const { found } = await findings(site);
  assert.deepEqual(found.map(({ rule, file }) => [rule, file]), [["template-empty", "conf/k8sprov_templates.json"]]);
  const sarif = await site.run(["lint", "--output", "sarif"]);
  assert.equal(JSON.parse(sarif.stdout).runs[0].results[0].ruleId, "template-empty");
  const github = await site.run(["lint", "--output", "github"]);
  assert.match(
    github.stdout,
    /^::warning file=conf\/k8sprov_templates\.json,line=1,col=\d+,title=template-empty::.*\n$/,
  );
  assert.deepEqual([sarif.code, github.code], [1, 1]);
});

siteTest("a command line that is wrong exits with 2 and says what is right", async (site) => {
  for (
    const [args, says] of [
      [["--output", "xml"], /Allowed choices are text, json, sarif, github/],
      [["--security-profile", "privileged"], /Allowed choices are baseline, restricted/],
      [["--disable", "nonsense"], /no such rule/],
      [["--nonsense"], /unknown option/],
    ] as const
  ) {
    const { code, stdout, stderr } = await site.run(["lint", ...args]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, says);
  }
});

siteTest(
  "a templates file that is missing or no JSON is a finding, and so is a manifest that is missing",
  async (site) => {
    site.write("conf/k8sprov_templates.json", '{"templates": [');
    assert.deepEqual((await findings(site)).found.map(({ rule }) => rule), ["syntax"]);
    site.writeTemplates({ small: well });
    Deno.removeSync(`${site.confdir}/small.json`);
    assert.deepEqual((await findings(site)).found.map(({ rule }) => rule), ["manifest-missing"]);
    const { code, found } = await findings(site, "--confdir", "/nowhere");
    assert.deepEqual([code, found.map(({ rule }) => rule)], [1, ["file-unreadable"]]);
  },
);

clusterTest("the cluster has nothing against a pod that it takes, and nothing is left of it", async (site) => {
  site.writeTemplates({ small: well });
  const { code, found } = await findings(site, "--server");
  assert.deepEqual(found.map(({ rule }) => rule), ["quota-unknown"], JSON.stringify(found));
  assert.equal(code, 0, "an info fails no run");
  assert.deepEqual(await site.cluster.podNames(), []);
});

clusterTest("what the cluster refuses is found, and a quota that is too small", async (site) => {
  const broken = { ...well, metadata: { labels: { "not a label!": "x" } } };
  site.writeTemplates({ small: well, broken });
  site.write("kubeconfig", site.cluster.adminKubeconfig());
  await site.cluster.limitPods(50);
  const { code, found } = await findings(site, "--server");
  assert.deepEqual(found.map(({ rule, file, path }) => `${rule} ${file} ${path}`), [
    "quota-too-small conf/k8sprov_templates.json /templates/0/maxNumber",
    "quota-too-small conf/k8sprov_templates.json /templates/1/maxNumber",
    "server-refuses conf/broken.json ",
  ]);
  assert.match(found[2]?.message ?? "", /the cluster refuses the pod: Pod ".*" is invalid: metadata.labels/);
  assert.equal(code, 1);
});

clusterTest("a right that serve lacks is found", async (site) => {
  site.writeTemplates({ small: well });
  await site.cluster.withdraw("watch pods");
  const { found } = await findings(site, "--server");
  assert.deepEqual(found.filter(({ rule }) => rule === "right-missing").map(({ message }) => message), [
    "the user of this kubeconfig may not watch pods in the namespace",
  ]);
});

siteTest("a cluster that cannot be reached is one finding", async (site) => {
  site.writeTemplates({ small: well });
  const user = { clusters: [{ name: "c", cluster: { server: "http://127.0.0.1:1" } }] };
  const contexts = [{ name: "c", context: { cluster: "c", user: "u" } }];
  const kubeconfig = { ...user, contexts, users: [{ name: "u", user: {} }], "current-context": "c" };
  const path = site.write("nowhere.json", JSON.stringify(kubeconfig));
  const { code, found } = await findings(site, "--server", "--kubeconfig", path);
  assert.deepEqual([code, found.map(({ rule }) => rule)], [1, ["server-unreachable"]]);
});

/** What differs from a pod that every profile allows, in the spec and in the container; each is one that the cluster takes. */
const secure = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  seccompProfile: { type: "RuntimeDefault" },
  capabilities: { drop: ["ALL"] },
};
const samples: { security?: object; spec?: object; container?: object; annotations?: Record<string, string> }[] = [
  {},
  { security: { ...secure, privileged: true, allowPrivilegeEscalation: true } },
  { security: { ...secure, capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } } },
  { security: { ...secure, capabilities: { drop: ["ALL"], add: ["CHOWN"] } } },
  { security: { ...secure, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } },
  { security: { ...secure, capabilities: { drop: ["CHOWN"] } } },
  { security: { ...secure, allowPrivilegeEscalation: undefined } },
  { security: { ...secure, runAsNonRoot: undefined } },
  { security: { ...secure, runAsNonRoot: undefined }, spec: { securityContext: { runAsNonRoot: true } } },
  { security: { ...secure, runAsNonRoot: false }, spec: { securityContext: { runAsNonRoot: true } } },
  { spec: { securityContext: { runAsNonRoot: false } } },
  { security: { ...secure, runAsUser: 0 } },
  { security: { ...secure, runAsUser: 1000 } },
  { spec: { securityContext: { runAsUser: 0 } } },
  { security: { ...secure, seccompProfile: undefined } },
  { security: { ...secure, seccompProfile: { type: "Unconfined" } } },
  {
    security: { ...secure, seccompProfile: undefined },
    spec: { securityContext: { seccompProfile: secure.seccompProfile } },
  },
  { spec: { securityContext: { seccompProfile: { type: "Unconfined" } } } },
  { security: { ...secure, seLinuxOptions: { type: "spc_t" } } },
  { security: { ...secure, seLinuxOptions: { type: "container_engine_t" } } },
  { spec: { securityContext: { seLinuxOptions: { role: "r" } } } },
  { security: { ...secure, appArmorProfile: { type: "Unconfined" } } },
  { security: { ...secure, appArmorProfile: { type: "RuntimeDefault" } } },
  { security: { ...secure, procMount: "Unmasked" }, spec: { hostUsers: false } },
  { security: { runAsNonRoot: true }, spec: { os: { name: "windows" } } },
  { security: { runAsNonRoot: true }, spec: { os: { name: "linux" } } },
  { security: { ...secure, runAsNonRoot: false, runAsUser: 0 }, spec: { hostUsers: false } },
  { spec: { hostNetwork: true } },
  { spec: { hostPID: true } },
  { spec: { hostIPC: true } },
  { spec: { hostIPC: false } },
  { container: { ports: [{ containerPort: 80, hostPort: 80 }] } },
  { container: { ports: [{ containerPort: 80, hostPort: 0 }] } },
  { container: { livenessProbe: { httpGet: { port: 80, host: "h" } } } },
  { container: { readinessProbe: { tcpSocket: { port: 80 } } } },
  { container: { lifecycle: { preStop: { httpGet: { port: 80, host: "127.0.0.1" } } } } },
  { spec: { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } } },
  { spec: { securityContext: { sysctls: [{ name: "net.ipv4.tcp_wmem", value: "1 2 3" }] } } },
  ...[
    { hostPath: { path: "/" } },
    { nfs: { server: "s", path: "/" } },
    { emptyDir: {} },
    { configMap: { name: "c" } },
    { secret: { secretName: "s" } },
    { downwardAPI: { items: [] } },
    { projected: { sources: [] } },
    { persistentVolumeClaim: { claimName: "c" } },
    { csi: { driver: "d" } },
    { image: { reference: "i:1" } },
    { iscsi: { targetPortal: "1.2.3.4", iqn: "iqn.2001-04.com.example:x", lun: 0 } },
    {
      ephemeral: {
        volumeClaimTemplate: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
      },
    },
  ].map((volume) => ({ spec: { volumes: [{ name: "v", ...volume }] } })),
  { spec: { initContainers: [{ name: "i", image: "i:1" }] } },
];

for (const profile of ["baseline", "restricted"]) {
  clusterTest(`what ${profile} does not allow is what a cluster refuses that enforces it`, async (site) => {
    site.write("kubeconfig", site.cluster.adminKubeconfig());
    const labels = { "pod-security.kubernetes.io/enforce": profile };
    await site.cluster.call("PATCH", `/api/v1/namespaces/${site.cluster.namespace}`, { metadata: { labels } });
    const paths = samples.map(({ security = secure, spec, container, annotations = {} }, index) => {
      const one = { name: "c", image: "c:1", resources: { requests }, securityContext: security, ...container };
      const pod = { ...well, metadata: { annotations }, spec: { restartPolicy: "Never", containers: [one], ...spec } };
      return site.write(`${index}.json`, JSON.stringify(pod));
    });
    const { found } = await findings(site, "--server", "--security-profile", profile, ...paths);
    const refused = found.filter(({ rule }) => rule === "server-refuses");
    for (const { message } of refused) assert.match(message, /violates PodSecurity/);
    for (const [index, sample] of samples.entries()) {
      const here = found.filter(({ file }) => file === `${index}.json`);
      const isFound = here.some(({ rule }) => rule.startsWith("pss-"));
      const isRefused = here.some(({ rule }) => rule === "server-refuses");
      assert.equal(isFound, isRefused, `${JSON.stringify(sample)} ${JSON.stringify(here)}`);
    }
    assert.ok(refused.length > 10 && refused.length < samples.length, String(refused.length));
  }, { on: ["real"] });
}

clusterTest("the schema of a pod is the one that the API server publishes", async ({ cluster }) => {
  const now = await podSchemaOf(cluster) as typeof recorded;
  if (now.kubernetes !== recorded.kubernetes) {
    console.warn(`SKIPPED: the schema is of Kubernetes ${recorded.kubernetes}, and the cluster is ${now.kubernetes}`);
    return;
  }
  assert.deepEqual(now, recorded, "take it again: see scripts/dev/pod_schema.ts");
}, { on: ["real"] });
