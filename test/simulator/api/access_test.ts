import assert from "node:assert/strict";
import { Fixture } from "../fixture.ts";

Deno.test("a user is told what that user may do", async () => {
  using fixture = new Fixture({ users: [{ name: "admin", token: "admin", allow: ["list pods", "* nodes"] }] });
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const allowed = async (verb: string, resource: string) => {
    const { status, body } = await fixture.ask("POST", path, { spec: { resourceAttributes: { verb, resource } } });
    assert.equal(status, 201);
    return body.status.allowed;
  };
  assert.deepEqual(
    [await allowed("list", "pods"), await allowed("create", "pods"), await allowed("watch", "nodes")],
    [true, false, true],
  );
  const refused = await fixture.send("POST", path, undefined, { body: "{" });
  assert.equal(refused.status, 400);
});
