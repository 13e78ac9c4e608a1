import assert from "node:assert/strict";
import { readRegisteredFiles, registeredFilesMark } from "../../src/extensions/registered_files.ts";
import { MemoryFiles, notPermitted } from "../support/memory_files.ts";

const DIRECTORY = "/conf/extensions.d";

function registration(name: string): string {
  return `name: ${name}\nhooks: { lint: "https://a/" }\n`;
}

function directory(files: Record<string, string>): MemoryFiles {
  const memory = new MemoryFiles();
  memory.makeDirectory(DIRECTORY);
  for (const [name, text] of Object.entries(files)) memory.writeText(`${DIRECTORY}/${name}`, text);
  return memory;
}

async function read(files: MemoryFiles) {
  const { registrations, problems } = await readRegisteredFiles(files, "/conf");
  return {
    used: registrations.flatMap(({ extension }) => extension?.name ?? []),
    said: [...problems, ...registrations.flatMap((one) => one.problems)].map(({ message }) => message),
  };
}

Deno.test("where there is no directory there are no extensions", async () => {
  assert.deepEqual(await read(new MemoryFiles()), { used: [], said: [] });
});

Deno.test("YAML and JSON are read; hidden files, other files and directories are not", async () => {
  const files = directory({
    "b.yaml": registration("b"),
    "a.yml": registration("a"),
    "c.json": JSON.stringify({ name: "c", hooks: { lint: "https://a/" } }),
    ".d.yaml": registration("d"),
    "e.yaml~": registration("e"),
    "f.txt": registration("f"),
  });
  files.makeDirectory(`${DIRECTORY}/credentials.yaml`);
  assert.deepEqual(await read(files), { used: ["a", "b", "c"], said: [] });
});

Deno.test("links are followed, as those of a mounted ConfigMap", async () => {
  const files = directory({});
  files.makeDirectory(`${DIRECTORY}/..2026`);
  files.writeText(`${DIRECTORY}/..2026/a.yaml`, registration("a"));
  files.symlink("..2026", `${DIRECTORY}/..data`);
  files.symlink("..data/a.yaml", `${DIRECTORY}/a.yaml`);
  assert.deepEqual(await read(files), { used: ["a"], said: [] });
});

Deno.test("a file that cannot be read stops itself alone", async () => {
  const files = directory({ "a.yaml": registration("a"), "b.yaml": "x: [", "c.yaml": `# ${"c".repeat(300_000)}` });
  files.symlink("nowhere", `${DIRECTORY}/d.yaml`);
  const { used, said } = await read(files);
  assert.deepEqual(used, ["a"]);
  const shown =
    /'\/conf\/extensions.d\/(\w)\.yaml' as the registration of an extension: (It is \d+|it does not exist)?/;
  assert.deepEqual(said.map((text) => shown.exec(text)?.slice(1)), [
    ["b", undefined],
    ["c", "It is 300002"],
    ["d", "it does not exist"],
  ]);
});

Deno.test("of two files with one name neither is used, and both are named", async () => {
  const { used, said } = await read(directory({
    "a.yaml": registration("same"),
    "b.yaml": registration("same"),
    "c.yaml": `${registration("same")}bogus: 1`,
    "d.yaml": registration("d"),
  }));
  assert.deepEqual(used, ["d"]);
  assert.equal(said.filter((text) => /a\.yaml' and .*b\.yaml' and .*c\.yaml' register it/.test(text)).length, 3);
});

Deno.test("more files than anyone has are not read", async () => {
  const names = Array.from({ length: 1_001 }, (_, i) => `e${String(i).padStart(4, "0")}`);
  const { used, said } = await read(
    directory(Object.fromEntries(names.map((name) => [`${name}.yaml`, registration(name)]))),
  );
  assert.deepEqual(used, names.slice(0, 1_000));
  assert.match(said[0]!, /holds 1001 registrations, and 1000 are read/);
});

Deno.test("a directory that cannot be listed is no empty one", async () => {
  const files = directory({ "a.yaml": registration("a") });
  files.failWhere(({ name }) => name === "list", notPermitted());
  await assert.rejects(() => read(files));
});

Deno.test("the mark changes with every change of a file, and with nothing else", () => {
  const files = directory({ "a.yaml": registration("a") });
  const marks = [registeredFilesMark(files, "/conf")];
  const changes = [
    () => files.writeText(`${DIRECTORY}/b.yaml`, ""),
    () => files.touch(`${DIRECTORY}/a.yaml`, 5),
    () => files.chmod(`${DIRECTORY}/a.yaml`, 0o600),
    () => files.rename(`${DIRECTORY}/b.yaml`, `${DIRECTORY}/a.yaml`),
    () => files.remove(`${DIRECTORY}/a.yaml`),
  ];
  for (const change of changes) {
    change();
    marks.push(registeredFilesMark(files, "/conf"));
  }
  assert.equal(new Set(marks).size, marks.length);
  files.writeText(`${DIRECTORY}/other.txt`, "");
  assert.equal(registeredFilesMark(files, "/conf"), marks.at(-1));
});
