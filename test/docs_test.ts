/** Holds README and docs to the source: what they name exists, and what exists is named where readers look for it. */
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { type Declaration, METRICS, OBJECT_METRICS } from "../src/metrics/declared.ts";
import { FAILURE_KINDS } from "../src/machine/failure_kind.ts";
import { defaultStages } from "../src/simulator/behaviour/default_stages.ts";
import { Layout, RequestFile } from "../src/workdir/store/layout.ts";
import { importsOf } from "./support/imports.ts";
import { mayImport, mayImportTypes } from "./support/layers.ts";
import { filesBelow, readFromTree, root } from "./support/tree.ts";

const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...filesBelow("docs", ".md")];
const sources = filesBelow("src", ".ts");
const config = JSON.parse(readFromTree("deno.json"));

/** What no engineer who grew up with English writes; a page that quotes one as a bad example names it in the glossary. */
const foreignWords = [
  "nobody",
  "anybody",
  "anew",
  "whoever",
  "where it",
  "where there is",
  "where that",
  "as it is",
  "who reads it",
  "let it at",
  "come to its end",
  "long past",
  "but for its",
];

Deno.test("the README has at most 150 lines", () => {
  assert.ok(linesOf("README.md").length <= 150, `it has ${linesOf("README.md").length}; move something to docs/`);
});

Deno.test("every page in docs is one link away from the README", () => {
  const linked = linksOf("README.md").map(({ path }) => path);
  assert.deepEqual(pages.filter((page) => page.startsWith("docs/") && !linked.includes(page)), []);
});

Deno.test("every relative link leads to a file, and to a heading of it", () => {
  const broken: string[] = [];
  for (const page of pages) {
    for (const { link, path, anchor } of linksOf(page)) {
      const leadsSomewhere = exists(path) && (anchor === "" || headingsOf(path).includes(anchor));
      if (!leadsSomewhere) broken.push(`${page}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

Deno.test("every file and folder of the tree that a page names exists", () => {
  const missing: string[] = [];
  for (const page of pages) {
    const named = readFromTree(page).matchAll(/(?<![\w./-])(?:src|test|scripts|docs|\.ci)\/[\w./-]*\w/g);
    for (const [path] of named) if (!exists(path)) missing.push(`${page}: ${path}`);
  }
  assert.deepEqual(missing, []);
});

Deno.test("every task that a page names is in deno.json, and the gate's and the user's are named", () => {
  const named = new Set<string>();
  for (const page of pages) {
    for (const [, task = ""] of readFromTree(page).matchAll(/deno task ([a-z:]+)/g)) {
      assert.ok(task in config.tasks, `${page} names '${task}'`);
      named.add(task);
    }
  }
  for (const task of ["demo", "test", "check", "ok"]) assert.ok(named.has(task), task);
});

Deno.test("every global option, and every option of serve, is in a table of the README", () => {
  const documented = optionsIn(linesOf("README.md").filter((line) => line.startsWith("|")).join("\n"));
  const { globals, serve } = optionsOfTheSource();
  assert.ok(globals.length >= 9 && serve.length >= 10, "the options are found in the source");
  assert.deepEqual([...globals, ...serve].filter((option) => !documented.has(option)), []);
});

Deno.test("every option of the command line is on some page, and every option in the README's tables exists", () => {
  const { all } = optionsOfTheSource();
  const documented = new Set(pages.flatMap((page) => [...optionsIn(readFromTree(page))]));
  const internal = ["--allow-all"]; // How the demo starts itself from source.
  assert.deepEqual([...all].filter((option) => !documented.has(option) && !internal.includes(option)), []);
  const tables = optionsIn(linesOf("README.md").filter((line) => line.startsWith("|")).join("\n"));
  assert.deepEqual([...tables].filter((option) => !all.has(option)), []);
});

Deno.test("every variable that the program reads is on a page, and every one on a page is read", () => {
  const read = variablesIn(sources, /"((?:HF_|KUBECONFIG)[A-Z0-9_]*)"|environment\.(KUBECONFIG)/g);
  const documented = variablesIn(pages, /\b(HF_[A-Z0-9_]*[A-Z0-9]|KUBECONFIG)\b(?!\*)/g);
  assert.ok(read.has("HF_K8S_WORKDIR") && read.has("KUBECONFIG"), "variables are found in the source");
  assert.deepEqual([...read].filter((name) => !documented.has(name)), []);
  const elsewhere = new Set(["HF_TEST_KUBECONFIG", "HF_TEST_CHROMIUM"]);
  assert.deepEqual([...documented].filter((name) => !read.has(name) && !elsewhere.has(name)), []);
});

Deno.test("every path of the work directory is described", () => {
  const page = readFromTree("docs/work-directory.md");
  const paths = [...pathsOfTheLayout(), ...Object.values(RequestFile).map((file) => `requests/NAME/${file}`)];
  assert.ok(paths.includes("views/NAME.json") && paths.includes("identity.json"), "paths are found in the layout");
  assert.deepEqual(paths.filter((path) => !asPlaceholder(path).test(page)), []);
});

Deno.test("every state of a machine is described", async () => {
  const { MACHINE_STATES } = await import("../src/hf/status.ts");
  const page = readFromTree("docs/work-directory.md");
  assert.deepEqual(MACHINE_STATES.filter((state) => !page.includes(`| \`${state}\` `)), []);
});

Deno.test("the import table of the architecture is the one that the source is held to", () => {
  const rows = tableBelow("docs/architecture.md", "Who may import whom");
  const list = (cell = "") => cell.split(",").map((name) => name.trim()).filter(Boolean);
  const shown = rows.map(([folder, imports, types]) => [folder, list(imports), list(types)]);
  const held = Object.entries(mayImport).map(([folder, imports]) => [folder, imports, mayImportTypes[folder] ?? []]);
  assert.deepEqual(shown, held);
});

Deno.test("the architecture's table of folders has every folder of the source", () => {
  const named = new Set(
    tableBelow("docs/architecture.md", "Folders").map(([folder = ""]) => folder.replaceAll("`", "")),
  );
  const folders = new Set(sources.map(dirname).filter((folder) => folder !== "src"));
  const together = ["src/watchers", "src/simulator"]; // Of the first only its folders are described, of the second only the whole.
  const isNamed = (folder: string) => named.has(folder) || folder === together[0] || dirname(folder) === together[1];
  assert.deepEqual([...folders].filter((folder) => !isNamed(folder)), []);
  assert.deepEqual([...named].filter((folder) => !exists(folder)), []);
});

Deno.test("sixteen invariants stand in the architecture, each with the files that keep it and tests", () => {
  const [, ...parts] = readFromTree("docs/architecture.md").split(/\n\*\*(?=\d+\. )/);
  const incomplete = parts.map((part) => part.split("\n## ")[0] ?? "").filter((part) =>
    !/\n- Kept in[^]*`src\/[^]*\n- Tests:[^]*`test\//.test(part)
  );
  assert.deepEqual(incomplete, []);
  assert.deepEqual(parts.map((part) => Number.parseInt(part)), Array.from({ length: 16 }, (_, i) => i + 1));
});

Deno.test("every fault and stage of the simulator, and every call that controls it, is described", () => {
  const page = readFromTree("docs/simulator.md");
  const faults = [...readFromTree("src/simulator/faults/faults.ts").matchAll(/v\.literal\("([a-z-]+)"\)/g)];
  const calls = readFromTree("src/simulator/api/control.ts").matchAll(
    /^ \*  +(GET|PUT|POST|DELETE) +(\/simulator[\w/-]*)/gm,
  );
  const wanted = [
    ...faults.map(([, name]) => `| \`${name}\` `),
    ...defaultStages.map(({ name }) => `\`${name}\``),
    ...Array.from(calls, ([, method, path]) => `\`${method} ${path}`),
  ];
  assert.ok(wanted.length > 40, "faults, stages and calls are found in the source");
  assert.deepEqual(wanted.filter((text) => !page.includes(text)), []);
});

Deno.test("every key of the stats line is described", () => {
  const [, line = ""] = /log\.info\("\w+", \{([^]*?)\}\);/.exec(readFromTree("src/serve/stats_line.ts")) ?? [];
  const keys = Array.from(line.matchAll(/^\s*(\w+):/gm), ([, key = ""]) => key);
  for (const file of sources) {
    const [, counts = ""] = /get counts\(\): \{([^}]*)\}/.exec(readFromTree(file)) ?? [];
    keys.push(...Array.from(counts.matchAll(/(\w+):/g), ([, key = ""]) => key));
  }
  const page = readFromTree("docs/operate.md");
  assert.ok(keys.includes("rssMiB") && keys.includes("setAside"), `keys are found in the source: ${keys}`);
  assert.deepEqual(keys.filter((key) => !page.includes(`| \`${key}\``)), []);
});

Deno.test("the tables of metrics are the declaration", () => {
  const shown = (heading: string) => tableBelow("docs/metrics.md", heading);
  const declared = (metrics: Record<string, Declaration>) =>
    Object.entries(metrics).map(([name, { type, labels = {}, help }]) => [
      `\`${name}\``,
      type,
      Object.entries(labels).map(([label, values]) => `\`${label}\`${values === "open" ? " …" : ""}`).join(", "),
      help,
    ]);
  assert.deepEqual(shown("The metrics"), declared(METRICS));
  assert.deepEqual(shown("One series for each pod and node"), declared(OBJECT_METRICS));
  const page = readFromTree("docs/metrics.md");
  assert.deepEqual(FAILURE_KINDS.filter((kind) => !page.includes(`| \`${kind}\` `)), []);
});

Deno.test("the NOTICE names every package that the source imports, with the version that is pinned", () => {
  const notice = readFromTree("NOTICE");
  const packages = new Set(
    sources.flatMap((file) =>
      importsOf(file).filter(({ typeOnly }) => !typeOnly).map(({ specifier }) => specifier)
        .filter((specifier) => specifier in config.imports)
    ),
  );
  assert.ok(packages.has("commander"), "packages are found in the source");
  const pinned = [...packages].map((name) => config.imports[name].replace(/^npm:(.+)@/, "$1 "));
  assert.deepEqual(pinned.filter((text) => !notice.includes(`  ${text} `)), []);
});

Deno.test("the changelog has the version of deno.json, and room for what comes next", () => {
  const versions = Array.from(readFromTree("CHANGELOG.md").matchAll(/^## \[(.+?)\]/gm), ([, version]) => version);
  assert.deepEqual(versions.slice(0, 2), ["Unreleased", config.version]);
});

Deno.test("pages are written in plain English", () => {
  const found: string[] = [];
  for (const page of pages) {
    for (const [i, line] of linesOf(page).entries()) {
      const words = foreignWords.filter((words) => new RegExp(`\\b${words}\\b`, "i").test(line));
      if (words.length > 0) found.push(`${page}:${i + 1}: ${words.join(", ")}`);
    }
  }
  assert.deepEqual(found, []);
});

function linesOf(page: string): string[] {
  return readFromTree(page).trimEnd().split("\n");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(root + path);
    return true;
  } catch {
    return false;
  }
}

interface Link {
  /** As the page has it. */
  link: string;
  /** From the top of the checkout. */
  path: string;
  anchor: string;
}

/** The links of a page that lead to somewhere in the tree. */
function linksOf(page: string): Link[] {
  const text = readFromTree(page);
  const inline = text.matchAll(/\]\(([^)\s]+)\)/g);
  const defined = text.matchAll(/^\[[^\]]+\]: (\S+)/gm);
  return [...inline, ...defined].map(([, link = ""]) => link).filter((link) => !/^[a-z]+:/.test(link)).map((link) => {
    const [file = "", anchor = ""] = link.split("#");
    return { link, path: file === "" ? page : normalize(join(dirname(page), file)), anchor };
  });
}

/** The anchors that a page's headings can be linked by. */
function headingsOf(page: string): string[] {
  return Array.from(
    readFromTree(page).matchAll(/^#+ (.+)$/gm),
    ([, title = ""]) => title.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-"),
  );
}

function optionsIn(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(/`?(--[a-z][a-z-]*[a-z])/g), ([, option = ""]) => option));
}

/** The options of the command line, as the source declares them. */
function optionsOfTheSource(): { globals: string[]; serve: string[]; all: Set<string> } {
  const kebab = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const [, known = ""] = /interface GlobalOptions \{([^]*?)\n\}/.exec(readFromTree("src/config.ts")) ?? [];
  const globals = Array.from(known.matchAll(/^ {2}(\w+)\??:/gm), ([, name = ""]) => kebab(name));
  const [, ofServe = ""] = /interface Options \{([^]*?)\n\}/.exec(readFromTree("src/cli/serve.ts")) ?? [];
  const serve = Array.from(ofServe.matchAll(/^ {2}(\w+)\??:/gm), ([, name = ""]) => kebab(name));
  const all = new Set<string>();
  for (const file of sources.filter((file) => file.startsWith("src/cli/"))) {
    for (const [, option = ""] of readFromTree(file).matchAll(/"(?:-\w, )?(--[a-z-]+)(?: <[^"]*)?"/g)) all.add(option);
  }
  return { globals, serve: [...serve, "--kubeconfig", "--namespace", "--accept-cluster", "--accept-instance"], all };
}

function variablesIn(files: string[], pattern: RegExp): Set<string> {
  return new Set(
    files.flatMap((file) => Array.from(readFromTree(file).matchAll(pattern), (match) => match[1] ?? match[2] ?? "")),
  );
}

/** Every path that the layout can give, below the work directory, with NAME for each name in it. */
function pathsOfTheLayout(): string[] {
  const layout = new Layout("/work");
  const values = Object.entries(Object.getOwnPropertyDescriptors(Layout.prototype)).flatMap(
    ([name, { get, value }]) => {
      if (get) return get.call(layout);
      return name === "constructor" ? [] : value.call(layout, "NAME", "NAME");
    },
  );
  return [...new Set(values.map((path: string) => path.replace("/work/", "")))];
}

/** Matches a path in a page that has a placeholder in capital letters for each name. */
function asPlaceholder(path: string): RegExp {
  const pattern = path.replaceAll(".", "\\.").replaceAll("NAME", "[A-Z]+");
  return new RegExp(`\`${pattern}(/|\`)|\`[^\`]*\\b${pattern}\``);
}

/** The cells of the first table below a heading, without its head. */
function tableBelow(page: string, heading: string): string[][] {
  const [, text = ""] = readFromTree(page).split(`\n## ${heading}\n`);
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const rest = lines.slice(first);
  const last = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(2, last).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}
