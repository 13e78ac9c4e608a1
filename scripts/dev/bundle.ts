/**
 * Bundles a program, such as main.ts, into a directory of plain JavaScript modules, which `deno compile` then embeds:
 * embedding node_modules instead would cost every verb 60 ms and 85 MB. What stands behind `import()` in the source stays a file of its own that
 * is read only when it is called for.
 *
 * usage: deno run --allow-all scripts/dev/bundle.ts ENTRY DIRECTORY COMMIT
 */
import { isBuiltin } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import config from "../../deno.json" with { type: "json" };
import { buildPage } from "./page.ts";

const [entry, directory, commit] = Deno.args;
if (!entry || !directory || !commit) throw new Error("usage: bundle.ts ENTRY DIRECTORY COMMIT");

/** Deno knows `node:url`, not the bare `url` that packages write. */
const nodeBuiltins: esbuild.Plugin = {
  name: "node-builtins",
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      const name = path.startsWith("node:") ? path : `node:${path}`;
      return kind === "require-call" ? { path: name, namespace: "required" } : { path: name, external: true };
    });
    // Where a CommonJS package requires one, it is imported: a `require` to call would have to be made in every file.
    build.onLoad({ filter: /./, namespace: "required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(`default of ${path}`)}).default;`,
    }));
    build.onResolve({ filter: /^default of / }, ({ path }) => ({ path, namespace: "imported" }));
    build.onLoad({ filter: /./, namespace: "imported" }, ({ path }) => ({
      contents: `export { default } from ${JSON.stringify(path.replace("default of ", ""))};`,
    }));
  },
};

/**
 * `await import("yaml")` gives the same names as when run from source. Left alone, a CommonJS package would arrive as one
 * `default` export.
 */
const lazyPackages: esbuild.Plugin = {
  name: "lazy-packages",
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind, importer, resolveDir }) => {
      if (kind !== "dynamic-import" || importer.includes("/node_modules/") || isBuiltin(path)) return undefined;
      return { path, namespace: "lazy-packages", pluginData: resolveDir };
    });
    build.onLoad({ filter: /./, namespace: "lazy-packages" }, async ({ path, pluginData: resolveDir }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== "module.exports");
      return { contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`, resolveDir };
    });
  },
};

/** In the place of what builds the page when it is asked for stands the page. */
const page: esbuild.Plugin = {
  name: "page",
  setup(build) {
    build.onLoad({ filter: /\/src\/page\/built_page\.ts$/ }, async () => ({
      contents: `export const page = ${JSON.stringify(await buildPage())};`,
    }));
  },
};

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** All that the provider verbs run, with what it imports: Symphony waits for these. */
const VERBS = "./src/cli/run.ts";

/**
 * All that verbs need in one file. What the same of the files behind `import()` need, esbuild puts into a file of its own: if
 * each of them is given all that verbs need, that is one file and not thirty, which a verb would have to find and read.
 */
const verbsTogether: esbuild.Plugin = {
  name: "verbs-together",
  setup(build) {
    build.onResolve({ filter: /^\./ }, ({ path, kind, importer, resolveDir }) => {
      if (kind !== "dynamic-import" || importer.includes("/node_modules/")) return undefined;
      return { path: resolve(resolveDir, path), namespace: "with-verbs" };
    });
    build.onLoad({ filter: /./, namespace: "with-verbs" }, ({ path }) => ({
      contents: `import ${JSON.stringify(VERBS)};\nexport * from ${JSON.stringify(path)};`,
      resolveDir: root,
    }));
  },
};

const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { [basename(entry, ".ts")]: resolve(entry) },
  outdir: resolve(directory),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "esnext",
  // The runtime copies all that is embedded before it starts. Names stay, so that stack traces can be read.
  minifyWhitespace: true,
  legalComments: "inline",
  define: {
    HOSTFACTORY_VERSION: JSON.stringify(config.version),
    HOSTFACTORY_COMMIT: JSON.stringify(commit),
  },
  // What `pg` would use elsewhere.
  external: ["pg-native", "cloudflare:sockets"],
  plugins: [nodeBuiltins, lazyPackages, verbsTogether, page],
  metafile: true,
  logLevel: "warning",
});
await esbuild.stop();

for (const [path, { bytes }] of Object.entries(result.metafile.outputs)) {
  console.error(`${String(bytes).padStart(9)}  ${path}`);
}
