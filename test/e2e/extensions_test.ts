/** Extensions: the examples as they are deployed, what they do to pods, and that a bad one stops nobody else. */
import assert from "node:assert/strict";
import { answer, type Hooks, type Pod } from "../../scripts/extensions/hook.ts";
import type { PictureMessage } from "../../src/page/messages.ts";
import * as keys from "../kube/key_pairs.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { freePort } from "../support/free_port.ts";
import { machinesOf, manifest, type Site } from "../support/site.ts";
import { root } from "../support/tree.ts";

/** Registers an extension by a file. */
function register(site: Site, name: string, registration: Record<string, unknown>): void {
  Deno.mkdirSync(`${site.confdir}/extensions.d`, { recursive: true });
  const text = JSON.stringify({ name, allowAddresses: ["loopback"], ...registration });
  Deno.writeTextFileSync(`${site.confdir}/extensions.d/${name}.json`, text);
}

/** A hook in this process. @returns its registration's `hooks`, and how many calls there were */
function hook(respond: (request: Request) => Response | Promise<Response>) {
  let calls = 0;
  const end = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {}, signal: end.signal }, (request) => {
    calls++;
    return respond(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return { hooks: { "pre-create": url }, calls: () => calls, [Symbol.dispose]: () => end.abort() };
}

function annotate(annotations: Record<string, string>): Hooks {
  return {
    preCreate: ({ pod: { metadata } }) => void (metadata.annotations = { ...metadata.annotations, ...annotations }),
  };
}

/** Runs every example as its README says, and registers it by its own registration. */
async function deploy(site: Site, environment: Record<string, string>): Promise<void> {
  Deno.mkdirSync(`${site.confdir}/extensions.d`);
  const directory = `${root}scripts/extensions`;
  for (const { name: file } of Deno.readDirSync(`${directory}/registrations`)) {
    const name = file.replace(".yaml", "");
    const script = `${directory}/${name.replaceAll("-", "_")}.ts`;
    const process = site.start(
      ["run", "--no-config", "--no-lock", "--allow-net", "--allow-env", "--allow-read", script],
      { program: Deno.execPath(), environment: { ...environment, PORT: "0", NO_COLOR: "1" } },
    );
    const port = await eventually(`${name} listens`, () => {
      return /127\.0\.0\.1:(\d+)/.exec(process.stdout + process.stderr)?.[1];
    });
    const registration = Deno.readTextFileSync(`${directory}/registrations/${file}`);
    const registered = registration.replace(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`);
    Deno.writeTextFileSync(`${site.confdir}/extensions.d/${file}`, registered);
  }
}

clusterTest("the examples, as they are deployed, change the pods of machines, and check templates", async (site) => {
  const extensions = {
    annotater: { annotations: { mesh: "off" } },
    "metrics-annotations": { port: 9100 },
    "metrics-sidecar": { port: 9100 },
    "service-levels": { objective: 99.5, window: "30d" },
    "log-shipper": {},
  };
  const resources = { requests: { cpu: "10m" }, limits: { cpu: "20m" } };
  const containers = [{ name: "symphony", image: "symphony:1", resources }];
  site.writeTemplates({ small: { ...manifest, spec: { ...manifest.spec, containers } } }, { extensions });
  const environment = site.cluster.namespace.split("-").at(-1)!;
  await deploy(site, {
    RULES: site.write("rules.json", JSON.stringify({ defaults: { owner: "grid" } })),
    POLICIES: site.write("policies.json", JSON.stringify({ [environment]: { limits: "as-requests" } })),
    IMAGE: "sidecar:1",
    GATEWAY: "http://gateway.test",
  });
  site.serve();
  const id = await site.request(3);
  const pods = await eventually("all are created", async () => {
    const pods = await site.cluster.pods();
    return pods.size === 3 && pods;
  });
  for (const name of machinesOf(id, 3)) {
    const { metadata: { annotations = {} }, spec } = pods.get(name)!;
    assert.deepEqual([annotations.owner, annotations.mesh], ["grid", "off"]);
    assert.equal(annotations["prometheus.io/port"], "9100");
    assert.equal(annotations["slo.example.com/objective"], "99.5");
    const { containers, initContainers = [] } = spec as unknown as Pod["spec"];
    assert.deepEqual(initContainers.map(({ name }) => name), ["metrics", "log-shipper"]);
    assert.equal(containers[0]?.resources?.limits?.cpu, "10m");
  }
  const returned = await site.giveBack(machinesOf(id, 3));
  assert.equal((await site.settled(returned)).status, "complete");

  site.writeTemplates({ small: manifest }, { extensions: { "service-levels": { objective: 100, window: "30d" } } });
  const { code, stdout } = await site.run(["lint", "--output", "json"]);
  assert.equal(code, 1);
  const rules = JSON.parse(stdout).findings.map(({ rule }: { rule: string }) => rule);
  assert.ok(rules.includes("service-levels/objective"), stdout);
});

clusterTest(
  "a machine that an extension refuses fails with its words, and the rest of its request with it",
  async (site) => {
    using refusing = hook(() => new Response("no more GPUs today", { status: 403 }));
    register(site, "gate", { hooks: refusing.hooks, batch: 10 });
    site.serve();
    const { status, machines, message } = await site.settled(await site.request(200));
    assert.equal(status, "complete_with_error");
    assert.match(message, /200 of 200 machine\(s\) failed/);
    for (const machine of machines) assert.match(machine.message, /Refused by extension 'gate': no more GPUs today/);
    assert.ok(refusing.calls() <= 20, `${refusing.calls()} calls`);
    assert.deepEqual(await site.cluster.podNames(), []);
  },
);

clusterTest("registrations are followed while serve runs", async (site) => {
  using first = hook((request) => answer(request, annotate({ team: "risk" })));
  site.serve();
  await site.allRunning(await site.request(1));
  register(site, "annotater", { hooks: first.hooks });
  await eventually("the extension is seen", () => /annotater/.test(site.log));
  const id = await site.request(1);
  await site.allRunning(id);
  assert.equal((await site.cluster.pods()).get(`${id}-0`)?.metadata.annotations?.team, "risk");
  Deno.removeSync(`${site.confdir}/extensions.d/annotater.json`);
  await eventually("it is seen to be gone", async () => {
    const one = await site.request(1);
    await site.allRunning(one);
    return (await site.cluster.pods()).get(`${one}-0`)?.metadata.annotations?.team === undefined;
  });
});

clusterTest("a hook that is down, hangs or lies stops what it is asked for alone", async (site) => {
  using good = hook((request) => answer(request, annotate({ good: "yes" })));
  using hanging = hook(() => new Promise(() => {}));
  using redirecting = hook(() => Response.redirect("http://169.254.169.254/latest/meta-data/", 307));
  using endless = hook(() => new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1024)) })));
  using huge = hook(() => new Response(new Uint8Array(100 * 1024 * 1024)));
  using lying = hook(() =>
    Response.json({ apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: { containers: [{ name: "c" }] } })
  );
  register(site, "good", { hooks: good.hooks });
  register(site, "hanging", { hooks: hanging.hooks, failurePolicy: "ignore", timeoutSeconds: 1, retrySeconds: 0 });
  const bad = { failurePolicy: "ignore", timeoutSeconds: 1, retrySeconds: 0 };
  for (const [name, { hooks }] of Object.entries({ redirecting, endless, huge })) {
    register(site, name, { hooks, ...bad });
  }
  register(site, "nobody", {
    hooks: { "pre-create": "http://127.0.0.1:1/" },
    failurePolicy: "ignore",
    retrySeconds: 0,
  });
  site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  for (const { metadata } of (await site.cluster.pods()).values()) assert.equal(metadata.annotations?.good, "yes");
  register(site, "lying", { hooks: lying.hooks });
  await eventually("the liar is seen", () => /lying/.test(site.log));
  const { machines } = await site.settled(await site.request(1));
  assert.match(
    machines[0]?.message ?? "",
    /answer of extension 'lying': it may not change \/metadata\/name, and made it "x"/,
  );
});

/** What the page says of extensions when it is opened. */
async function extensionsOnPage(port: number): Promise<PictureMessage["extensions"]> {
  const stream = await fetch(`http://127.0.0.1:${port}/page/stream`);
  let text = "";
  for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const [, first] = /^data: (.*)\n\n/m.exec(text) ?? [];
    if (first !== undefined) return (JSON.parse(first) as PictureMessage).extensions;
  }
  throw new Error(`The stream ended: ${text}`);
}

clusterTest("the page tells which extension does not answer", async (site) => {
  const port = freePort();
  using good = hook((request) => answer(request, annotate({ good: "yes" })));
  register(site, "good", { hooks: good.hooks });
  const hooks = { "pre-create": "http://127.0.0.1:1/" };
  register(site, "silent", { hooks, failurePolicy: "ignore", timeoutSeconds: 1, retrySeconds: 0 });
  site.serve("--prometheus-port", String(port));
  await site.allRunning(await site.request(5));
  assert.deepEqual(await extensionsOnPage(port), [
    { name: "good", hooks: ["pre-create"], isLeftAlone: false },
    { name: "silent", hooks: ["pre-create"], isLeftAlone: true },
  ]);
}, { on: ["simulator"] });

/** A real control plane needs a minute of CPU for each thousand. */
const MANY = { simulator: { machines: 1_000, batch: 100 }, real: { machines: 100, batch: 10 } };

clusterTest("ten extensions see very many machines, each in ten calls or little more", async (site, kind) => {
  const { machines, batch } = MANY[kind];
  const hooks = Array.from(
    { length: 10 },
    (_, n) => hook((request) => answer(request, annotate({ [`seen-by-${n}`]: "yes" }))),
  );
  try {
    for (const [n, { hooks: one }] of hooks.entries()) register(site, `extension-${n}`, { hooks: one, batch });
    site.serve();
    const id = await site.request(machines);
    await eventually("all are created", async () => (await site.cluster.podNames()).length === machines);
    const pods = await site.cluster.pods();
    const names = Array.from({ length: 10 }, (_, n) => `seen-by-${n}`);
    for (const name of machinesOf(id, machines)) {
      const { annotations = {} } = pods.get(name)?.metadata ?? {};
      assert.deepEqual(names.filter((key) => annotations[key] !== "yes"), [], name);
    }
    for (const { calls } of hooks) assert.ok(calls() <= 20, `${calls()} calls`);
  } finally {
    for (const one of hooks) one[Symbol.dispose]();
  }
});

clusterTest("a hook behind TLS is trusted by its caBundle, and a signature is checked by it", async (site) => {
  const { localhostCertificate: cert, localhostKey: key } = keys;
  const keyFile = site.write("hmac.key", "secret\n");
  Deno.chmodSync(keyFile, 0o600);
  let signed = 0;
  const end = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen() {}, signal: end.signal },
    async (request) => {
      const response = await answer(request, annotate({ signed: "yes" }), "secret");
      signed += response.status === 401 ? 0 : 1;
      return response;
    },
  );
  register(site, "secure", {
    hooks: { "pre-create": `https://localhost:${server.addr.port}/` },
    caBundle: cert,
    credentials: { hmacKeyFile: keyFile },
  });
  site.serve();
  const id = await site.request(1);
  await site.allRunning(id);
  assert.equal((await site.cluster.pods()).get(`${id}-0`)?.metadata.annotations?.signed, "yes");
  assert.equal(signed, 1);
  end.abort();
}, { on: ["simulator"] });

clusterTest("a registration may point to loopback addresses only if it says so", async (site) => {
  using hidden = hook((request) => answer(request, annotate({ seen: "yes" })));
  register(site, "sly", { hooks: hidden.hooks, allowAddresses: [] });
  site.serve();
  await site.allRunning(await site.request(1));
  assert.match(site.log, /Cannot use extension 'sly' .* leads to a loopback address/);
  assert.equal(hidden.calls(), 0);
}, { on: ["simulator"] });
