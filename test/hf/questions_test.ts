import assert from "node:assert/strict";
import {
  parseRequestMachines,
  parseRequestStatus,
  parseReturnMachines,
  parseReturnRequests,
  parseTemplateFilter,
} from "../../src/hf/questions.ts";

const template = { templateId: "T", machineCount: 3 };
const named = (name?: string, machineId?: string) => ({ name, machineId });

const understood: [parse: (input: unknown) => unknown, input: unknown, meaning: unknown][] = [
  [parseRequestMachines, { template }, { templateId: "T", count: 3 }],
  [parseRequestMachines, { template: { ...template, extra: 1 }, userData: {} }, { templateId: "T", count: 3 }],
  [parseReturnMachines, { machines: [{ name: "a-0" }, { name: "a-1", machineId: "u" }] }, [
    named("a-0"),
    named("a-1", "u"),
  ]],
  [parseReturnMachines, { machines: { name: "a-0" } }, [named("a-0")]],
  [parseReturnMachines, { machines: [{ machineId: "u" }] }, [named(undefined, "u")]],
  [parseReturnMachines, { machines: [{ name: "", machineId: "u" }] }, [named(undefined, "u")]],
  [parseReturnMachines, { machines: [{ name: null, machineId: null }] }, [named()]],
  [parseReturnMachines, { machines: [] }, []],
  [parseReturnMachines, { machines: [{ name: "a-0", extra: [] }], extra: 1 }, [named("a-0")]],
  [parseReturnRequests, {}, undefined],
  [parseReturnRequests, { machines: null }, undefined],
  [parseReturnRequests, { machines: [] }, []],
  [parseReturnRequests, { machines: [{ name: "a-0" }], extra: 1 }, [named("a-0")]],
  [parseReturnRequests, { machines: { machineId: "u" } }, [named(undefined, "u")]],
  [parseRequestStatus, { requests: [{ requestId: "a" }, { requestId: "b", extra: 1 }] }, ["a", "b"]],
  [parseRequestStatus, { requests: { requestId: "a" } }, ["a"]],
  [parseRequestStatus, { requests: [] }, []],
  [parseRequestStatus, { requests: [{ requestId: 7 }, {}, null, "a", { requestId: "b" }] }, [
    undefined,
    undefined,
    undefined,
    undefined,
    "b",
  ]],
  [parseTemplateFilter, {}, undefined],
  [parseTemplateFilter, { templateId: "T" }, ["T"]],
  [parseTemplateFilter, { template: { templateId: "T" } }, ["T"]],
  [parseTemplateFilter, { templates: [{ templateId: "T" }, { templateId: "U" }] }, ["T", "U"]],
  [parseTemplateFilter, { templates: { templateId: "T" } }, ["T"]],
  [parseTemplateFilter, { templates: [] }, undefined],
];
for (const [parse, input, meaning] of understood) {
  Deno.test(`${parse.name} understands ${JSON.stringify(input)}`, () => assert.deepEqual(parse(input), meaning));
}

const refused: [parse: (input: unknown) => unknown, input: unknown, message: RegExp][] = [
  [parseRequestMachines, null, /Cannot use the input/],
  [parseRequestMachines, [], /Cannot use the input/],
  [parseRequestMachines, "text", /Cannot use the input/],
  [parseRequestMachines, {}, /'template'/],
  [parseRequestMachines, { template: [template] }, /'template\.templateId'|'template'/],
  [parseRequestMachines, { template: { machineCount: 1 } }, /'template\.templateId'/],
  [parseRequestMachines, { template: { ...template, templateId: "" } }, /'template\.templateId': must not be empty/],
  [parseRequestMachines, { template: { templateId: "T" } }, /'template\.machineCount'/],
  [parseRequestMachines, { template: { ...template, machineCount: "3" } }, /machineCount': must be a number/],
  [parseRequestMachines, { template: { ...template, machineCount: 1.5 } }, /machineCount': must be a whole number/],
  [parseRequestMachines, { template: { ...template, machineCount: 0 } }, /machineCount': must be at least 1/],
  [parseRequestMachines, { template: { ...template, machineCount: -1 } }, /machineCount': must be at least 1/],
  [parseRequestMachines, { template: { ...template, machineCount: 1e9 } }, /machineCount': must be at most 30000/],
  [parseRequestMachines, { template: { ...template, machineCount: NaN } }, /machineCount'/],
  [parseReturnMachines, {}, /'machines'/],
  [parseReturnMachines, { machines: "a-0" }, /'machines': must be a list of machines/],
  [parseReturnMachines, { machines: [{ name: "a-0" }, { name: 5 }] }, /'machines\.1\.name': must be a string/],
  [parseReturnMachines, { machines: ["a-0"] }, /'machines\.0'/],
  [parseReturnRequests, { machines: ["a-0"] }, /'machines\.0'/],
  [parseReturnRequests, { machines: [{ machineId: 5 }] }, /'machines\.0\.machineId'/],
  [parseReturnRequests, { machines: 5 }, /'machines': must be a list of machines/],
  [parseReturnRequests, null, /Cannot use the input/],
  [parseRequestStatus, {}, /'requests'/],
  [parseRequestStatus, { requests: "a" }, /'requests': must be a list of requests/],
  [parseTemplateFilter, { templateId: 5 }, /'templateId'/],
];
for (const [parse, input, message] of refused) {
  Deno.test(`${parse.name} refuses ${JSON.stringify(input)} and names the field`, () => {
    assert.throws(() => parse(input), { name: "HostFactoryError", exitCode: 1, message });
  });
}

Deno.test("a list that is longer than anybody's grid is refused before anything in it is looked at", () => {
  const list = new Array(30_001).fill({});
  const long = /at most 30000/;
  assert.throws(() => parseReturnMachines({ machines: list }), { message: long });
  assert.throws(() => parseReturnRequests({ machines: list }), { message: long });
  assert.throws(() => parseRequestStatus({ requests: list }), { message: long });
  assert.throws(() => parseTemplateFilter({ templates: list }), { message: long });
  assert.equal(parseReturnMachines({ machines: list.slice(1) }).length, 30_000);
});

Deno.test("a question that is a long text is not shown whole", () => {
  for (const input of ["x".repeat(5_000), { template: "x".repeat(5_000) }]) {
    assert.throws(() => parseRequestMachines(input), { message: /^Cannot use the input: .{1,400}$/ });
  }
});
