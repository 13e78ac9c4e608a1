import assert from "node:assert/strict";
import { type Config, type Environment, type GlobalOptions, isOn, loadConfig } from "../src/config.ts";

const everything: Environment = {
  HF_K8S_WORKDIR: "/ours/work",
  HF_K8S_PROVIDER_CONFDIR: "/ours/conf",
  HF_K8S_LOG_FILE: "/ours/log",
  HF_K8S_REQUEST_ID: "ours",
  HF_K8S_INSTANCE: "ours",
  HF_K8S_ON_PARTIAL_FAILURE: "complete",
  HF_PROVIDER_NAME: "name",
  HF_PROVIDER_WORKDIR: "/provider/work/",
  HF_PROVIDER_CONFDIR: "/provider/conf/",
  HF_PROVIDER_LOGDIR: "/provider/log/",
  HF_WORKDIR: "/hf/work",
  HF_CONFDIR: "/hf/conf",
  HF_LOGDIR: "/hf/log",
};

/** The environment with only these of its variables left. */
function only(...names: string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, everything[name]]));
}

/** Without these. */
function without(...names: string[]): Environment {
  return Object.fromEntries(Object.entries(everything).filter(([name]) => !names.includes(name)));
}

const cases: [field: keyof Config, options: GlobalOptions, environment: Environment, value: unknown][] = [
  ["workdir", { workdir: "/option" }, everything, "/option"],
  ["workdir", {}, everything, "/ours/work"],
  ["workdir", {}, without("HF_K8S_WORKDIR"), "/provider/work"],
  ["workdir", {}, without("HF_K8S_WORKDIR", "HF_PROVIDER_WORKDIR"), "/hf/work/providers/name"],
  ["workdir", {}, only("HF_WORKDIR"), "/tmp/hostfactory"],
  ["workdir", {}, {}, "/tmp/hostfactory"],
  ["workdir", {}, { HF_K8S_WORKDIR: "" }, "/tmp/hostfactory"],
  ["workdir", { workdir: "relative/" }, {}, `${Deno.cwd()}/relative`],
  ["workdir", { workdir: "/" }, {}, "/"],
  ["sharedWorkdir", {}, {}, false],
  ["sharedWorkdir", {}, { HF_K8S_SHARED_WORKDIR: "1" }, true],
  ["sharedWorkdir", {}, { HF_K8S_SHARED_WORKDIR: "0" }, false],
  ["sharedWorkdir", { sharedWorkdir: true }, { HF_K8S_SHARED_WORKDIR: "0" }, true],
  ["confdir", { confdir: "/option" }, everything, "/option"],
  ["confdir", {}, everything, "/ours/conf"],
  ["confdir", {}, without("HF_K8S_PROVIDER_CONFDIR"), "/provider/conf"],
  ["confdir", {}, without("HF_K8S_PROVIDER_CONFDIR", "HF_PROVIDER_CONFDIR"), "/hf/conf/providers/name"],
  ["confdir", {}, {}, undefined],
  ["logFile", { logFile: "/option" }, everything, "/option"],
  ["logFile", {}, everything, "/ours/log"],
  ["logFile", {}, without("HF_K8S_LOG_FILE"), "/provider/log/hostfactory.log"],
  ["logFile", {}, only("HF_LOGDIR"), "/hf/log/hostfactory.log"],
  ["logFile", {}, {}, undefined],
  ["requestId", { requestId: "option" }, everything, "option"],
  ["requestId", {}, everything, "ours"],
  ["requestId", {}, {}, undefined],
  ["instance", { instance: "option" }, everything, "option"],
  ["instance", {}, everything, "ours"],
  ["instance", {}, without("HF_K8S_INSTANCE"), "name"],
  ["instance", {}, {}, "k8s-hf"],
  ["onPartialFailure", { onPartialFailure: "complete_with_error" }, everything, "complete_with_error"],
  ["onPartialFailure", {}, everything, "complete"],
  ["onPartialFailure", {}, {}, "complete_with_error"],
  ["logLevel", { logLevel: "WARNING" }, {}, "warning"],
  ["logLevel", {}, {}, undefined],
  ["kubeconfig", { kubeconfig: "kube/config" }, {}, `${Deno.cwd()}/kube/config`],
  ["kubeconfig", {}, {}, undefined],
  ["proxy", { proxy: "http://proxy:3128" }, {}, "http://proxy:3128"],
  ["namespace", { namespace: "grid" }, {}, "grid"],
];
for (const [field, options, environment, value] of cases) {
  const given = [...Object.keys(options).map((name) => `--${name}`), ...Object.keys(environment)].join(" ") ||
    "nothing";
  Deno.test(`${field} is ${value} where there is ${given}`, () => {
    assert.equal(loadConfig(options, environment)[field], value);
  });
}

Deno.test("whether the work directory is shared has to be told so that it cannot be mistaken", () => {
  const wrong = { HF_K8S_SHARED_WORKDIR: "yes" };
  assert.throws(() => loadConfig({}, wrong), { name: "HostFactoryError", exitCode: 2, message: /'yes'/ });
});

Deno.test("what events say beside their own is told by variables, as the legacy plug-in has it", () => {
  const environment = {
    HF_K8S_METADATA_HF_POD: "master-0",
    HF_K8S_METADATA_Zone: "",
    HF_K8S_METADATA_: "x",
    OTHER: "y",
  };
  assert.deepEqual(loadConfig({}, environment).eventMetadata, { hf_pod: "master-0", zone: "" });
  assert.deepEqual(loadConfig({}, {}).eventMetadata, {});
});

Deno.test("what the legacy plug-in takes as on and off is on and off, and nothing else", () => {
  for (const word of ["1", "t", "TRUE", "y", "Yes", "on"]) assert.equal(isOn("X", word), true, word);
  for (const word of ["0", "F", "false", "n", "no", "OFF"]) assert.equal(isOn("X", word), false, word);
  assert.throws(() => isOn("X", "maybe"), { name: "HostFactoryError", exitCode: 2, message: /X is on: it is 'maybe'/ });
});

const refused: [options: GlobalOptions, message: RegExp][] = [
  [{ logLevel: "loud" }, /Cannot log at level 'loud'/],
  [{ instance: "not a label" }, /Cannot use 'not a label' as the name of the provider instance/],
  [{ instance: "x".repeat(64) }, /Cannot use 'x+'/],
  [{ instance: "" }, /Cannot use ''/],
  [{ onPartialFailure: "completed" }, /Cannot call a request 'completed'/],
];
for (const [options, message] of refused) {
  Deno.test(`a wrong option is a wrong command line: ${JSON.stringify(options)}`, () => {
    assert.throws(() => loadConfig(options, {}), { name: "HostFactoryError", exitCode: 2, message });
  });
}
