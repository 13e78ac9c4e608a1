import assert from "node:assert/strict";
import { Control } from "../../../src/simulator/api/control.ts";
import { Fixture } from "../fixture.ts";

/** A fixture, and a client of its control endpoints. */
function controlled() {
  const fixture = new Fixture({ stages: [] });
  const control = new Control(fixture.cluster);
  return {
    fixture,
    // deno-lint-ignore no-explicit-any
    async post(path: string): Promise<{ status: number; body: any }> {
      const response = await control.answer(new Request(`http://simulator/simulator/${path}`, { method: "POST" }));
      return { status: response.status, body: await response.json() };
    },
  };
}

Deno.test("a snapshot can be restored by its id more than once, and an unknown id is reported", async () => {
  const { fixture, post } = controlled();
  using _ = fixture;
  const { body: { id, revision } } = await post("snapshot");
  for (const name of ["a", "b"]) {
    await fixture.create(name);
    assert.deepEqual((await post(`restore/${id}`)).body, { revision });
    assert.equal(fixture.cluster.countPods().total, 0);
  }
  assert.deepEqual(await post("restore/99"), { status: 404, body: { error: "snapshot '99' does not exist" } });
});

Deno.test("an API server that is not restarted with etcd lists the lost state until it is", async () => {
  const { fixture, post } = controlled();
  using _ = fixture;
  const { body: { id } } = await post("snapshot");
  await fixture.create("a");
  assert.equal((await post(`restore/${id}/running`)).status, 200);
  assert.equal((await fixture.list()).items.length, 1);
  await post("restart");
  assert.equal((await fixture.list()).items.length, 0);
  assert.equal((await post(`restore/${id}/walking`)).status, 400);
});

Deno.test("only the last sixteen snapshots are kept", async () => {
  const { fixture, post } = controlled();
  using _ = fixture;
  for (let count = 0; count < 17; count++) await post("snapshot");
  assert.deepEqual([(await post("restore/1")).status, (await post("restore/2")).status], [404, 200]);
});

Deno.test("a namespace is recreated, and an unknown one is reported", async () => {
  const { fixture, post } = controlled();
  using _ = fixture;
  await fixture.create("a");
  const { body: { uid } } = await post("namespaces/default/recreate");
  assert.equal((await fixture.ask("GET", "/api/v1/namespaces/default")).body.metadata.uid, uid);
  assert.equal(fixture.cluster.countPods().total, 0);
  assert.deepEqual(await post("namespaces/nope/recreate"), {
    status: 404,
    body: { error: 'namespaces "nope" not found' },
  });
});
