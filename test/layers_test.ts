/** Holds the import table of the architecture, and what follows from it for the start of a verb, against the source. */
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { importsOf } from "./support/imports.ts";
import { filesBelow } from "./support/tree.ts";

const leaves = ["errors", "log", "config", "clock", "budget", "random", "files", "network", "plain_text", "version"];

/** Who may import whom; leaves may be imported by all, and everybody may import within its own directory. */
const table: Record<string, string[]> = {
  cli: ["serve", "verbs", "admin", "simulator"],
  serve: ["watchers", "machine", "kube", "workdir", "templates", "hf"],
  watchers: ["machine", "kube", "workdir", "templates", "hf"],
  verbs: ["machine", "workdir", "templates", "hf"],
  admin: ["kube", "hf"],
  workdir: ["machine", "hf"],
  machine: ["templates", "hf"],
  kube: ["hf"],
  templates: ["hf"],
  hf: [],
  simulator: [],
};

/** Who may also import only types of whom: nothing of these is left at run time. */
const typesOnly: Record<string, string[]> = { simulator: ["kube"], machine: ["kube"] };

/** Packages that have their places; all others may be used wherever they help. The lock is SQLite's, its data is not. */
const homes: Record<string, string[]> = {
  "node:sqlite": ["src/events/", "src/workdir/store/lock.ts"],
};

/** What only the build or the tests use. */
const notForTheProduct = ["@kubernetes/client-node", "esbuild", "fast-check"];

const sources = new Map(filesBelow("src", ".ts").map((file) => [file, importsOf(file)]));

Deno.test("every module stands in a layer of the table, or is a leaf", () => {
  const strangers = [...sources.keys()].filter((file) => !(layerOf(file) in table) && !leaves.includes(layerOf(file)));
  assert.deepEqual(strangers, []);
});

Deno.test("modules import only what the table lets them", () => {
  const offences: string[] = [];
  for (const [file, imports] of sources) {
    for (const { specifier, typeOnly } of imports.filter(({ specifier }) => specifier.startsWith("."))) {
      const target = normalize(join(dirname(file), specifier));
      if (!target.startsWith("src/")) offences.push(`${file} imports ${target}, which is outside src`);
      else if (!allows(layerOf(file), layerOf(target), typeOnly)) {
        offences.push(`${file} (${layerOf(file)}) imports ${target} (${layerOf(target)})`);
      }
    }
  }
  assert.deepEqual(offences, []);
});

Deno.test("packages are imported only where they belong", () => {
  const offences: string[] = [];
  for (const [file, imports] of sources) {
    for (const { specifier } of imports.filter(({ specifier }) => !specifier.startsWith("."))) {
      const isAtHome = homes[specifier]?.some((home) => file.startsWith(home)) ?? true;
      if (!isAtHome || notForTheProduct.includes(specifier)) offences.push(`${file} imports ${specifier}`);
    }
  }
  assert.deepEqual(offences, []);
});

Deno.test("what the program loads at its start holds nothing that only the daemon needs", () => {
  const loaded = loadedWith("src/cli/run.ts");
  const layers = ["kube", "events", "metrics", "hooks", "watchers", "serve", "admin", "simulator"];
  assert.deepEqual([...loaded].filter((module) => layers.includes(layerOf(module))), []);
  for (const name of ["yaml", "prom-client", "node:sqlite"]) {
    assert.ok(!loaded.has(name), `'${name}' is loaded at the start; put it behind import()`);
  }
});

Deno.test("a verb never gets at Kubernetes or SQLite, however late", () => {
  for (const verb of [...sources.keys()].filter((file) => layerOf(file) === "verbs")) {
    const reached = [...loadedWith(verb, { evenLazily: true })];
    const offences = reached.filter((name) => layerOf(name) === "kube" || name in homes);
    assert.deepEqual(offences, [], verb);
  }
});

Deno.test("every way to import is seen", () => {
  const source = `
    import a, { type B } from "./value.ts";
    import { type C } from "./inline_type.ts";
    import type { D } from "./type.ts";
    import "./effect.ts";
    export { e } from "./exported.ts";
    export * from "./all.ts";
    export type { F } from "./exported_type.ts";
    type G = import("./in_type.ts").G;
    const lazy = await import("./lazy.ts");`;
  const seen = importsOf("src/sample.ts", source).map(({ specifier, typeOnly, lazy }) =>
    `${specifier}${typeOnly ? " type" : ""}${lazy ? " lazy" : ""}`
  );
  assert.deepEqual(seen, [
    "./value.ts",
    "./inline_type.ts type",
    "./type.ts type",
    "./effect.ts",
    "./exported.ts",
    "./all.ts",
    "./exported_type.ts type",
    "./in_type.ts type",
    "./lazy.ts lazy",
  ]);
});

Deno.test("the table itself is told apart: leaves, siblings, types", () => {
  assert.ok(allows("hf", "errors", false));
  assert.ok(!allows("errors", "hf", false));
  assert.ok(allows("kube", "kube", false));
  assert.ok(!allows("verbs", "kube", true));
  assert.ok(allows("simulator", "kube", true));
  assert.ok(!allows("simulator", "kube", false));
});

function allows(from: string, to: string, typeOnly: boolean): boolean {
  if (leaves.includes(to) || from === to) return true;
  return (table[from]?.includes(to) ?? false) || (typeOnly && (typesOnly[from]?.includes(to) ?? false));
}

/** `hf` for what lies in src/hf, the module's own name for a leaf. */
function layerOf(file: string): string {
  const [first = "", ...rest] = file.replace(/^src\//, "").split("/");
  return rest.length > 0 ? first : first.replace(/\.ts$/, "");
}

/** The modules and packages that are evaluated along with a module: all but types, and what stands behind `import()`. */
function loadedWith(entry: string, options: { evenLazily?: boolean } = {}, loaded = new Set([entry])): Set<string> {
  for (const { specifier, typeOnly, lazy } of sources.get(entry) ?? []) {
    const module = specifier.startsWith(".") ? normalize(join(dirname(entry), specifier)) : specifier;
    if (typeOnly || (lazy && !options.evenLazily) || loaded.has(module)) continue;
    loadedWith(module, options, loaded.add(module));
  }
  return loaded;
}
