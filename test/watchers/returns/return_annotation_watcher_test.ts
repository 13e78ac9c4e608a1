import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { RETURN_ANNOTATION } from "../../../src/templates/podspec.ts";
import { podFileText } from "../../../src/watchers/work/pod_file.ts";
import type { Pod } from "../../../src/kube/types.ts";
import { signatureOf } from "../../../src/watchers/work/pod_memory.ts";
import { ReturnAnnotationWatcher } from "../../../src/watchers/returns/return_annotation_watcher.ts";
import { noDescriptors } from "../../support/memory_files.ts";
import { giveBack, type MemoryWatching, memoryWatching, ourPod, run } from "../../support/memory_watching.ts";

/** Machines `req-0` to `req-2` that run, of which the first two were given back. */
async function returned(): Promise<MemoryWatching> {
  const watching = memoryWatching();
  for (const name of ["req-0", "req-1", "req-2"]) {
    watching.files.writeText(`/work/pods/${name}`, podFileText(watching.kube.put(ourPod(name, { phase: "Running" }))));
  }
  await giveBack(watching, "ret", "req-0", "req-1");
  return watching;
}

const marks = ({ kube }: MemoryWatching) =>
  [...kube.pods.values()].map(({ metadata }) => metadata.annotations?.[RETURN_ANNOTATION]);

Deno.test("the pod of a returned machine remembers its return, once it has stayed for a while, and once", async () => {
  const watching = await returned();
  const marker = new ReturnAnnotationWatcher(watching);
  await run(marker, watching, 4_000);
  assert.deepEqual(marks(watching), [undefined, undefined, undefined]);
  await run(marker, watching, 60_000);
  const { key } = watching.identity;
  const mark = ({ metadata: { uid = "" } }: Pod) =>
    JSON.stringify({ id: "ret", requestedAt: 0, signature: signatureOf({ id: "ret", uid, key }) });
  const [first, second] = [...watching.kube.pods.values()].map(mark);
  assert.deepEqual(marks(watching), [first, second, undefined]);
  assert.notEqual(first, second, "each is signed for its pod alone");
  assert.equal(watching.kube.named("annotatePod").length, 2);
});

Deno.test("a pod that is gone by then costs no call", async () => {
  const watching = await returned();
  const marker = new ReturnAnnotationWatcher(watching);
  await run(marker, watching, 2_000);
  for (const name of ["req-0", "req-1"]) watching.files.remove(`/work/pods/${name}`);
  await run(marker, watching, 60_000);
  assert.deepEqual(watching.kube.calls, []);
});

Deno.test("a pod that somebody has made anew under the name remembers nothing", async () => {
  const watching = await returned();
  watching.kube.put(ourPod("req-0", { phase: "Running" }, { uid: "another" }));
  await run(new ReturnAnnotationWatcher(watching), watching, 60_000);
  assert.deepEqual(marks(watching).map((mark) => mark !== undefined), [false, true, false]);
  assert.equal(watching.kube.named("annotatePod").length, 2);
});

Deno.test("what cannot be read now is tried again", async () => {
  const watching = await returned();
  const marker = new ReturnAnnotationWatcher(watching);
  watching.files.failWhere(
    ({ name, paths }) => name === "readText" && paths[0] === "/work/pods/req-0",
    noDescriptors(),
  );
  await run(marker, watching, 20_000);
  assert.deepEqual(marks(watching).map((mark) => mark !== undefined), [false, true, false]);
  watching.files.before = () => {};
  await run(marker, watching, 20_000);
  assert.deepEqual(marks(watching).map((mark) => mark !== undefined), [true, true, false]);
});

Deno.test("while the cluster is away it is tried again; where that is not granted, seldom", async () => {
  const watching = await returned();
  watching.kube.fail("annotatePod", new KubeError("unavailable", "away"), { times: 5 });
  await run(new ReturnAnnotationWatcher(watching), watching, 120_000);
  assert.deepEqual(marks(watching).map((mark) => mark !== undefined), [true, true, false]);

  const refused = await returned();
  refused.kube.fail("annotatePod", new KubeError("unauthorised", "no"));
  await run(new ReturnAnnotationWatcher(refused), refused, 500_000);
  assert.ok(refused.kube.named("annotatePod").length <= 2);
  refused.kube.recover();
  await run(new ReturnAnnotationWatcher(refused), refused, 120_000);
  assert.deepEqual(marks(refused).map((mark) => mark !== undefined), [true, true, false]);
});
