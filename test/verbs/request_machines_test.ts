import assert from "node:assert/strict";
import { epochSeconds } from "../../src/clock.ts";
import { requestMachines } from "../../src/verbs/request_machines.ts";
import type { NewEvent } from "../../src/events/types.ts";
import { findTemplate, readCatalogue } from "../../src/templates/catalogue.ts";
import { Capacity } from "../../src/verbs/capacity.ts";
import { claimRequest } from "../../src/workdir/claim.ts";
import { writeState } from "../../src/workdir/machines.ts";
import { readRequest } from "../../src/workdir/requests.ts";
import { addReturn } from "../../src/workdir/returns.ts";
import { atOnce } from "../support/at_once.ts";
import { type CrashLeaves, Killed, MemoryFiles, noSpace, notPermitted, readOnly } from "../support/memory_files.ts";
import { manifest, type MemoryProvider, memoryProvider, template } from "../support/memory_provider.ts";

/** Lets there be so many machines of the template `T`. */
async function limit(provider: MemoryProvider, maxNumber: number): Promise<MemoryProvider> {
  const path = "/conf/k8sprov_templates.json";
  provider.files.writeText(path, JSON.stringify({ templates: [template("T", maxNumber), template("U")] }));
  await provider.files.sync(path);
  return provider;
}

const question = (count: number, templateId = "T") => ({ template: { templateId, machineCount: count } });

Deno.test("an accepted request has its machines, their first states, its template and the manifest of that moment", async () => {
  const provider = memoryProvider();
  const { requestId, message } = await requestMachines(provider, question(2));
  assert.match(requestId, /^[a-z][a-z0-9]{11}$/);
  assert.equal(message, "Success");
  assert.deepEqual(provider.files.tree("/work/requests"), {
    [`${requestId}/.manifest.json`]: `${JSON.stringify(manifest)}\n`,
    [`${requestId}/.request.json`]: `{"version":1,"templateId":"T","count":2,"requestedAt":${
      Date.UTC(2026, 10, 20) / 1000
    }}\n`,
    [`${requestId}/${requestId}-0`]: "-> .manifest.json",
    [`${requestId}/${requestId}-1`]: "-> .manifest.json",
  });
  assert.deepEqual(provider.files.tree("/work/pods-status"), {
    [`${requestId}-0`]: "-> creating",
    [`${requestId}-1`]: "-> creating",
  });
});

for (const [said, kept] of [["Ready", "Ready"], ["Running", undefined], [undefined, undefined]] as const) {
  Deno.test(`what counts as up is kept as the template has it when the request is accepted: ${said}`, async () => {
    const provider = memoryProvider();
    const path = "/conf/k8sprov_templates.json";
    const { templates: [template] } = JSON.parse(provider.files.readText(path));
    provider.files.writeText(path, JSON.stringify({ templates: [{ ...template, up: said }] }));
    const { requestId } = await requestMachines(provider, question(1));
    assert.equal(readRequest(provider.workdir, requestId)?.record?.up, kept);
  });
}

Deno.test("a manifest in YAML is stored as JSON", async () => {
  const provider = memoryProvider();
  provider.files.writeText("/conf/pod.json", "apiVersion: v1\nkind: Pod\nspec:\n  containers: [{name: c, image: i}]\n");
  const { requestId } = await requestMachines(provider, question(1));
  assert.deepEqual(JSON.parse(provider.files.readText(`/work/requests/${requestId}/.manifest.json`)), manifest);
});

Deno.test("with an id of its own a request is the same again, and the answer too", async () => {
  const provider = memoryProvider({ requestId: "mine" });
  const first = await requestMachines(provider, question(3));
  const before = provider.files.tree("/work");
  assert.deepEqual(await requestMachines(provider, question(3)), first);
  assert.deepEqual(provider.files.tree("/work"), before);
  await assert.rejects(requestMachines(provider, question(4)), /'mine': it is taken/);
  assert.deepEqual(provider.files.tree("/work"), before);
});

const brokenSince: [what: string, breakIt: (provider: MemoryProvider) => void][] = [
  ["its template is gone", ({ files }) => files.writeText("/conf/k8sprov_templates.json", '{"templates":[]}')],
  ["there are no templates", ({ files }) => files.remove("/conf/k8sprov_templates.json")],
  ["its manifest is broken", ({ files }) => files.writeText("/conf/pod.json", "{")],
];
for (const [what, breakIt] of brokenSince) {
  Deno.test(`a request is the same again, and the answer too, though ${what} since`, async () => {
    const provider = memoryProvider({ requestId: "mine" });
    const first = await requestMachines(provider, question(3));
    breakIt(provider);
    const before = provider.files.tree("/work");
    assert.deepEqual(await requestMachines(provider, question(3)), first);
    assert.deepEqual(provider.files.tree("/work"), before);
    await assert.rejects(requestMachines(provider, question(4)), /'mine': it is taken/);
    await assert.rejects(requestMachines(provider, question(3, "U")), /'mine': it is taken/);
  });
}

Deno.test("a handled request that is asked for again gets no new states", async () => {
  const provider = memoryProvider({ requestId: "mine" });
  await requestMachines(provider, question(1));
  provider.files.writeText("/work/requests/mine/.processed", "");
  provider.files.remove("/work/pods-status/mine-0");
  await requestMachines(provider, question(1));
  assert.deepEqual(provider.files.tree("/work/pods-status"), {});
});

Deno.test("answered again, a request is durable, though whoever put it there died before it was", async () => {
  const provider = memoryProvider({ requestId: "mine" });
  provider.files.before = ({ name, paths }) => {
    if (name === "sync" && paths[0] === "/work/requests") {
      provider.files.before = () => {
        throw new Killed();
      };
    }
    if (name === "sync" && paths[0] === "/work/requests") throw new Killed();
  };
  await requestMachines(provider, question(1)).catch(() => {});
  provider.files.before = () => {};
  assert.equal(provider.files.info("/work/requests/mine").kind, "directory");
  await requestMachines(provider, question(1));
  assert.equal(provider.files.crash("synced").info("/work/requests/mine").kind, "directory");
});

Deno.test("two requests without an id get two ids", async () => {
  const provider = memoryProvider();
  const [one, two] = [await requestMachines(provider, question(1)), await requestMachines(provider, question(1))];
  assert.notEqual(one.requestId, two.requestId);
});

const failures: [what: string, prepare: (provider: MemoryProvider) => void, input: unknown, message: RegExp][] = [
  ["an unknown template", () => {}, question(1, "None"), /Cannot find template 'None'/],
  ["no machines", () => {}, question(0), /machineCount/],
  ["half a machine", () => {}, question(0.5), /machineCount/],
  ["no templates file", ({ files }) => files.remove("/conf/k8sprov_templates.json"), question(1), /does not exist/],
  [
    "no manifest",
    ({ files }) => files.remove("/conf/pod.json"),
    question(1),
    /podSpec '\/conf\/pod\.json' does not exist/,
  ],
  [
    "a dangling manifest",
    ({ files }) => {
      files.remove("/conf/pod.json");
      files.symlink("/none", "/conf/pod.json");
    },
    question(1),
    /podSpec '\/conf\/pod\.json' does not exist/,
  ],
  ["an invalid manifest", ({ files }) => files.writeText("/conf/pod.json", "{}"), question(1), /apiVersion/],
  [
    "an unreadable manifest",
    ({ files }) => {
      files.failWhere(({ name, paths }) => name === "readText" && paths[0] === "/conf/pod.json", notPermitted());
    },
    question(1),
    /Cannot read the pod manifest '\/conf\/pod\.json': Permission denied/,
  ],
];
for (const [what, prepare, input, message] of failures) {
  Deno.test(`a request with ${what} is refused, and leaves nothing behind`, async () => {
    const provider = memoryProvider();
    await prepare(provider);
    const before = provider.files.tree("/work");
    await assert.rejects(requestMachines(provider, input), { name: "HostFactoryError", message });
    assert.deepEqual(provider.files.tree("/work"), before);
  });
}

for (const id of ["../up", "UPPER", "", "x".repeat(57), ".hidden"]) {
  Deno.test(`'${id}' given as a request id is a wrong command line, and leaves nothing behind`, async () => {
    const provider = memoryProvider();
    provider.config.requestId = id;
    await assert.rejects(requestMachines(provider, question(1)), { exitCode: 2, message: /request id/ });
    assert.deepEqual(provider.files.tree("/work/requests"), {});
  });
}

/** Without a limit, and with one that just leaves room. */
for (const [limits, maxNumber] of [["without a limit", -1], ["within a limit", 3]] as const) {
  for (const error of [noSpace(), readOnly(), notPermitted()]) {
    Deno.test(`whichever write fails, the request ${limits} is whole or not there: ${error.message}`, async () => {
      for (let n = 0;; n++) {
        const provider = await limit(memoryProvider({ requestId: "req" }), maxNumber);
        const before = provider.files.writes.length;
        provider.files.failWrite(n, error);
        const answered = await requestMachines(provider, question(3)).then(() => true, () => false);
        assertWhole(provider.files, { answered, leftovers: "none" }, `write ${n} failed`);
        if (provider.files.writes.length - before <= n) break;
      }
    });
  }

  for (const leaves of ["everything", "synced", "names"] as const) {
    Deno.test(`crashed at any operation, the request ${limits} is whole or not there; once answered it is there (${leaves})`, async () => {
      assert.ok(await crashEverywhere(leaves, maxNumber) > 8);
    });
  }
}

/** Kills the verb at each of its operations in turn, and once after its answer. Gives how many there were. */
async function crashEverywhere(leaves: CrashLeaves, maxNumber: number): Promise<number> {
  for (let n = 0;; n++) {
    const provider = await limit(memoryProvider({ requestId: "req" }), maxNumber);
    provider.files.killAt(n);
    const answered = await requestMachines(provider, question(3)).then(() => true, () => false);
    const after = provider.files.crash(leaves);
    assertWhole(after, { answered, leftovers: "hidden" }, `killed at ${n}`);
    // Asked again after the crash, it is the same request, and not refused for its own machines.
    const again = memoryProvider({ files: after, requestId: "req", seed: 2 });
    assert.equal((await requestMachines(again, question(3))).requestId, "req");
    assert.equal(readRequest(again.workdir, "req")?.record?.count, 3);
    if (answered) return n;
  }
}

function assertWhole(
  files: MemoryFiles,
  options: { answered: boolean; leftovers: "none" | "hidden" },
  when: string,
): void {
  const names = files.list("/work/requests").map(({ name }) => name);
  const hidden = names.filter((name) => name.startsWith("."));
  if (options.leftovers === "none") assert.deepEqual(hidden, [], when);
  if (!names.includes("req")) return assert.ok(!options.answered, `${when}: it was answered, and is not there`);
  assert.deepEqual(files.tree("/work/requests/req"), {
    ".manifest.json": `${JSON.stringify(manifest)}\n`,
    ".request.json": `{"version":1,"templateId":"T","count":3,"requestedAt":${Date.UTC(2026, 10, 20) / 1000}}\n`,
    "req-0": "-> .manifest.json",
    "req-1": "-> .manifest.json",
    "req-2": "-> .manifest.json",
  }, when);
}

/** What the work directory holds but for what verbs keep for each other. */
function state({ files }: MemoryProvider): object {
  return [files.tree("/work/requests"), files.tree("/work/pods-status")];
}

Deno.test("what would exceed the limit of its template is refused whole, with the numbers", async () => {
  const provider = await limit(memoryProvider(), 10);
  await requestMachines(provider, question(4));
  await requestMachines(provider, question(4));
  await requestMachines(provider, question(100, "U"));
  const before = state(provider);
  await assert.rejects(requestMachines(provider, question(3)), {
    message: "Cannot provide 3 machine(s) of template 'T': 8 of at most 10 are in use, 2 can be had",
    hint: /ask for fewer.*raise maxNumber in 'k8sprov_templates.json'/,
    exitCode: 1,
  });
  assert.deepEqual(state(provider), before);
  await requestMachines(provider, question(2));
  await assert.rejects(requestMachines(provider, question(1)), /10 of at most 10 are in use, 0 can be had/);
});

Deno.test("machines that failed or are being given back make room", async () => {
  const provider = await limit(memoryProvider(), 3);
  const { requestId } = await requestMachines(provider, question(3));
  writeState(provider.workdir, `${requestId}-0`, "failed");
  await addReturn(provider.workdir, { id: "ret", machines: [`${requestId}-1`], unknown: [], requestedAt: 0 }, atOnce);
  const { requestId: second } = await requestMachines(provider, question(2));
  await assert.rejects(requestMachines(provider, question(1)), /3 of at most 3 are in use, 0 can be had/);
  writeState(provider.workdir, `${second}-0`, "deleted");
  await assert.rejects(requestMachines(provider, question(2)), /2 of at most 3 are in use, 1 can be had/);
  await requestMachines(provider, question(1));
});

Deno.test("while there is room for every machine that was ever asked for, none is looked at", async () => {
  const provider = await limit(memoryProvider(), 10);
  const { requestId } = await requestMachines(provider, question(4));
  const states = `/work/pods-status/${requestId}`;
  const looked: string[] = [];
  provider.files.before = ({ name, paths: [path = ""] }) => {
    if (path.startsWith(states)) looked.push(name);
  };
  await requestMachines(provider, question(6));
  assert.deepEqual(looked, []);
});

Deno.test("with the limit 0 there are no machines, and with a huge one any number", async () => {
  const nothing = await limit(memoryProvider(), 0);
  await assert.rejects(requestMachines(nothing, question(1)), /0 of at most 0 are in use, 0 can be had/);
  assert.deepEqual(state(nothing), state(memoryProvider()));
  await requestMachines(await limit(memoryProvider(), Number.MAX_SAFE_INTEGER), question(1_000));
});

Deno.test("a limit that came or was lowered while machines live counts them", async () => {
  const provider = memoryProvider();
  await requestMachines(provider, question(5));
  await assert.rejects(
    requestMachines(await limit(provider, 3), question(1)),
    /5 of at most 3 are in use, 0 can be had/,
  );
});

Deno.test("a request that is asked for again is not refused for its own machines", async () => {
  const provider = await limit(memoryProvider({ requestId: "mine" }), 3);
  const first = await requestMachines(provider, question(3));
  assert.deepEqual(await requestMachines(provider, question(3)), first);
  assert.deepEqual(await requestMachines(await limit(provider, 1), question(3)), first);
});

Deno.test("of two requests at once, of which only one fits, one is accepted, wherever the other comes in between", async () => {
  for (let n = 0;; n++) {
    const provider = await limit(memoryProvider({ requestId: "one" }), 5);
    const { files, clock } = provider;
    const other = memoryProvider({ files, clock, requestId: "other", seed: 2 });
    let left = n;
    const inside: Promise<unknown>[] = [];
    // The manifest is parsed by then: all that is left to do is done at once.
    const input = { id: "other", templateId: "T", count: 3, requestedAt: 0, manifest: JSON.stringify(manifest) };
    const check = () => new Capacity(other, readCatalogue(files, "/conf")).check(findT(other), 3);
    files.before = () => {
      if (left-- > 0) return;
      files.before = () => {};
      inside.push(claimRequest(other.workdir, input, { check, clock, ...atOnce }).catch((error) => error));
    };
    const outside = await clock.runWhile(requestMachines(provider, question(3)).catch((error) => error));
    const results = [outside, ...await clock.runWhile(Promise.all(inside))];
    if (left >= 0) break;
    assert.equal(results.filter((result) => result instanceof Error).length, 1, `at ${n}`);
    assert.equal(provider.workdir.names("/work/requests").length, 1, `at ${n}`);
  }
});

function findT({ files }: MemoryProvider) {
  return findTemplate(readCatalogue(files, "/conf"), "T");
}

Deno.test("a request that is accepted is told as events, and the same if it is asked again; one that is refused is not", async () => {
  const told: NewEvent[] = [];
  const provider = {
    ...memoryProvider({ requestId: "req" }),
    events: { record: (some: readonly NewEvent[]) => void told.push(...some) },
  };
  await assert.rejects(async () => await requestMachines(provider, question(2, "none")));
  assert.deepEqual(told, []);
  const at = epochSeconds(provider.clock.now());
  await requestMachines(provider, question(2));
  const pairs = { status: "requested", request_id: "req", template_id: "T" };
  assert.deepEqual(told, [
    { category: "request", id: "req", pairs: { count: 2, template_id: "T" }, at },
    { category: "pod", id: "req-0", pairs, at },
    { category: "pod", id: "req-1", pairs, at },
  ]);
  const before = told.splice(0);
  provider.clock.pass(10_000);
  await requestMachines(provider, question(2));
  assert.deepEqual(told, before);
});
