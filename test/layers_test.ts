/** Holds the import table of the architecture, and what follows from it for the start of a verb, against the source. */
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { importsOf } from "./support/imports.ts";
import { leaves, mayImport, mayImportTypes } from "./support/layers.ts";
import { filesBelow, root } from "./support/tree.ts";

/** Packages that have their places; all others may be used wherever they help. Locks and events are SQLite's, all other data is not. */
const homes: Record<string, string[]> = {
  "node:sqlite": [
    "src/workdir/store/lock.ts",
    "src/events/database.ts",
    "src/events/database_copy.ts",
    "src/events/frozen_events.ts",
    "src/events/stored_events.ts",
    "src/transform/sqlite_target.ts",
  ],
};

/** What only the build or the tests use. */
const notForTheProduct = ["@kubernetes/client-node", "axe-core", "esbuild", "fast-check", "playwright-core"];

/** Files that the build puts something else in the place of: from source, they make that themselves. */
const madeByTheBuild = ["src/page/built_page.ts"];

const sources = new Map(filesBelow("src", ".ts").map((file) => [file, importsOf(file)]));

Deno.test("every module stands in a layer of the table, or is a leaf", () => {
  const strangers = [...sources.keys()].filter((file) =>
    !(layerOf(file) in mayImport) && !leaves.includes(layerOf(file))
  );
  assert.deepEqual(strangers, []);
});

Deno.test("modules import only what the table lets them", () => {
  const offences: string[] = [];
  for (const [file, imports] of sources) {
    if (madeByTheBuild.includes(file)) continue;
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

Deno.test("no file imports itself by way of others, not even types", () => {
  const arrows = new Map([...sources.keys()].map((file) => [file, new Set(targetsOf(file))]));
  assert.deepEqual(circles(arrows), []);
});

Deno.test("no folder within a layer imports itself by way of others", () => {
  const arrows = new Map<string, Set<string>>();
  for (const file of sources.keys()) {
    const from = dirname(file);
    const targets = targetsOf(file).map(dirname).filter((to) => to !== from && layerOf(`${to}/`) === layerOf(file));
    arrows.set(from, new Set([...arrows.get(from) ?? [], ...targets.filter((to) => !isAround(from, to))]));
  }
  assert.deepEqual(circles(arrows), []);
});

Deno.test("every layer of the table exists, and says nothing that is not so", () => {
  const layers = new Set([...sources.keys()].map(layerOf));
  assert.deepEqual(Object.keys(mayImport).filter((layer) => !layers.has(layer)), []);
  assert.deepEqual(leaves.filter((leaf) => !layers.has(leaf)), []);
  const used = new Set<string>();
  for (const file of sources.keys()) for (const to of targetsOf(file)) used.add(`${layerOf(file)} ${layerOf(to)}`);
  const unused = Object.entries(mayImport).flatMap(([from, to]) => to.map((one) => `${from} ${one}`))
    .filter((arrow) => !used.has(arrow));
  assert.deepEqual(unused, []);
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
  const layers = ["kube", "watchers", "serve", "metrics", "lint", "admin", "simulator"];
  assert.deepEqual([...loaded].filter((module) => layers.includes(layerOf(module))), []);
  for (const name of ["ajv", "aws4fetch", "commander", "pg", "prom-client", "yaml", "node:sqlite"]) {
    assert.ok(!loaded.has(name), `'${name}' is loaded at the start; put it behind import()`);
  }
});

Deno.test("before the version is told, nothing is loaded but what tells it", () => {
  const source = Deno.readTextFileSync(`${root}main.ts`);
  const loaded = importsOf("main.ts", source).filter(({ lazy }) => !lazy).map(({ specifier }) => specifier);
  assert.deepEqual(loaded, ["./src/cli/output.ts", "./src/version.ts"]);
  for (const file of loaded) assert.ok(loadedWith(normalize(file)).size <= 3, file);
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

/** The files of ours that a file imports. */
function targetsOf(file: string): string[] {
  return sources.get(file)?.map(({ specifier }) => specifier).filter((specifier) => specifier.startsWith("."))
    .map((specifier) => normalize(join(dirname(file), specifier))) ?? [];
}

/** True if one folder lies in the other. */
function isAround(one: string, other: string): boolean {
  return one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/** What lies on a circle: what is left once all is taken away that nothing leads into or out of. */
function circles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const left = new Map([...arrows].map(([from, to]) => [from, new Set([...to].filter((one) => arrows.has(one)))]));
  for (let before = -1; before !== left.size;) {
    before = left.size;
    const reached = new Set([...left.values()].flatMap((to) => [...to]));
    for (const [from, to] of left) {
      if (to.size > 0 && reached.has(from)) continue;
      left.delete(from);
      for (const others of left.values()) others.delete(from);
    }
  }
  return [...left.keys()];
}

function allows(from: string, to: string, typeOnly: boolean): boolean {
  if (leaves.includes(to) || from === to) return true;
  return (mayImport[from]?.includes(to) ?? false) || (typeOnly && (mayImportTypes[from]?.includes(to) ?? false));
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
