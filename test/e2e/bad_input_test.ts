/** Whatever lies where Symphony's question, a template or a file of the work directory belongs: the executable, real files. */
import assert from "node:assert/strict";
import type { Cluster } from "../support/cluster.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest, siteTest } from "../support/e2e.ts";
import { type Answered, type Asked, machinesOf, manifest, type Script, type Site } from "../support/site.ts";

const scripts: Script[] = [
  "getAvailableTemplates",
  "requestMachines",
  "getRequestStatus",
  "requestReturnMachines",
  "getReturnRequests",
];
const question = { template: { templateId: "small", machineCount: 1 } };

/**
 * Milliseconds that an answer may take; where the machine is busy, so many times what the plainest one takes just then. YAML
 * at its worst takes a second, where that takes 36 ms.
 */
const LONGEST_MS = 2_000;
const LONGEST_PLAIN = 40;

/** Asks, and sees that the answer comes in time: at the third time of asking at the latest. */
async function ask(site: Site, script: Script, asked: Asked): Promise<Answered> {
  for (let left = 2;; left--) {
    const [answered, tookMs] = await timed(() => site.ask(script, asked));
    if (tookMs < LONGEST_MS) return answered;
    const [, plainMs] = await timed(() => site.ask("getReturnRequests", { input: {} }));
    if (tookMs < LONGEST_PLAIN * plainMs) return answered;
    assert.ok(
      left > 0,
      `${script} took ${tookMs} ms, the plainest one ${plainMs} ms: ${answered.stdout.slice(0, 500)}`,
    );
  }
}

async function timed<T>(act: () => Promise<T>): Promise<[T, tookMs: number]> {
  const startedMs = performance.now();
  return [await act(), performance.now() - startedMs];
}

function shell(command: string, at: string): void {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", command], cwd: at }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

function listen(path: string): void {
  // Only the name matters: no one answers there.
  Deno.listen({ transport: "unix", path }).close();
  if (!exists(path)) Deno.writeTextFileSync(path, "");
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

const depth = 100_000;

/** What can lie where a file belongs, put to a path if nothing is. */
const nasties: Record<string, (path: string) => void> = {
  "100 MB of nothing": (path) => {
    using file = Deno.createSync(path);
    file.truncateSync(100 * 1024 * 1024);
  },
  "a pipe": (path) => shell(`mkfifo '${path}'`, "/"),
  "a socket": listen,
  "a directory": (path) => Deno.mkdirSync(`${path}/below`, { recursive: true }),
  "a loop": (path) => Deno.symlinkSync(path, path),
  "a link that leads nowhere": (path) => Deno.symlinkSync("nowhere", path),
  "a device": (path) => Deno.symlinkSync("/dev/zero", path),
  "an empty file": (path) => Deno.writeTextFileSync(path, ""),
  "bytes that are no text": (path) => Deno.writeFileSync(path, new Uint8Array([0xff, 0xfe, 0, 1, 0x80, 0xc3, 0x28])),
  "half a document": (path) => Deno.writeTextFileSync(path, '{"template":{"templ'),
  "a list": (path) => Deno.writeTextFileSync(path, "[]"),
  "a number": (path) => Deno.writeTextFileSync(path, "1e999"),
  "a deep list": (path) => Deno.writeTextFileSync(path, "[".repeat(depth) + "]".repeat(depth)),
  "a deep object": (path) => Deno.writeTextFileSync(path, '{"a":'.repeat(depth) + "1" + "}".repeat(depth)),
  "deep YAML": (path) => Deno.writeTextFileSync(path, "{a: ".repeat(16_000)),
  "long YAML": (path) => Deno.writeTextFileSync(path, "! ".repeat(32_000)),
  "a bomb of aliases": (path) => Deno.writeTextFileSync(path, bomb()),
  "a document that holds itself": (path) => Deno.writeTextFileSync(path, "a: &a [*a]"),
};

function bomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 10; i++) lines.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join()}]`);
  return lines.join("\n");
}

siteTest(
  "whatever the question is, each verb says what is wrong with it, in time, and leaves nothing behind",
  async (site) => {
    for (const [i, [what, put]] of Object.entries(nasties).entries()) {
      const path = `${site.directory}/question-${i}`;
      put(path);
      // All verbs read their question alike.
      const script = scripts[i % scripts.length] ?? "requestMachines";
      const { code, answer } = await ask(site, script, { args: ["-f", path] });
      const isQuestionForAll = script === "getAvailableTemplates" && what === "a list";
      assert.equal(code, isQuestionForAll ? 0 : 1, `${what}: ${JSON.stringify(answer)}`);
      if (!isQuestionForAll) assert.match(answer.message, /^Cannot (read|use) the input/, what);
    }
    const record = site.write("record.json", `{"a":"${"x".repeat(100 * 1024 * 1024)}"}`);
    const refused = await ask(site, "requestMachines", { args: ["-f", record] });
    assert.match(refused.answer.message, /104857608 bytes large/);
    const huge = await ask(site, "requestMachines", { args: ["-"], stdin: `{"a":"${"x".repeat(20 * 1024 * 1024)}"}` });
    assert.match(huge.answer.message, /larger than 4194304 bytes/);
    assert.deepEqual(site.entries("requests"), []);
  },
);

siteTest("a question may stand behind a byte order mark, and hold what no one knows however deep", async (site) => {
  const path = site.write("marked.json", `\uFEFF${JSON.stringify(question)}`);
  assert.equal((await ask(site, "requestMachines", { args: ["-f", path] })).code, 0);
  const extra = { ...question, extra: JSON.parse("[".repeat(40) + "]".repeat(40)) };
  assert.equal((await ask(site, "requestMachines", { input: extra })).code, 0);
  assert.equal(site.entries("requests").length, 2);
});

siteTest("names that no machine has are answered as such, whatever is in them", async (site) => {
  const id = await site.request(1);
  const names = ["../../etc/passwd", "a/b", "a\nb", "x".repeat(5_000), "-", "..", "\u0000", "ü-0", `${id}-0\n`];
  const input = { machines: names.map((name) => ({ name })) };
  const { answer, code } = await ask(site, "requestReturnMachines", { input });
  assert.equal(code, 0);
  assert.match(answer.message, /never issued here/);
  assert.equal((await ask(site, "getReturnRequests", { input })).code, 0);
  const requests = names.map((requestId) => ({ requestId }));
  const status = await ask(site, "getRequestStatus", { input: { requests: [...requests, { requestId: id }] } });
  assert.equal(status.answer.requests.at(-1).status, "running");
  assert.deepEqual(site.entries(`return-requests/${answer.requestId}`), [".request.json"]);
});

siteTest(
  "whatever lies in the place of the templates or of a manifest, it is said, and other templates are served",
  async (site) => {
    const templates = `${site.confdir}/k8sprov_templates.json`;
    const good = Deno.readTextFileSync(templates);
    for (const [what, put] of Object.entries(nasties)) {
      Deno.removeSync(templates);
      put(templates);
      const { code, answer } = await ask(site, "getAvailableTemplates", { input: {} });
      assert.equal(code, 1, what);
      assert.match(answer.message, /Cannot read the templates file/, what);
      Deno.removeSync(templates, { recursive: true });
      Deno.writeTextFileSync(templates, good);
    }
    site.writeTemplates({ small: manifest, bad: manifest });
    for (const [what, put] of Object.entries(nasties)) {
      Deno.removeSync(`${site.confdir}/bad.json`, { recursive: true });
      put(`${site.confdir}/bad.json`);
      const refused = await ask(site, "requestMachines", {
        input: { template: { templateId: "bad", machineCount: 1 } },
      });
      assert.equal(refused.code, 1, what);
      assert.match(refused.answer.message, /bad\.json/, what);
      assert.equal(refused.answer.requestId, "");
    }
    assert.deepEqual(site.entries("requests"), []);
    await site.request(1);
  },
);

/** Everything that is the machine's `bad-0` own, its request and return request, each with something else in its place. */
function spoil(site: Site, what: string): string[] {
  const paths = [
    "pods/bad-0",
    "pods-status/bad-0",
    "machines/bad-0",
    "requests/bad/.request.json",
    "requests/bad/.manifest.json",
    "requests/bad/bad-0",
    "requests/stray",
    "return-requests/stray",
    "return-requests/badback/.request.json",
    "views/nodes.json",
    "set-aside/stray.json",
  ].map((path) => `${site.workdir}/${path}`);
  for (const path of paths) {
    if (exists(path)) Deno.removeSync(path, { recursive: true });
    nasties[what]?.(path);
  }
  return paths;
}

siteTest("whatever lies in the place of one request's files, verbs answer for all others, in time", async (site) => {
  const good = await site.request(2);
  await site.request(1, { id: "bad" });
  await site.tell("requestReturnMachines", { machines: [{ name: "bad-0" }] }, { args: ["--request-id", "badback"] });
  const input = { requests: [{ requestId: "bad" }, { requestId: good }, { requestId: "badback" }] };
  for (const what of Object.keys(nasties)) {
    spoil(site, what);
    const status = await ask(site, "getRequestStatus", { input });
    assert.equal(status.code, 0, what);
    assert.deepEqual([status.answer.requests.length, status.answer.requests[1].status], [3, "running"], what);
    assert.equal((await ask(site, "getReturnRequests", { input: {} })).code, 0, what);
    const named = { machines: [{ name: "bad-0" }, { name: `${good}-0` }] };
    assert.equal((await ask(site, "requestReturnMachines", { input: named })).code, 0, what);
  }
});

clusterTest("serve serves all others, says what it quarantined, and forgets it once it is gone", async (site) => {
  const outside = `${site.directory}/outside`;
  Deno.mkdirSync(`${outside}/directory/.new-old`, { recursive: true });
  Deno.writeTextFileSync(`${outside}/secret`, "secret");
  await site.request(1, { id: "bad" });
  const noted = Object.keys(nasties).flatMap((what, i) => {
    const paths = [`pods/Stray-${i}`, `requests/stray${i}`, `return-requests/stray${i}`];
    for (const path of paths) nasties[what]?.(`${site.workdir}/${path}`);
    return what === "a directory" ? paths.slice(0, 1) : paths;
  });
  Deno.symlinkSync(`${outside}/secret`, `${site.workdir}/pods/Outside`);
  Deno.symlinkSync(`${outside}/directory`, `${site.workdir}/requests/outside`);
  Deno.symlinkSync(`${outside}/directory`, `${site.workdir}/return-requests/outside`);
  noted.push("pods/Outside", "requests/outside", "return-requests/outside");

  const serve = site.serve();
  const good = await site.request(2);
  await site.allRunning(good);
  await site.settled(await site.giveBack([`${good}-0`]));
  await eventually("all that is broken noted", () => {
    const paths = notes(site).map(({ path }) => path.slice(site.workdir.length + 1));
    return noted.every((path) => paths.includes(path));
  });
  for (const { reason, since, times } of notes(site)) {
    assert.ok(reason.length > 5 && since.startsWith("20") && times >= 1);
  }
  await serve.says(/Quarantined: it is not what it should be path=\S+\/requests\/stray0 reason="It is not a request"/);
  await eventually("a good request beside them is created, too", async () => {
    return (await podsOf(site)).join() === [`${good}-1`, "bad-0"].sort().join();
  });
  assert.deepEqual([...Deno.readDirSync(`${outside}/directory`)].map(({ name }) => name), [".new-old"]);
  assert.equal(Deno.readTextFileSync(`${outside}/secret`), "secret");

  // An empty directory is no request, and may be noted as such.
  const empty = Object.keys(nasties).indexOf("a directory");
  for (const path of [...noted, `requests/stray${empty}`, `return-requests/stray${empty}`]) {
    Deno.removeSync(`${site.workdir}/${path}`, { recursive: true });
  }
  await eventually("no note left", () => notes(site).length === 0);
  assert.ok(serve.isAlive);
  await site.allRunning(await site.request(1));
});

clusterTest("a pipe that comes while serve runs holds up nothing, not even that it starts over", async (site) => {
  const serve = site.serve();
  await site.allRunning(await site.request(1));
  for (const path of ["requests/pipe", "return-requests/pipe"]) {
    shell(`mkfifo '${path}'`, site.workdir);
    await eventually(`${path} noted`, () => notes(site).some((note) => note.path.endsWith(`/${path}`)), {
      seconds: 60,
    });
  }
  Deno.removeSync(`${site.workdir}/views/pods.json`);
  await serve.says(/starting over/);
  await site.allRunning(await site.request(1));
  assert.ok(serve.isAlive);
});

async function podsOf(site: Site & { cluster: Cluster }): Promise<string[]> {
  return (await site.cluster.podNames()).sort();
}

function notes(site: Site): { path: string; reason: string; since: string; times: number }[] {
  const names = site.entries("set-aside").filter((name) => !name.startsWith("."));
  return names.map((name) => JSON.parse(Deno.readTextFileSync(`${site.workdir}/set-aside/${name}`)));
}

siteTest("machines whose request is taken away under the verbs are not made up", async (site) => {
  const id = await site.request(2);
  Deno.renameSync(`${site.workdir}/requests/${id}`, `${site.directory}/elsewhere`);
  Deno.symlinkSync(`${site.directory}/elsewhere`, `${site.workdir}/requests/${id}`);
  const { machines } = await site.status(id);
  assert.deepEqual(machines, [], "a request that is a link leads out of the work directory, and is none");
  assert.deepEqual(
    [...Deno.readDirSync(`${site.directory}/elsewhere`)].map(({ name }) => name).sort(),
    [".manifest.json", ".request.json", ...machinesOf(id, 2)],
  );
});
