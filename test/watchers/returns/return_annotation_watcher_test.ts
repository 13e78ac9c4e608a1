import assert from "node:assert/strict";
import { KubeError } from "../../../src/kube/errors.ts";
import { RETURN_ANNOTATION } from "../../../src/templates/podspec.ts";
import { podFileText } from "../../../src/workdir/pod_file.ts";
import type { Pod } from "../../../src/kube/types.ts";
import { signatureOf } from "../../../src/watchers/work/pod_memory.ts";
import { ReturnAnnotationWatcher } from "../../../src/watchers/returns/return_annotation_watcher.ts";
import { noDescriptors } from "../../support/memory_files.ts";
import {
  giveBack,
  type MemoryDependencies,
  memoryDependencies,
  ourPod,
  run,
} from "../../support/memory_dependencies.ts";

/** Machines `req-0` to `req-2` that run, of which the first two were given back. */
async function returned(): Promise<MemoryDependencies> {
  const dependencies = memoryDependencies();
  for (const name of ["req-0", "req-1", "req-2"]) {
    dependencies.files.writeText(
      `/work/pods/${name}`,
      podFileText(dependencies.kube.put(ourPod(name, { phase: "Running" }))),
    );
  }
  await giveBack(dependencies, "ret", "req-0", "req-1");
  return dependencies;
}

const marks = ({ kube }: MemoryDependencies) =>
  [...kube.pods.values()].map(({ metadata }) => metadata.annotations?.[RETURN_ANNOTATION]);

Deno.test("the pod of a returned machine remembers its return, once it has stayed for a while, and once", async () => {
  const dependencies = await returned();
  const marker = new ReturnAnnotationWatcher(dependencies);
  await run(marker, dependencies, 4_000);
  assert.deepEqual(marks(dependencies), [undefined, undefined, undefined]);
  await run(marker, dependencies, 60_000);
  const { key } = dependencies.identity;
  const mark = ({ metadata: { uid = "" } }: Pod) =>
    JSON.stringify({ id: "ret", requestedAt: 0, signature: signatureOf({ id: "ret", uid, key }) });
  const [first, second] = [...dependencies.kube.pods.values()].map(mark);
  assert.deepEqual(marks(dependencies), [first, second, undefined]);
  assert.notEqual(first, second, "each is signed for its pod alone");
  assert.equal(dependencies.kube.named("annotatePod").length, 2);
});

Deno.test("a pod that is gone by then costs no call", async () => {
  const dependencies = await returned();
  const marker = new ReturnAnnotationWatcher(dependencies);
  await run(marker, dependencies, 2_000);
  for (const name of ["req-0", "req-1"]) dependencies.files.remove(`/work/pods/${name}`);
  await run(marker, dependencies, 60_000);
  assert.deepEqual(dependencies.kube.calls, []);
});

Deno.test("a pod that somebody has made again under the name remembers nothing", async () => {
  const dependencies = await returned();
  dependencies.kube.put(ourPod("req-0", { phase: "Running" }, { uid: "another" }));
  await run(new ReturnAnnotationWatcher(dependencies), dependencies, 60_000);
  assert.deepEqual(marks(dependencies).map((mark) => mark !== undefined), [false, true, false]);
  assert.equal(dependencies.kube.named("annotatePod").length, 2);
});

Deno.test("what cannot be read now is tried again", async () => {
  const dependencies = await returned();
  const marker = new ReturnAnnotationWatcher(dependencies);
  dependencies.files.failWhere(
    ({ name, paths }) => name === "readText" && paths[0] === "/work/pods/req-0",
    noDescriptors(),
  );
  await run(marker, dependencies, 20_000);
  assert.deepEqual(marks(dependencies).map((mark) => mark !== undefined), [false, true, false]);
  dependencies.files.before = () => {};
  await run(marker, dependencies, 20_000);
  assert.deepEqual(marks(dependencies).map((mark) => mark !== undefined), [true, true, false]);
});

Deno.test("while the cluster is away it is tried again; where that is not granted, seldom", async () => {
  const dependencies = await returned();
  dependencies.kube.fail("annotatePod", new KubeError("unavailable", "away"), { times: 5 });
  await run(new ReturnAnnotationWatcher(dependencies), dependencies, 120_000);
  assert.deepEqual(marks(dependencies).map((mark) => mark !== undefined), [true, true, false]);

  const refused = await returned();
  refused.kube.fail("annotatePod", new KubeError("unauthorised", "no"));
  await run(new ReturnAnnotationWatcher(refused), refused, 500_000);
  assert.ok(refused.kube.named("annotatePod").length <= 2);
  refused.kube.recover();
  await run(new ReturnAnnotationWatcher(refused), refused, 120_000);
  assert.deepEqual(marks(refused).map((mark) => mark !== undefined), [true, true, false]);
});

Deno.test("of many that stay, each is given the time that the deletes of all take", async () => {
  const dependencies = memoryDependencies();
  const names = Array.from({ length: 2_000 }, (_, i) => `req-${i}`);
  for (const name of names) {
    dependencies.files.writeText(`/work/pods/${name}`, podFileText(dependencies.kube.put(ourPod(name))));
  }
  await giveBack(dependencies, "ret", ...names);
  const marker = new ReturnAnnotationWatcher(dependencies);
  await run(marker, dependencies, 12_000);
  assert.equal(dependencies.kube.named("annotatePod").length, 0);
  await run(marker, dependencies, 10_000);
  assert.equal(dependencies.kube.named("annotatePod").length, 2_000);
});
