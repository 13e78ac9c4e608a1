/** The five verbs by themselves: files in, files out, one JSON object. No cluster is there, and none is missed. */
import assert from "node:assert/strict";
import { siteTest } from "../support/e2e.ts";
import { runToEnd } from "../support/process.ts";
import { machinesOf, manifest, type Script, type Site } from "../support/site.ts";
import { root } from "../support/tree.ts";

const scripts: Script[] = [
  "getAvailableTemplates",
  "requestMachines",
  "getRequestStatus",
  "requestReturnMachines",
  "getReturnRequests",
];

function small(machineCount: unknown, templateId: unknown = "small") {
  return { template: { templateId, machineCount } };
}

siteTest("templates are told with what Symphony reads and what the site added", async (site) => {
  site.writeTemplates({ small: manifest, large: manifest });
  const path = `${site.confdir}/k8sprov_templates.json`;
  const file = JSON.parse(Deno.readTextFileSync(path));
  file.templates[0].attributes.rack = ["String", "r7"];
  file.templates[0].owner = "grid";
  Deno.writeTextFileSync(path, JSON.stringify(file));

  const { templates } = await site.tell("getAvailableTemplates", {});
  assert.deepEqual(templates.map(({ templateId }: { templateId: string }) => templateId), ["small", "large"]);
  assert.equal(templates[0].maxNumber, 1000);
  assert.deepEqual(templates[0].attributes.rack, ["String", "r7"]);
  assert.equal(templates[0].owner, "grid");
  const without = await site.ask("getAvailableTemplates");
  assert.deepEqual(without.answer.templates, templates, "no input is a question for all");
});

siteTest("one broken template takes no other away", async (site) => {
  site.writeTemplates({ small: manifest, broken: manifest });
  Deno.removeSync(`${site.confdir}/broken.json`);
  const { templates, message } = await site.tell("getAvailableTemplates", {});
  assert.deepEqual(templates.map(({ templateId }: { templateId: string }) => templateId), ["small"]);
  assert.match(message, /'broken'.*broken\.json' does not exist/);
  await site.request(1);
  const { code, answer } = await site.ask("requestMachines", { input: small(1, "broken") });
  assert.equal(code, 1);
  assert.match(answer.message, /'broken'.*does not exist/);
});

siteTest("an accepted request is on disk, whole, before its answer", async (site) => {
  const id = await site.request(3);
  assert.match(id, /^[a-z][a-z0-9]{11}$/);
  const entries = site.entries(`requests/${id}`);
  assert.deepEqual(entries.filter((name) => !name.startsWith(".")), machinesOf(id, 3));
  const record = JSON.parse(Deno.readTextFileSync(`${site.workdir}/requests/${id}/.request.json`));
  assert.equal(record.count, 3);
  assert.equal(record.templateId, "small");
  const { status, machines } = await site.status(id);
  assert.equal(status, "running");
  assert.deepEqual(machines, [], "a machine that is still executing is left out");
});

const refused: [what: string, input: unknown, says: RegExp][] = [
  ["an unknown template", small(1, "nope"), /template 'nope'.*'small'/],
  ["a template without a name", small(1, ""), /templateId.*must not be empty/],
  ["a template whose name is a number", small(1, 7), /templateId/],
  ["no machine", small(0), /machineCount.*at least 1/],
  ["less than no machine", small(-1), /machineCount.*at least 1/],
  ["a machine and a half", small(1.5), /machineCount.*whole number/],
  ["a count that is text", small("3"), /machineCount.*must be a number/],
  ["no count", small(undefined), /machineCount/],
  ["more than anybody has", small(1e12), /machineCount.*at most/],
  ["no template", {}, /template/],
  ["a list", [], /.+/],
  ["nothing", null, /.+/],
  ["what is not JSON", "{", /it is not JSON/],
  ["an empty file", "", /it is not JSON/],
];
for (const [what, input, says] of refused) {
  siteTest(`a request for ${what} is refused and leaves nothing behind`, async (site) => {
    const { code, answer, stderr } = await site.ask("requestMachines", { input });
    assert.equal(code, 1);
    assert.match(answer.message, says);
    assert.equal(answer.requestId, "");
    assert.ok(stderr.includes(answer.message), "people are told the same");
    assert.deepEqual(nothingLeft(site), { requests: [], "pods-status": [] });
  });
}

const badManifests: [what: string, text: string | undefined, says: RegExp][] = [
  ["is not there", undefined, /small\.json' does not exist/],
  ["is empty", "", /small\.json/],
  ["is not YAML", "a: [", /small\.json/],
  ["is no pod", "{apiVersion: v1, kind: Service, metadata: {name: x}}", /small\.json'.*kind must be Pod/],
  ["has no containers", "{apiVersion: v1, kind: Pod, spec: {containers: []}}", /small\.json'.*containers/],
];
for (const [what, text, says] of badManifests) {
  siteTest(`a request whose pod manifest ${what} is refused and leaves nothing behind`, async (site) => {
    if (text === undefined) Deno.removeSync(`${site.confdir}/small.json`);
    else site.write("conf/small.json", text);
    const { code, answer } = await site.ask("requestMachines", { input: small(2) });
    assert.equal(code, 1);
    assert.match(answer.message, says);
    assert.equal(answer.requestId, "");
    assert.deepEqual(nothingLeft(site), { requests: [], "pods-status": [] });
  });
}

function nothingLeft(site: Site) {
  return { requests: site.entries("requests"), "pods-status": site.entries("pods-status") };
}

siteTest("the same request id with the same content is the same request", async (site) => {
  const args = ["--request-id", "mine"];
  const first = await site.tell("requestMachines", small(2), { args });
  const before = site.entries("requests/mine");
  assert.deepEqual(await site.tell("requestMachines", small(2), { args }), first);
  assert.deepEqual(await site.tell("requestMachines", small(2), { environment: { HF_K8S_REQUEST_ID: "mine" } }), first);
  assert.deepEqual(site.entries("requests/mine"), before);
  assert.deepEqual(site.entries("requests"), ["mine"]);

  const back = { machines: [{ name: "mine-0" }] };
  const given = await site.tell("requestReturnMachines", back, { args: ["--request-id", "back"] });
  assert.deepEqual(await site.tell("requestReturnMachines", back, { args: ["--request-id", "back"] }), given);
  assert.deepEqual(site.entries("return-requests"), ["back"]);
});

siteTest("a request id that is taken by other content is refused", async (site) => {
  site.writeTemplates({ small: manifest, large: manifest });
  const args = ["--request-id", "mine"];
  await site.tell("requestMachines", small(2), { args });
  for (const input of [small(3), small(2, "large")]) {
    const { code, answer } = await site.ask("requestMachines", { input, args });
    assert.equal(code, 1);
    assert.match(answer.message, /'mine'.*taken by a request for 2 machine\(s\) of template 'small'/);
  }
  const { code, answer } = await site.ask("requestReturnMachines", { input: { machines: [{ name: "mine-0" }] }, args });
  assert.equal(code, 1);
  assert.match(answer.message, /'mine'.*taken by a request for machines/);
  assert.deepEqual(site.entries("requests/mine").filter((name) => !name.startsWith(".")), machinesOf("mine", 2));
});

siteTest("requests that no one issued are answered in their place beside the others", async (site) => {
  site.listed();
  const id = await site.request(1);
  const bad = ["neverissued1", "../../etc", "", "UPPER", "a".repeat(300), ".processed", "a/b", "x\0y"];
  const asked = [...bad.slice(0, 3), id, ...bad.slice(3)];
  const input = { requests: [...asked.map((requestId) => ({ requestId })), { requestId: 7 }, {}, "text", null] };
  const { requests } = await site.tell("getRequestStatus", input);
  assert.equal(requests.length, asked.length + 4);
  for (const [i, answer] of requests.entries()) {
    if (asked[i] === id) {
      assert.deepEqual([answer.requestId, answer.status], [id, "running"]);
      continue;
    }
    assert.equal(answer.status, "complete_with_error");
    assert.equal(answer.requestId, asked[i] ?? "");
    assert.ok(answer.message.includes(`'${(asked[i] ?? "").slice(0, 80)}`), answer.message);
    assert.deepEqual(answer.machines, []);
  }
});

siteTest("until the cluster has been listed, nothing is said to be unknown", async (site) => {
  const { status, message } = await site.status("lost12345678");
  assert.equal(status, "running");
  assert.match(message, /'lost12345678' is not known here yet.*not been listed/);
  const returned = await site.giveBack(["lost12345678-0"]);
  assert.equal((await site.status(returned)).status, "running");
});

siteTest("machines that were never issued are answered and recorded as gone already", async (site) => {
  site.listed();
  const id = await site.request(1);
  const names = [`${id}-7`, "../../etc/passwd", "host.example.com", "UPPER-1", "x".repeat(300)];
  const { requestId, message } = await site.tell("requestReturnMachines", {
    machines: names.map((name) => ({ name })),
  });
  assert.match(message, new RegExp(`never issued here.*'${id}-7'`));
  const { status, machines } = await site.status(requestId);
  assert.equal(status, "complete");
  assert.deepEqual(machines.map(({ name }) => name).sort(), [...names].sort());
  for (const { result, status } of machines) assert.deepEqual([result, status], ["succeed", "terminated"]);
});

siteTest("one bare object is taken where the documentation shows both that and a list", async (site) => {
  const id = await site.request(1);
  const { requests } = await site.tell("getRequestStatus", { requests: { requestId: id }, extra: true });
  assert.deepEqual(requests.map(({ requestId }: { requestId: string }) => requestId), [id]);
  const { requestId } = await site.tell("requestReturnMachines", { machines: { name: `${id}-0`, extra: 1 } });
  assert.deepEqual(site.entries(`return-requests/${requestId}`), [".request.json", `${id}-0`]);
  assert.deepEqual((await site.tell("getReturnRequests", { machines: { name: `${id}-0` } })).requests, []);
});

siteTest("the input comes from -f FILE, a FILE, - or standard input", async (site) => {
  const file = site.write("question.json", JSON.stringify(small(1)));
  const stdin = JSON.stringify(small(2));
  const ways: [args: string[], stdin: string | undefined, count: number][] = [
    [["-f", file], undefined, 1],
    [["--file", file], stdin, 1],
    [[file], stdin, 1],
    [["question.json"], undefined, 1],
    [["-"], stdin, 2],
    [["-f", "-"], stdin, 2],
    [[], stdin, 2],
  ];
  for (const [args, text, count] of ways) {
    const asked = { args, ...(text === undefined ? {} : { stdin: text }) };
    const { code, answer } = await site.ask("requestMachines", asked);
    assert.equal(code, 0, `${args}: ${answer.message}`);
    const machines = site.entries(`requests/${answer.requestId}`).filter((name) => !name.startsWith("."));
    assert.equal(machines.length, count, args.join(" "));
  }
});

siteTest("input that cannot be read is one JSON object with a message that names it", async (site) => {
  for (const script of scripts) {
    const { code, answer, stderr } = await site.ask(script, { args: ["-f", "/no/such/file"] });
    assert.equal(code, 1, script);
    assert.match(answer.message, /'\/no\/such\/file'.*does not exist/);
    assert.ok(stderr.includes(answer.message));
    const lists = Object.entries(answer).filter(([key]) => key !== "message");
    assert.equal(lists.length, 1, "what the verb answers with is there, and empty");
  }
});

siteTest("a reader that goes away is no crash", async (site) => {
  const padding = "x".repeat(400_000); // More than any pipe holds.
  const file = JSON.parse(Deno.readTextFileSync(`${site.confdir}/k8sprov_templates.json`));
  file.templates[0].padding = padding;
  site.write("conf/k8sprov_templates.json", JSON.stringify(file));
  const script = `${root}scripts/k8s-hf/providers/k8s-hf/scripts/getAvailableTemplates.sh`;
  for (const reader of ["true", "head -c 10", "head -n 1"]) {
    const { stdout, stderr } = await runToEnd({
      program: "/bin/sh",
      args: ["-c", `{ '${script}'; echo "status $?" >&2; } | ${reader}`],
      environment: site.environment,
      directory: site.directory,
    });
    assert.equal(stderr, "status 0\n", reader);
    assert.ok(stdout.length <= 10);
  }
});

siteTest("a wrong command line is one JSON object and exit status 2", async (site) => {
  const wrong: [args: string[], environment: Record<string, string>, says: RegExp][] = [
    [["--nonsense"], {}, /--nonsense/],
    [["-f"], {}, /file/],
    [["a", "b"], {}, /too many arguments/i],
    [["--log-level", "loud"], {}, /'loud'/],
    [["--instance", "-no-"], {}, /'-no-'/],
    [[], { HF_PROVIDER_NAME: "not a label" }, /'not a label'/],
  ];
  for (const script of scripts) {
    for (const [args, environment, says] of wrong) {
      const { code, answer, stderr } = await site.ask(script, { args, environment, stdin: "{}" });
      assert.match(answer.message, says);
      assert.ok(stderr.includes(answer.message));
      assert.equal(code, 2, `${script} ${args}`);
    }
  }
  const { code, answer } = await site.ask("requestMachines", { input: small(1), args: ["--request-id", "../x"] });
  assert.equal(code, 2);
  assert.match(answer.message, /'\.\.\/x'/);
});

siteTest("an option wins over HF_K8S_*, and that over what Symphony sets", async (site) => {
  for (const name of ["option", "own", "symphony"]) {
    Deno.mkdirSync(`${site.directory}/${name}`);
    const template = JSON.parse(Deno.readTextFileSync(`${site.confdir}/k8sprov_templates.json`));
    template.templates[0].templateId = name;
    template.templates[0].podSpec = `${site.confdir}/small.json`;
    site.write(`${name}/k8sprov_templates.json`, JSON.stringify(template));
  }
  const at = (name: string) => `${site.directory}/${name}`;
  const symphony = { HF_PROVIDER_CONFDIR: at("symphony"), HF_PROVIDER_WORKDIR: at("symphony") };
  const own = { HF_K8S_PROVIDER_CONFDIR: at("own"), HF_K8S_WORKDIR: at("own") };
  const options = ["--confdir", at("option"), "--workdir", at("option")];
  const ways: [winner: string, args: string[], environment: Record<string, string>][] = [
    ["option", options, { ...symphony, ...own }],
    ["own", [], { ...symphony, ...own }],
    ["symphony", [], symphony],
  ];
  for (const [winner, args, environment] of ways) {
    const { requestId } = await site.tell("requestMachines", small(1, winner), { args, environment });
    assert.deepEqual([...Deno.readDirSync(at(`${winner}/requests`))].map(({ name }) => name), [requestId]);
  }
});

siteTest("no more machines are accepted than there may be, however many ask at once", async (site) => {
  const path = `${site.confdir}/k8sprov_templates.json`;
  const file = JSON.parse(Deno.readTextFileSync(path));
  file.templates[0].maxNumber = 7;
  Deno.writeTextFileSync(path, JSON.stringify(file));
  const answers = await Promise.all(
    Array.from({ length: 16 }, () => site.ask("requestMachines", { input: small(2) })),
  );
  const accepted = answers.filter(({ code }) => code === 0);
  assert.equal(accepted.length, 3);
  assert.deepEqual(site.entries("requests"), accepted.map(({ answer }) => answer.requestId).sort());
  for (const { code, answer, stderr } of answers.filter((one) => !accepted.includes(one))) {
    assert.equal(code, 1);
    assert.equal(answer.requestId, "");
    assert.match(answer.message, /Cannot provide 2 machine\(s\) of template 'small': [246] of at most 7 are in use/);
    assert.ok(stderr.includes(answer.message), "people are told the same");
  }
  const { templates } = await site.tell("getAvailableTemplates", {});
  assert.equal(templates[0].availableNumber, 1);
  await site.giveBack([`${accepted[0]?.answer.requestId}-0`]);
  assert.equal((await site.tell("getAvailableTemplates", {})).templates[0].availableNumber, 2);
});

siteTest("what a partial failure is called is an option or a variable, and checked", async (site) => {
  const id = await site.request(2);
  for (const [index, state] of ["running", "failed"].entries()) {
    Deno.removeSync(`${site.workdir}/pods-status/${id}-${index}`);
    Deno.symlinkSync(state, `${site.workdir}/pods-status/${id}-${index}`);
  }
  const input = { requests: [{ requestId: id }] };
  const statusWith = async (asked: { args?: string[]; environment?: Record<string, string> }) =>
    (await site.tell("getRequestStatus", input, asked)).requests[0].status;
  const environment = { HF_K8S_ON_PARTIAL_FAILURE: "complete" };
  assert.equal(await statusWith({}), "complete_with_error");
  assert.equal(await statusWith({ environment }), "complete");
  assert.equal(await statusWith({ args: ["--on-partial-failure", "complete"] }), "complete");
  const args = ["--on-partial-failure", "complete_with_error"];
  assert.equal(await statusWith({ args, environment }), "complete_with_error");
  const wrong = await site.ask("getRequestStatus", { input, args: ["--on-partial-failure", "ignore"] });
  assert.equal(wrong.code, 2);
  assert.match(wrong.answer.message, /'ignore'.*complete_with_error or complete/);
  assert.deepEqual(wrong.answer.requests, []);
});

siteTest("no machine is said to be taken away before the cluster was ever listed", async (site) => {
  const id = await site.request(2);
  for (const machines of [undefined, machinesOf(id, 2)]) {
    const { requests, message } = await site.returnRequests(machines);
    assert.deepEqual(requests, []);
    assert.match(message, /cluster has not been listed yet/);
  }
});

siteTest("a work directory that cannot be written is said so, with what to do", async (site) => {
  const args = ["--workdir", site.write("file", "")];
  const asked: [Script, unknown][] = [
    ["requestMachines", { template: { templateId: "T", machineCount: 1 } }],
    ["requestReturnMachines", { machines: [] }],
  ];
  for (const [script, question] of asked) {
    const { code, answer } = await site.ask(script, { args, stdin: JSON.stringify(question) });
    assert.equal(code, 1);
    assert.match(answer.message, /Cannot use the work directory '.*\/file'.*--workdir/);
  }
});

siteTest("requests that come at once all get ids of their own", async (site) => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => site.request(2)));
  assert.equal(new Set(ids).size, 12);
  assert.deepEqual(site.entries("requests"), [...ids].sort());
  const same = await Promise.all(Array.from({ length: 8 }, () => site.request(5, { id: "same" })));
  assert.deepEqual(new Set(same), new Set(["same"]));
  assert.deepEqual(site.entries("requests").filter((name) => name.startsWith(".")), []);
});
