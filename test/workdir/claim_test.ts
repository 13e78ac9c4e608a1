import assert from "node:assert/strict";
import { claimRequest } from "../../src/workdir/claim.ts";
import { draftRequest, readRequest } from "../../src/workdir/requests.ts";
import { Draft } from "../../src/workdir/store/publish.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { atOnce } from "../support/at_once.ts";
import { Killed, type MemoryFiles } from "../support/memory_files.ts";
import { type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

const full = new Error("full");

const requestOf = (id: string, count = 1) => ({ id, templateId: "T", count, requestedAt: 0, manifest: "{}" });

/** Asks for a machine where there may be `most` requests. */
function admit(provider: MemoryProvider, id: string, options: { most?: number; count?: number } = {}): Promise<void> {
  const { workdir, clock } = provider;
  const { most = 1, count = 1 } = options;
  const check = () => {
    if (workdir.names("/work/requests").length >= most) throw full;
  };
  const admitted = claimRequest(workdir, requestOf(id, count), { check, clock, ...atOnce });
  admitted.catch(() => {}); // It is told when it is looked at.
  return admitted;
}

/** The same files seen by another process. */
let processes = 1;
function another(provider: MemoryProvider): MemoryProvider {
  return memoryProvider({ files: provider.files, clock: provider.clock, seed: ++processes });
}

/** What is left for another verb to do once its draft is built: to bid, to check, and to take its place, all in one go. */
async function readyToBid(
  provider: MemoryProvider,
  id: string,
  { most = 1, killAt = Infinity }: { most?: number; killAt?: number } = {},
): Promise<() => Promise<boolean>> {
  let operations = -Infinity;
  // A process that is dead does nothing any more, not even clean up.
  const files = new Proxy(provider.files, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        if (operations++ >= killAt) throw new Killed();
        return method.apply(target, args);
      };
    },
  });
  const workdir = new Workdir("/work", { files, random: another(provider).random });
  const draft = await draftRequest(workdir, requestOf(id), atOnce);
  return async () => {
    operations = 0;
    draft.bid();
    if (workdir.names("/work/requests").length < most) return await draft.place();
    draft.discard();
    return false;
  };
}

/** Lets `act` happen right before the n-th operation from now on, reads included. */
function during(files: MemoryFiles, n: number, act: () => void): { happened: () => boolean } {
  let left = n;
  files.before = () => {
    if (left-- > 0) return;
    files.before = () => {};
    act();
  };
  return { happened: () => left < 0 };
}

/** Lets time pass until all is said. */
function allSettled(provider: MemoryProvider, promises: Promise<void>[]): Promise<PromiseSettledResult<void>[]> {
  return provider.clock.runWhile(Promise.allSettled(promises));
}

Deno.test("a request is put in its place, whole, where the check lets it; else nothing is left of it", async () => {
  const provider = memoryProvider();
  await admit(provider, "one");
  assert.equal(readRequest(provider.workdir, "one")?.machines.length, 1);
  const before = provider.files.tree("/work/requests");
  await assert.rejects(admit(provider, "two"), full);
  assert.deepEqual(provider.files.tree("/work/requests"), before);
});

Deno.test("what the check refuses before anything is written writes nothing", async () => {
  const provider = memoryProvider();
  const before = provider.files.writes.length;
  await assert.rejects(admit(provider, "one", { most: 0 }), full);
  assert.equal(provider.files.writes.length, before);
});

for (const [most, accepted] of [[1, 1], [2, 2]] as const) {
  Deno.test(`a verb between any two operations of another: of two requests for ${most} place(s), ${accepted} get(s) in`, async () => {
    for (let n = 0;; n++) {
      const provider = memoryProvider();
      const bid = await readyToBid(provider, "inside", { most });
      let inside = Promise.resolve(false);
      const { happened } = during(provider.files, n, () => void (inside = bid()));
      const [outside] = await allSettled(provider, [admit(provider, "outside", { most })]);
      if (!happened()) break;
      const isIn = [await inside, outside?.status === "fulfilled"];
      assert.equal(isIn.filter(Boolean).length, accepted, `at ${n}`);
      if (outside?.status === "rejected") assert.equal(outside.reason, full, `at ${n}`);
      assert.equal(provider.files.list("/work/requests").length, accepted, `at ${n}`);
    }
  });
}

Deno.test("a verb that dies between any two operations, inside of another, holds up no one and takes no place", async () => {
  for (let n = 0, isOver = false; !isOver; n++) {
    for (let m = 0;; m++) {
      const provider = memoryProvider();
      const bid = await readyToBid(provider, "dying", { killAt: m });
      let inside = Promise.resolve(false);
      const { happened } = during(provider.files, n, () => {
        inside = bid();
        inside.catch(() => {}); // It is told when it is looked at.
      });
      const [outside] = await allSettled(provider, [admit(provider, "outside")]);
      isOver = !happened();
      const survived = await inside.then(() => true, () => false);
      const names = provider.workdir.names("/work/requests");
      assert.equal(names.length, 1, `${m} in ${n}`);
      if (outside?.status === "rejected") assert.deepEqual([names, outside.reason], [["dying"], full], `${m} in ${n}`);
      // Any process that comes later is held up neither.
      const [later] = await allSettled(provider, [admit(another(provider), "later", { most: 2 })]);
      assert.equal(later?.status, "fulfilled", `${m} in ${n}`);
      if (isOver || survived) break;
    }
  }
});

for (const leaves of ["everything", "synced", "names"] as const) {
  Deno.test(`killed at any operation, the request is whole or not there, and can be asked for again (${leaves})`, async () => {
    for (let n = 0;; n++) {
      const provider = memoryProvider();
      provider.files.killAt(n);
      const accepted = await admit(provider, "req", { count: 3 }).then(() => true, (error) => {
        assert.ok(error instanceof Killed || error.cause instanceof Killed, `killed at ${n}: ${error}`);
        return false;
      });
      const after = memoryProvider({ files: provider.files.crash(leaves), seed: 2 });
      const stored = readRequest(after.workdir, "req");
      if (stored || accepted) assert.equal(stored?.machines.length, 3, `killed at ${n}`);
      await admit(after, "req", { count: 3 });
      assert.equal(readRequest(after.workdir, "req")?.machines.length, 3, `killed at ${n}`);
      if (accepted) break;
    }
  });
}

Deno.test("a request that another process puts there at any moment is the same, and not refused for itself", async () => {
  for (let n = 0;; n++) {
    const provider = memoryProvider();
    const bid = await readyToBid(provider, "same");
    let inside = Promise.resolve(false);
    const { happened } = during(provider.files, n, () => void (inside = bid()));
    const results = await allSettled(provider, [admit(provider, "same")]);
    if (!happened()) break;
    await inside;
    assert.deepEqual(results.map(({ status }) => status), ["fulfilled"], `at ${n}`);
    assert.deepEqual(provider.files.list("/work/requests").map(({ name }) => name), ["same"], `at ${n}`);
  }
});

Deno.test("a request whose rename took effect, though its answer was lost, is accepted", async () => {
  const provider = memoryProvider();
  const { files } = provider;
  files.before = ({ name, paths: [from = "", to] }) => {
    if (name !== "rename" || to !== "/work/requests/req") return;
    files.before = () => {};
    files.rename(from, to); // The server did it; asked once more, it knows no such file.
  };
  const [result] = await allSettled(provider, [admit(provider, "req")]);
  assert.equal(result?.status, "fulfilled");
  assert.deepEqual(files.list("/work/requests").map(({ name }) => name), ["req"]);
});

Deno.test("one that others outbid again and again gives up, and leaves nothing behind", async () => {
  const provider = memoryProvider();
  const other = another(provider);
  other.files.makeDirectory("/work/others");
  const bidders = await Promise.all(
    Array.from({ length: 40 }, () => Draft.build(other.workdir, "/work/requests/other", () => Promise.resolve([]))),
  );
  const check = () => bidders.pop()?.bid();
  const { workdir, clock } = provider;
  const options = { check, clock, ...atOnce };
  const [result] = await allSettled(provider, [claimRequest(workdir, requestOf("req"), options)]);
  assert.match(String(result?.status === "rejected" && result.reason), /'req': too many others/);
  assert.deepEqual(workdir.names("/work/requests"), []);
});
