import assert from "node:assert/strict";
import type { KubeList, Pod } from "../../../src/kube/types.ts";
import { Fixture, namesOf, PODS } from "../fixture.ts";

async function withPods(names: string[]): Promise<Fixture> {
  const fixture = new Fixture({ stages: [] });
  for (const name of names) await fixture.create(name, { labels: { even: String(names.indexOf(name) % 2 === 0) } });
  return fixture;
}

Deno.test("all pages of a list show the moment of its first page", async () => {
  using fixture = await withPods(["c", "a", "b", "d"]);
  const first = await fixture.list("?limit=2");
  assert.deepEqual(namesOf(first), ["a", "b"]);
  assert.equal(first.metadata.remainingItemCount, 2);
  await fixture.ask("DELETE", `${PODS}/d`);
  await fixture.create("bb");
  const second = await fixture.list(`?limit=2&continue=${first.metadata.continue}`);
  assert.deepEqual(namesOf(second), ["c", "d"]);
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal(second.metadata.continue, undefined);
});

Deno.test("after a compaction a page gets 410, and a token to go on with what there is now", async () => {
  using fixture = await withPods(["a", "b", "c"]);
  const first = await fixture.list("?limit=1");
  await fixture.create("bb");
  fixture.cluster.compact();
  const { status, body } = await fixture.ask("GET", `${PODS}?limit=1&continue=${first.metadata.continue}`);
  assert.deepEqual([status, body.reason], [410, "Expired"]);
  const rest = await fixture.list(`?limit=10&continue=${body.metadata.continue}`);
  assert.deepEqual(namesOf(rest), ["b", "bb", "c"]);
});

Deno.test("a page of a selection does not count the rest", async () => {
  using fixture = await withPods(["a", "b", "c", "d"]);
  const page = await fixture.list("?limit=1&labelSelector=even%3Dtrue");
  assert.deepEqual(namesOf(page), ["a"]);
  assert.equal(page.metadata.remainingItemCount, undefined);
  assert.deepEqual(
    namesOf(await fixture.list(`?limit=1&labelSelector=even%3Dtrue&continue=${page.metadata.continue}`)),
    [
      "c",
    ],
  );
});

Deno.test("ten thousand pods come in pages of five hundred, each once", async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `p-${index}`);
  using fixture = new Fixture({ stages: [] });
  for (const name of names) {
    fixture.cluster.createPod({ metadata: { name }, spec: { containers: [{ name: "c", image: "b" }] } });
  }
  const seen: (string | undefined)[] = [];
  let token: string | undefined = "";
  while (token !== undefined) {
    const page: KubeList<Pod> = await fixture.list(`?limit=500&continue=${token}`);
    seen.push(...namesOf(page));
    token = page.metadata.continue;
  }
  assert.deepEqual(seen, names.sort());
});
