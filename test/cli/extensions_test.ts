/** `hostfactory extensions` as a process: what it prints, and its exit status. */
import assert from "node:assert/strict";
import { root } from "../support/tree.ts";

const good = `name: second\nafter: [first]\nhooks: { pre-create: "https://a/" }\n`;
const first = `name: first\npriority: 7\nhooks: { pre-create: "https://a/" }\n`;

async function run(args: string[], files: Record<string, string>) {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${directory}/extensions.d`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${directory}/extensions.d/${name}`, text);
    }
    const home = { HOME: Deno.env.get("HOME") ?? directory, DENO_DIR: Deno.env.get("DENO_DIR") ?? "" };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-check",
        "--allow-all",
        `--config=${root}deno.json`,
        `${root}main.ts`,
        "extensions",
        ...args,
      ],
      clearEnv: true,
      env: { ...home, HF_K8S_PROVIDER_CONFDIR: directory, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout).replaceAll(directory, "CONF"),
      stderr: decoder.decode(stderr).replaceAll(directory, "CONF"),
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("list shows every registration, and that only files were looked at", async () => {
  const { code, stdout, stderr } = await run(["list"], { "a.yaml": good, "b.yaml": first });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.split("\n").map((line) => line.replace(/ +/g, " ")), [
    "NAME STATE CATEGORY HOOKS PRIORITY POLICY SOURCE",
    "second accepted - pre-create 0 fail CONF/extensions.d/a.yaml",
    "first accepted - pre-create 7 fail CONF/extensions.d/b.yaml",
    "",
  ]);
  assert.match(stderr, /Only files were looked at: --server/);
});

Deno.test("list fails if something is broken, and says what below the extension", async () => {
  const { code, stdout } = await run(["list"], { "a.yaml": `${good}bogus: 1`, "b.yaml": first });
  assert.equal(code, 1);
  assert.match(stdout, /\nsecond +broken .*\n {2}error: .*bogus is not known.*\nfirst/);
  const json = await run(["list", "--output", "json"], { "a.yaml": `${good}bogus: 1` });
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.stdout).extensions[0].verdict, "broken");
  assert.equal(JSON.parse(json.stdout).areResourcesListed, false);
});

Deno.test("order shows one name a line with what it comes after", async () => {
  const { code, stdout } = await run(["order"], { "a.yaml": good, "b.yaml": first });
  assert.equal(code, 0);
  assert.equal(stdout, "first   priority 7\nsecond  after first; priority 0\n");
});

Deno.test("order fails on a loop, and shows it", async () => {
  const { code, stderr } = await run(["order"], { "a.yaml": good, "b.yaml": `${first}after: [second]` });
  assert.equal(code, 1);
  assert.match(stderr, /first → second → first/);
});

Deno.test("what is no command or format is a wrong command line", async () => {
  assert.equal((await run([], {})).code, 2);
  assert.equal((await run(["list", "--output", "xml"], {})).code, 2);
});
