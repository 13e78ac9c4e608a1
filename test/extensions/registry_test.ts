import assert from "node:assert/strict";
import { type ReadRegistration, readRegistration } from "../../src/extensions/registration.ts";
import { judgeRegistrations } from "../../src/extensions/registry.ts";

function file(name: string, rest: object = {}): ReadRegistration {
  const path = `/conf/extensions.d/${name}.yaml`;
  const place = {
    registration: { kind: "file" as const, path },
    called: `${name}.yaml`,
    directory: "/conf/extensions.d",
  };
  return readRegistration({ name, hooks: { lint: "https://a/" }, ...rest }, place);
}

function resource(name: string, rest: object = {}): ReadRegistration {
  const place = {
    registration: { kind: "resource" as const, name, uid: `uid-${name}` },
    called: name,
    directory: "/c",
  };
  return readRegistration({ hooks: { lint: "https://a/" }, ...rest }, place);
}

function judge(files: ReadRegistration[], resources: ReadRegistration[] = []) {
  const { registry, judged } = judgeRegistrations({ registrations: files, problems: [] }, resources);
  return {
    order: registry.extensions.map(({ name, registration }) => `${registration.kind} ${name}`),
    blocked: registry.blocked.map(({ extension, reason }) => [extension.name, reason]),
    verdicts: judged.map(({ registration, name, verdict }) => `${registration.kind} ${name}: ${verdict}`),
    problems: registry.problems.map(({ severity, message }) => `${severity}: ${message}`),
  };
}

Deno.test("files and resources are in one order", () => {
  const { order, verdicts, problems } = judge([file("b"), file("d", { before: ["a"] })], [
    resource("a"),
    resource("c"),
  ]);
  assert.deepEqual(order, ["file b", "resource c", "file d", "resource a"]);
  assert.ok(verdicts.every((text) => text.endsWith(": accepted")));
  assert.deepEqual(problems, []);
});

Deno.test("a file wins over a resource of the same name, even while it is broken", () => {
  const rest = [resource("a"), resource("b")];
  const { order, verdicts, problems } = judge([file("a"), file("b", { bogus: 1 })], rest);
  assert.deepEqual(order, ["file a"]);
  assert.deepEqual(verdicts, ["file a: accepted", "file b: broken", "resource a: file wins", "resource b: file wins"]);
  const wins = "is used, and not resource HostFactoryExtension";
  assert.equal(problems.filter((text) => text.startsWith("warning: ") && text.includes(wins)).length, 2);
});

Deno.test("a loop stops its members alone: one that may not be left out blocks, and the loop is told of each", () => {
  const { order, blocked, verdicts, problems } = judge([
    file("a", { before: ["b"] }),
    file("b", { before: ["a"], failurePolicy: "ignore" }),
    file("c", { after: ["a"] }),
  ]);
  assert.deepEqual(order, ["file c"]);
  assert.deepEqual(blocked.map(([name]) => name), ["a"]);
  assert.match(blocked[0]![1] as string, /a → b → a/);
  assert.deepEqual(verdicts, ["file a: loop", "file b: loop", "file c: accepted"]);
  assert.match(problems[0]!, /^error: .*'a' in '.*a\.yaml'.*a → b → a.*no pod is created until that is mended/);
  assert.match(problems[1]!, /^error: .*'b' in '.*b\.yaml'.*a → b → a.*it is left out/);
});

Deno.test("a resource that a file wins over is in no loop", () => {
  const { order, blocked } = judge([file("a"), file("b", { after: ["a"] })], [resource("a", { after: ["b"] })]);
  assert.deepEqual({ order, blocked }, { order: ["file a", "file b"], blocked: [] });
});
