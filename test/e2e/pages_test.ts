/** What pages for users say of the executable, held to the executable itself. */
import assert from "node:assert/strict";
import { siteTest } from "../support/e2e.ts";
import { runToEnd } from "../support/process.ts";
import type { Site } from "../support/site.ts";
import { filesBelow, readFromTree } from "../support/tree.ts";

const pages = ["README.md", "CONTRIBUTING.md", ...filesBelow("docs", ".md")];

/** What a command says of itself, as one line. */
async function help(site: Site, ...command: string[]): Promise<string> {
  const { HOSTFACTORY_BIN: program = "", PATH = "" } = site.environment;
  const args = [...command, "--help"];
  const { code, stdout } = await runToEnd({ program, args, environment: { PATH }, directory: site.directory });
  assert.equal(code, 0, command.join(" "));
  return stdout.replace(/\s+/g, " ");
}

siteTest("the defaults of serve in the README are those of the executable", async (site) => {
  const said = await help(site, "serve");
  const defaults = Array.from(said.matchAll(/ (--[a-z-]+) <[^>]+>(?:(?! --).)*?\(default: "?([\d.]+)"?/g));
  assert.ok(defaults.length >= 5, said);
  const rows = new Map(
    readFromTree("README.md").split("\n").filter((line) => line.startsWith("| `--")).map((line) => {
      const [, option = "", ...cells] = line.split("|").map((cell) => cell.trim());
      return [option.replaceAll("`", ""), (cells.at(-2) ?? "").replaceAll(",", "")];
    }),
  );
  for (const [, option = "", value = ""] of defaults) {
    if (option === "--server-timeout-seconds") continue; // 0 stands for as long as a watch is believed.
    assert.match(rows.get(option) ?? "", new RegExp(`^${value}\\b`), option);
  }
});

siteTest("every command that a page names is one of the executable", async (site) => {
  const named = new Set<string>();
  for (const page of pages) {
    for (const [, command = ""] of readFromTree(page).matchAll(/`(?:\S*\/)?hostfactory ((?:watch )?[a-z][a-z-]+)\b/g)) {
      named.add(command);
    }
  }
  assert.ok(named.has("serve") && named.has("watch nodes"), [...named].join(", "));
  const [all, watchers] = [await help(site), await help(site, "watch")];
  for (const command of named) {
    const [first = "", second] = command.split(" ");
    assert.ok(all.includes(` ${first} `), command);
    if (second !== undefined) assert.ok(watchers.includes(` ${second} `), command);
  }
});

siteTest("the executable needs no newer glibc than the page on installing says", async (site) => {
  const [, major = "", minor = ""] = /glibc (\d+)\.(\d+) or later/.exec(readFromTree("docs/install.md")) ?? [];
  const bytes = await Deno.readFile(site.environment.HOSTFACTORY_BIN ?? "");
  const needed = new Set<number>();
  const text = new TextDecoder("latin1").decode(bytes);
  for (const [, version = ""] of text.matchAll(/\0GLIBC_(\d+\.\d+)(?:\.\d+)?(?=\0)/g)) {
    const [one = "", two = ""] = version.split(".");
    needed.add(Number(one) * 1000 + Number(two));
  }
  assert.ok(needed.size > 3, "versions of glibc are found in the executable");
  assert.ok(Math.max(...needed) <= Number(major) * 1000 + Number(minor), [...needed].join(", "));
});
