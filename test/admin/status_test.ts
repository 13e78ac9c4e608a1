import assert from "node:assert/strict";
import { PictureTaker } from "../../src/admin/picture.ts";
import { statusOf } from "../../src/admin/status.ts";
import { writeState, writeTombstone } from "../../src/workdir/machines.ts";
import { DeletionBrake } from "../../src/watchers/timeouts/deletion_brake.ts";
import { addRequest } from "../../src/workdir/requests.ts";
import { atOnce } from "../support/at_once.ts";
import { listed, type MemoryProvider, memoryProvider } from "../support/memory_provider.ts";

async function grid(): Promise<MemoryProvider> {
  const provider = memoryProvider();
  const requestedAt = Math.floor(provider.clock.now() / 1_000);
  await addRequest(provider.workdir, { id: "req", templateId: "T", count: 2, requestedAt, manifest: "{}" }, atOnce);
  listed(provider);
  return provider;
}

async function status({ workdir, clock }: MemoryProvider) {
  return statusOf(await new PictureTaker(workdir, { clock, onPartialFailure: "complete" }).take());
}

Deno.test("all is well while machines are on their usual way up", async () => {
  assert.deepEqual(await status(await grid()), { verdict: "well", troubles: [] });
});

Deno.test("machines that wait for long are trouble, with the oldest to look at", async () => {
  const provider = await grid();
  await provider.clock.advance(181_000);
  listed(provider);
  const { verdict, troubles } = await status(provider);
  assert.equal(verdict, "trouble");
  assert.deepEqual(troubles.map(({ what, command }) => [what, command]), [
    ["2 machines wait: Its pod has not been created yet", "hostfactory explain req-0"],
  ]);
});

Deno.test("a machine that failed is trouble for an hour", async () => {
  const provider = await grid();
  for (const name of ["req-0", "req-1"]) writeState(provider.workdir, name, "running");
  writeTombstone(provider.workdir, "req-0", { up: true, returned: false, givenUp: false, message: "Evicted" });
  writeState(provider.workdir, "req-0", "failed");
  assert.match((await status(provider)).troubles[0]?.what ?? "", /^1 machine failed in the last hour: Evicted/);
  await provider.clock.advance(3_601_000);
  listed(provider);
  assert.equal((await status(provider)).verdict, "well");
});

Deno.test("a cluster that is not heard from is trouble, and a directory that is not served is worse", async () => {
  const provider = await grid();
  await provider.clock.advance(150_000);
  const away = await status(provider);
  assert.equal(away.verdict, "trouble");
  assert.match(away.troubles[0]?.what ?? "", /last heard from 150 s ago/);
  provider.workdir.remove(provider.workdir.layout.lockHolder("request-machines"));
  assert.equal((await status(provider)).verdict, "not served");
});

Deno.test("deletions that are held are trouble while somebody serves the directory", async () => {
  const provider = await grid();
  const { clock, workdir } = provider;
  const brake = new DeletionBrake(provider);
  const machines = new Set(Array.from({ length: 12 }, (_, i) => `old-${i}`));
  brake.begin(machines);
  for (const machine of machines) brake.ask(machine);
  const since = Math.floor(clock.now() / 1_000);
  await clock.advance(10_000);
  brake.note();
  const { troubles } = await status(provider);
  assert.deepEqual(troubles.map(({ what, since }) => [what, since]), [
    ["2 deletions are held for a second look: there were too many at once", since],
  ]);
  for (const machine of ["old-10", "old-11"]) brake.release(machine);
  brake.note();
  assert.deepEqual(await status(provider), { verdict: "well", troubles: [] });
  workdir.remove(workdir.layout.lockHolder("request-machines"));
  assert.equal((await status(provider)).troubles.length, 1);
});

Deno.test("what cannot be read is told", async () => {
  const provider = await grid();
  const { clock, workdir } = provider;
  const templates = () => {
    throw new Error("no templates today");
  };
  const picture = await new PictureTaker(workdir, { clock, onPartialFailure: "complete", templates }).take();
  assert.deepEqual(statusOf(picture).troubles.map(({ what }) => what), ["no templates today"]);
});
