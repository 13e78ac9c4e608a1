import assert from "node:assert/strict";
import { Layout } from "../../../src/workdir/store/layout.ts";

const layout = new Layout("/w");

Deno.test("paths are the legacy plug-in's where it has them", () => {
  assert.equal(layout.requestMachine("req", "req-0"), "/w/requests/req/req-0");
  assert.equal(layout.returnRequest("ret"), "/w/return-requests/ret");
  assert.equal(layout.pod("req-0"), "/w/pods/req-0");
  assert.equal(layout.podStatus("req-0"), "/w/pods-status/req-0");
});

Deno.test("everything that paths lead to is among the directories that are made", () => {
  const { requests, returnRequests, pods, podsStatus, machines, views, locks } = layout;
  for (const directory of [requests, returnRequests, pods, podsStatus, machines, views, locks]) {
    assert.ok(layout.directories.includes(directory), directory);
  }
});

const ways: [name: string, path: (segment: string) => string][] = [
  ["request", (name) => layout.request(name)],
  ["returnRequest", (name) => layout.returnRequest(name)],
  ["requestMachine", (name) => layout.requestMachine("req", name)],
  ["pod", (name) => layout.pod(name)],
  ["podStatus", (name) => layout.podStatus(name)],
  ["machine", (name) => layout.machine(name)],
  ["view", (name) => layout.view(name)],
  ["lock", (name) => layout.lock(name)],
  ["lockHolder", (name) => layout.lockHolder(name)],
];
for (const [name, path] of ways) {
  Deno.test(`no name leads ${name} out of its directory or to a hidden file`, () => {
    for (const segment of ["", ".", "..", ".hidden", "a/b", "../a", "/etc/passwd", "a\0b", "x".repeat(256)]) {
      assert.throws(() => path(segment), { name: "HostFactoryError" }, JSON.stringify(segment));
    }
    assert.match(path("fine-0"), /^\/w\/[^.]*fine-0/);
  });
}
