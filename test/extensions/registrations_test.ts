import assert from "node:assert/strict";
import { Registrations } from "../../src/extensions/registrations.ts";
import { MemoryFiles, notPermitted } from "../support/memory_files.ts";

const DIRECTORY = "/conf/extensions.d";

function text(name: string, more = ""): string {
  return `name: ${name}\nhooks: { lint: "https://a/" }\n${more}`;
}

class Followed {
  readonly files = new MemoryFiles();
  readonly told: string[] = [];
  readonly registrations: Registrations;
  #nowMs = 0;
  #modifiedMs = 1_000;

  constructor() {
    this.files.makeDirectory(DIRECTORY);
    this.registrations = new Registrations({
      files: this.files,
      confdir: "/conf",
      report: ({ severity, message }) => this.told.push(`${severity}: ${message}`),
    });
  }

  write(file: string, content: string): void {
    this.files.writeText(`${DIRECTORY}/${file}`, content);
    this.files.touch(`${DIRECTORY}/${file}`, this.#modifiedMs++);
  }

  resources(...resources: { name: string; uid?: string; spec?: unknown }[]): void {
    this.registrations.resources(
      resources.map(({ name, uid = `uid-${name}`, spec = { hooks: { lint: "https://r/" } } }) => ({
        metadata: { name, uid },
        spec,
      })),
    );
  }

  /** What is used a second later. */
  async used(): Promise<string[]> {
    await this.registrations.refresh(this.#nowMs += 1_000);
    return this.registrations.registry.extensions.map(({ name, hooks }) => `${name} ${hooks.lint}`);
  }
}

/** Notes every call from now on. */
function note(files: MemoryFiles, calls: string[]): void {
  files.failWhere(({ name, paths }) => {
    calls.push(`${name} ${paths[0]}`);
    return false;
  }, notPermitted());
}

Deno.test("files that come, change and go are followed, and each change is told once", async () => {
  const followed = new Followed();
  assert.deepEqual(await followed.used(), []);
  followed.write("a.yaml", text("a"));
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  followed.write("a.yaml", text("a").replace("//a/", "//b/"));
  assert.deepEqual(await followed.used(), ["a https://b/"]);
  await followed.used();
  followed.files.remove(`${DIRECTORY}/a.yaml`);
  assert.deepEqual(await followed.used(), []);
  assert.deepEqual(followed.told, [
    `info: Extension 'a' in '${DIRECTORY}/a.yaml' is used`,
    `info: Extension 'a' in '${DIRECTORY}/a.yaml' has changed`,
    "info: Extension 'a' is not used any more",
  ]);
});

Deno.test("a broken file keeps its last good form until it is mended or gone, and says so once", async () => {
  const followed = new Followed();
  followed.write("a.yaml", text("a"));
  followed.write("b.yaml", text("b", "bogus: 1"));
  await followed.used();
  followed.write("a.yaml", "name: [");
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  followed.write("a.yaml", text("a", "bogus: 1"));
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  followed.write("a.yaml", text("a").replace("//a/", "//c/"));
  assert.deepEqual(await followed.used(), ["a https://c/"]);
  assert.equal(followed.told.filter((line) => /stays in use in its last good form/.test(line)).length, 1);
  assert.equal(followed.told.filter((line) => /'b'.*bogus is not known/.test(line)).length, 1);
  assert.equal(followed.registrations.registry.problems.length, 1);
  followed.write("a.yaml", "name: [");
  await followed.used();
  followed.files.remove(`${DIRECTORY}/a.yaml`);
  assert.deepEqual(await followed.used(), []);
});

Deno.test("a last good form gives way to another registration of its name", async () => {
  const followed = new Followed();
  followed.write("a.yaml", text("a"));
  await followed.used();
  followed.write("a.yaml", "name: [");
  followed.write("b.yaml", text("a").replace("//a/", "//b/"));
  assert.deepEqual(await followed.used(), ["a https://b/"]);
  assert.deepEqual(followed.registrations.judged.map(({ extension }) => extension?.hooks.lint), [
    undefined,
    "https://b/",
  ]);
});

Deno.test("a broken file and its last good form win over a resource of that name", async () => {
  const followed = new Followed();
  followed.resources({ name: "a" });
  followed.write("a.yaml", text("a"));
  await followed.used();
  followed.write("a.yaml", "name: [");
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  followed.files.remove(`${DIRECTORY}/a.yaml`);
  assert.deepEqual(await followed.used(), ["a https://r/"]);
});

Deno.test("a directory that cannot be listed now leaves what was read before", async () => {
  const followed = new Followed();
  followed.write("a.yaml", text("a"));
  await followed.used();
  followed.files.failWhere(({ name }) => name === "list", notPermitted());
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  assert.match(followed.told.at(-1)!, /^error: Cannot list .*extensions\.d/);
  followed.files.failWhere(() => false, notPermitted());
  assert.deepEqual(await followed.used(), ["a https://a/"]);
  assert.deepEqual(followed.registrations.registry.problems, []);
});

Deno.test("a broken resource keeps its last good form, one made again under its name does not", () => {
  const followed = new Followed();
  const used = () => followed.registrations.registry.extensions.map(({ name }) => name);
  followed.resources({ name: "a" });
  followed.resources({ name: "a", spec: { bogus: 1 } });
  assert.deepEqual(used(), ["a"]);
  followed.resources({ name: "a", uid: "other", spec: { bogus: 1 } });
  assert.deepEqual(used(), []);
});

Deno.test("credentials that come later are noticed", async () => {
  const followed = new Followed();
  followed.write("a.yaml", text("a", "credentials: { tokenFile: token }"));
  await followed.used();
  assert.match(followed.told[0]!, /^warning: .*token' does not exist/);
  followed.files.writeText(`${DIRECTORY}/token`, "x", { mode: 0o600 });
  await followed.used();
  assert.deepEqual(followed.registrations.registry.problems, []);
});

Deno.test("the directory is looked at once a second, and files are read only if they changed", async () => {
  const followed = new Followed();
  followed.write("a.yaml", text("a"));
  const calls: string[] = [];
  note(followed.files, calls);
  await followed.registrations.refresh(0);
  const first = calls.length;
  for (const nowMs of [1, 999]) await followed.registrations.refresh(nowMs);
  assert.ok(calls.includes(`readText ${DIRECTORY}/a.yaml`));
  await followed.registrations.refresh(1_000);
  assert.deepEqual(calls.slice(first), [`list ${DIRECTORY}`, `info ${DIRECTORY}/a.yaml`]);
});

Deno.test("without a directory of registrations, one look at it a second is all that is done", async () => {
  const files = new MemoryFiles();
  files.makeDirectory("/conf");
  const registrations = new Registrations({ files, confdir: "/conf", report: () => assert.fail() });
  await registrations.refresh(0);
  const calls: string[] = [];
  note(files, calls);
  await registrations.refresh(1_000);
  assert.deepEqual(calls, [`list ${DIRECTORY}`]);
});

Deno.test("what is registered is settled once files were read, and resources listed or not to be had", async () => {
  const followed = new Followed();
  followed.resources();
  assert.equal(followed.registrations.isSettled, false);
  await followed.used();
  assert.equal(followed.registrations.isSettled, true);
  const other = new Followed();
  await other.used();
  assert.equal(other.registrations.isSettled, false);
  other.registrations.withoutResources();
  assert.equal(other.registrations.isSettled, true);
});

Deno.test("calls are counted of extensions that are used, as long as they are", () => {
  const { registrations } = new Followed();
  registrations.called("a", { nowMs: 5, isAnswered: false });
  assert.equal(registrations.calls("a"), undefined);
  registrations.resources([{ metadata: { name: "a", uid: "1" }, spec: { hooks: { lint: "https://r/" } } }]);
  registrations.called("a", { nowMs: 6, isAnswered: false });
  registrations.called("a", { nowMs: 7, isAnswered: false });
  assert.deepEqual(registrations.calls("a"), { lastCallMs: 7, failures: 2 });
  registrations.called("a", { nowMs: 8, isAnswered: true });
  assert.deepEqual(registrations.calls("a"), { lastCallMs: 8, failures: 0 });
  registrations.resources([]);
  assert.equal(registrations.calls("a"), undefined);
});
