/** The five scripts that Symphony calls: how they find the program, and what they say if there is none. */
import assert from "node:assert/strict";
import { siteTest } from "../support/e2e.ts";
import { runToEnd } from "../support/process.ts";
import type { Site } from "../support/site.ts";
import { readFromTree, root } from "../support/tree.ts";

const tree = `${root}scripts/k8s-hf`;
const emptyAnswers = {
  getAvailableTemplates: { templates: [] },
  requestMachines: { requestId: "" },
  getRequestStatus: { requests: [] },
  requestReturnMachines: { requestId: "" },
  getReturnRequests: { requests: [] },
};

/** Copies what a host needs into a directory of its own: the five scripts and nothing beside them. */
async function install(site: Site): Promise<string> {
  const scripts = `${site.directory}/hf/k8s-hf/scripts`;
  Deno.mkdirSync(scripts, { recursive: true });
  const source = `${tree}/providers/k8s-hf/scripts`;
  await copy(site, Object.keys(emptyAnswers).map((script) => `${source}/${script}.sh`), scripts);
  return scripts;
}

/** Copies the sample configuration to where the scripts are told that it is. */
async function configure(site: Site): Promise<void> {
  const names = ["k8sprov_templates.json", "pod.yaml"];
  await copy(site, names.map((name) => `${tree}/providers/k8s-hf/${name}`), `${site.directory}/hf/k8s-hf`);
}

async function copy(site: Site, files: string[], directory: string): Promise<void> {
  const environment = { PATH: site.environment.PATH ?? "" };
  const { code } = await runToEnd({
    program: "cp",
    args: [...files, directory],
    environment,
    directory: site.directory,
  });
  assert.equal(code, 0);
}

async function call(site: Site, program: string, environment: Record<string, string>, args: string[] = []) {
  const { PATH = "", HF_PROVIDER_WORKDIR = "" } = site.environment;
  const base = { PATH, HF_PROVIDER_WORKDIR, HF_PROVIDER_CONFDIR: `${site.directory}/hf/k8s-hf` };
  return await runToEnd({ program, args, environment: { ...base, ...environment }, directory: site.directory });
}

/** Puts a program under a name that does nothing but say who it is and what it was given. */
function plant(path: string, name: string): void {
  Deno.writeTextFileSync(path, `#!/bin/sh\nprintf '%s' '${name}'; printf ' <%s>' "$@"\n`);
  Deno.chmodSync(path, 0o755);
}

siteTest("a script answers with a message and nothing else where there is no program", async (site) => {
  const scripts = await install(site);
  for (const [script, empty] of Object.entries(emptyAnswers)) {
    const { code, stdout, stderr } = await call(site, `${scripts}/${script}.sh`, {}, ["-f", "x"]);
    const { message, ...rest } = JSON.parse(stdout);
    assert.deepEqual(rest, empty, script);
    assert.match(message, /Cannot run hostfactory [a-z-]+: .*HOSTFACTORY_BIN/);
    assert.equal(stderr, `${message}\n`);
    assert.equal(code, 1);
  }
});

siteTest("a message about the program is JSON whatever its path holds", async (site) => {
  const scripts = await install(site);
  const environment = { HOSTFACTORY_BIN: `/no/"such"\\program\t` };
  const { code, stdout } = await call(site, `${scripts}/requestMachines.sh`, environment);
  assert.match(JSON.parse(stdout).message, /'\/no\/"such"\\program', which is not a program/);
  assert.equal(code, 1);
});

siteTest("HOSTFACTORY_BIN comes before a program beside the scripts, and that before PATH", async (site) => {
  const scripts = await install(site);
  Deno.mkdirSync(`${site.directory}/bin`);
  plant(`${site.directory}/bin/hostfactory`, "on PATH");
  plant(`${site.directory}/named`, "named");
  const PATH = `${site.directory}/bin:${site.environment.PATH}`;
  const script = `${scripts}/getRequestStatus.sh`;
  const args = ["-f", "a b", "", "*"];
  const given = " <get-request-status> <-f> <a b> <> <*>";
  assert.equal((await call(site, script, { PATH }, args)).stdout, `on PATH${given}`);
  plant(`${scripts}/hostfactory`, "beside");
  assert.equal((await call(site, script, { PATH }, args)).stdout, `beside${given}`);
  const named = { PATH, HOSTFACTORY_BIN: `${site.directory}/named` };
  assert.equal((await call(site, script, named, args)).stdout, `named${given}`);
});

siteTest("a script that is called by a link, from elsewhere, finds what lies beside it", async (site) => {
  const scripts = await install(site);
  plant(`${scripts}/hostfactory`, "beside");
  Deno.symlinkSync(`${scripts}/getReturnRequests.sh`, `${site.directory}/link.sh`);
  assert.equal((await call(site, `${site.directory}/link.sh`, {})).stdout, "beside <get-return-requests>");
});

siteTest("any of the five scripts works without the other four", async (site) => {
  const scripts = await install(site);
  for (const script of Object.keys(emptyAnswers)) {
    const alone = `${site.directory}/${script}`;
    Deno.mkdirSync(alone);
    Deno.renameSync(`${scripts}/${script}.sh`, `${alone}/${script}.sh`);
    plant(`${alone}/hostfactory`, "alone");
    const verb = script.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    assert.equal((await call(site, `${alone}/${script}.sh`, {}, ["-f", "x"])).stdout, `alone <${verb}> <-f> <x>`);
  }
});

siteTest("the five scripts are one script that differs in its verb and in its empty answer", () => {
  const bodies = Object.entries(emptyAnswers).map(([script, empty]) => {
    const [shebang, title, verb, answer, ...body] = readFromTree(
      `scripts/k8s-hf/providers/k8s-hf/scripts/${script}.sh`,
    ).split("\n");
    assert.equal(shebang, "#!/bin/sh");
    assert.match(title ?? "", new RegExp(`^# Symphony's ${script}: `));
    assert.equal(verb, `verb=${script.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    assert.deepEqual(JSON.parse(`{${/^empty='(.*)'/.exec(answer ?? "")?.[1]}}`), empty);
    return body.join("\n");
  });
  assert.equal(new Set(bodies).size, 1);
  return Promise.resolve();
});

siteTest("the sample configuration can be used as it is", async (site) => {
  const scripts = await install(site);
  await configure(site);
  const { HOSTFACTORY_BIN = "" } = site.environment;
  const available = async () =>
    JSON.parse((await call(site, `${scripts}/getAvailableTemplates.sh`, { HOSTFACTORY_BIN })).stdout);
  const { templates: [template], message } = await available();
  assert.match(message, /^availableNumber is left out: there is no '[^']*' yet$/, "nothing was ever asked for");
  const input = site.write("input.json", JSON.stringify({ template: { ...template, machineCount: 1 } }));
  const asked = await call(site, `${scripts}/requestMachines.sh`, { HOSTFACTORY_BIN }, ["-f", input]);
  assert.equal(asked.code, 0, asked.stdout);
  assert.deepEqual(await available(), { templates: [{ ...template, availableNumber: template.maxNumber - 1 }] });
});

siteTest("the samples for Symphony name the same provider, and lead to the scripts", () => {
  const read = (path: string) => JSON.parse(readFromTree(`scripts/k8s-hf/${path}`));
  const { version, providers: [provider] } = read("providers/hostProviders.json");
  const { version: pluginsVersion, providerplugins: [plugin] } = read("hostProviderPlugins.json");
  assert.deepEqual([version, pluginsVersion], [2, 2]);
  assert.equal(provider.plugin, plugin.name);
  const confdir = provider.confPath.replace("${HF_CONFDIR}", tree);
  const scripts = plugin.scriptPath.replace("${HF_CONFDIR}", tree);
  Deno.statSync(`${confdir}k8sprov_templates.json`);
  for (const script of Object.keys(emptyAnswers)) Deno.statSync(`${scripts}${script}.sh`);
  return Promise.resolve();
});
