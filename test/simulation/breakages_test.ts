/** Shows that the simulation finds bugs: breaks the product on purpose, in one place at a time, and has it played. */
import assert from "node:assert/strict";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** A way to break the product, and the invariants of which one must then be found not to hold. */
interface Breakage {
  what: string;
  file: string;
  /** Stands in the file once. */
  from: string;
  to: string;
  violates: number[];
  /** How many runs it took from the first seed on when this was written. */
  took: number;
  /** The seed to begin with, to save time: shortly before the one that found it. Default: 1. */
  seed?: number;
}

/** Within so many runs each must be found. */
const MOST_RUNS = 2_000;

const BREAKAGES: Breakage[] = [
  {
    what: "deletes do not say which pod they mean",
    file: "src/kube/client.ts",
    from: "preconditions: { uid },",
    to: "",
    violates: [12],
    took: 1,
  },
  {
    what: "a request is printed before its name is durable",
    file: "src/workdir/publish.ts",
    from: "      files.sync(this.#parent);\n",
    to: "",
    violates: [2],
    took: 4,
  },
  {
    what: "why a machine failed is not synced before it is called failed",
    file: "src/watchers/sightings.ts",
    from: "writeMachineRecord(workdir, name, state.record, { sync: true });",
    to: "writeMachineRecord(workdir, name, state.record);",
    violates: [2, 7],
    took: 4,
  },
  {
    what: "a list is not compared with what was known",
    file: "src/watchers/pods.ts",
    from: "for (const name of gone) if (!this.#listed.has(name)) this.#seeGone(name);",
    to: "",
    violates: [3, 13],
    took: 2,
  },
  {
    what: "after a 410 the watch goes on where it was",
    file: "src/kube/reflector.ts",
    from: "if (!WATCH_GOES_ON.has(error.kind)) this.#version = undefined;",
    to: "",
    violates: [3, 13],
    took: 39,
    seed: 31,
  },
  {
    what: "a deletion is assumed once it was asked for",
    file: "src/verbs/get_request_status.ts",
    from: 'result: gone ? "succeed" : "executing", ...address',
    to: 'result: gone || readPodFacts(workdir, name)?.deletionAt !== undefined ? "succeed" : "executing", ...address',
    violates: [2, 6],
    took: 1,
  },
  {
    what: "a delete that failed is not tried again",
    file: "src/watchers/deletions.ts",
    from: "wanted.againMs = clock.monotonic() + backoffMs(wanted.failures, random);",
    to: "wanted.againMs = Infinity;",
    violates: [3],
    took: 24,
  },
  {
    what: "notices of changed files are believed to come",
    file: "src/serve/serve.ts",
    from: "runner(SCAN_EVERY_MS), runner(SCAN_EVERY_MS)",
    to: "runner(), runner()",
    violates: [3],
    took: 39,
    seed: 31,
  },
  {
    what: "labels are not looked at",
    file: "src/watchers/ownership.ts",
    from: "if (instance === ours) return true;",
    to: "if (instance !== undefined) return true;",
    violates: [3, 5, 12, 13],
    took: 13,
  },
  {
    what: "a view is believed whatever its age",
    file: "src/workdir/views.ts",
    from: "age > VIEW_LIFETIME_SECONDS",
    to: "age > 1e9",
    violates: [8],
    took: 82,
    seed: 74,
  },
  {
    what: "returns are not looked at before a create",
    file: "src/watchers/request_machines.ts",
    from: "if (!returns.has(name)) await",
    to: "if (name) await",
    violates: [9],
    took: 4,
  },
  {
    what: "a pod that may exist is not looked for before its machine counts as gone",
    file: "src/watchers/request_machines.ts",
    from: "    machine.mayExist = true;\n",
    to: "",
    violates: [6],
    took: 606,
    seed: 598,
  },
  {
    what: "a machine that has no word yet is not counted",
    file: "src/verbs/get_request_status.ts",
    from: "if (word === undefined && (pending || request.record)) {",
    to: "if (word === undefined && pending) {",
    violates: [2, 7],
    took: 6,
  },
  {
    what: "a list of which a page fails counts as complete",
    file: "src/kube/reflector.ts",
    from: "      if (isGone(error)) this.#expiredLists++;\n",
    to: "      if (isGone(error)) this.#expiredLists++;\n      if (version) this.#sink.complete();\n",
    violates: [3, 6, 13],
    took: 386,
    seed: 378,
  },
  {
    what: "only the first page of a list is read",
    file: "src/kube/reflector.ts",
    from: "while (continueToken !== undefined);",
    to: "while (false);",
    violates: [3, 6, 13],
    took: 92,
    seed: 84,
  },
  {
    what: "a watch that is silent is believed to be alive",
    file: "src/kube/watch.ts",
    from: "heardAt + idleTimeoutMs - clock",
    to: "heardAt + 1e12 - clock",
    violates: [3, 8, 13],
    took: 42,
    seed: 34,
  },
];

const top = new URL("../../", import.meta.url).pathname;

for (const { what, file, from, to, violates, seed: first = 1 } of BREAKAGES) {
  Deno.test(`found: ${what}`, async () => {
    const directory = await Deno.makeTempDir();
    try {
      for (const part of ["src", "test", "deno.json", "deno.lock"]) {
        cpSync(join(top, part), join(directory, part), { recursive: true });
      }
      symlinkSync(join(top, "node_modules"), join(directory, "node_modules"));
      const source = await Deno.readTextFile(join(directory, file));
      assert.equal(source.split(from).length, 2, `'${from}' stands in ${file} once`);
      await Deno.writeTextFile(join(directory, file), source.replace(from, to));
      const script = join(directory, "test/simulation/main.ts");
      const runs = ["--seed", String(first), "--runs", String(MOST_RUNS - first), "--brief"];
      const args = ["run", "--allow-all", "--no-check", script, ...runs];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: directory }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      const [, seed, number] = /^Seed (\d+) violates invariant (\d+)/m.exec(said) ?? [];
      console.log(`${Number(seed) - first + 1} run(s) until invariant ${number} was found not to hold`);
      assert.equal(code, 1, said);
      assert.ok(violates.includes(Number(number)), said);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}
