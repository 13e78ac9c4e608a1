/**
 * A lint plugin that keeps the edges of the product where they belong: what comes from outside (time, randomness, files,
 * network, environment) and what goes out (standard output, the exit status) is touched in one file each, so that all the
 * rest runs unchanged in a simulation. Scripts and tests are exempt.
 */

interface Edge {
  /** Patterns on the dotted name as it stands in the source, without a leading `globalThis.`. */
  names: RegExp;
  /** The one file that may use them; none where nobody may. */
  home?: string;
  instead: string;
}

const fileCalls =
  "readTextFile readFile writeTextFile writeFile open create mkdir remove rename copyFile link symlink " +
  "readLink readDir lstat stat realPath truncate chmod chown utime makeTempDir makeTempFile";

const edges: Edge[] = [
  { names: /^console\./, instead: "write through src/cli/output.ts, or log" },
  {
    names: /^(Deno|process)\.(exit|exitCode)$/,
    home: "main.ts",
    instead: "return an exit code or throw a HostFactoryError",
  },
  { names: /^(Deno|process)\.env$/, home: "src/config.ts", instead: "take the value from the configuration" },
  {
    names: /^(Deno|process)\.stdout$/,
    home: "src/cli/output.ts",
    instead: "return the value; src/cli/output.ts prints",
  },
  { names: /^(Date|performance)\.now$/, home: "src/clock.ts", instead: "take `now` or a Clock" },
  {
    names: /^(Math\.random|crypto\.(randomUUID|getRandomValues))$/,
    home: "src/random.ts",
    instead: "take a Random",
  },
  {
    names: new RegExp(`^Deno\\.(watchFs|(${fileCalls.replaceAll(" ", "|")})(Sync)?)$`),
    home: "src/files.ts",
    instead: "take Files",
  },
  {
    names: /^(fetch|Deno\.createHttpClient)$/,
    home: "src/kube/network.ts",
    instead: "take the network from the wiring",
  },
];

/** What is imported whole and would go round the names above. */
const modules: { names: RegExp; home?: string; instead: string }[] = [
  { names: /^(node:)?fs(\/promises)?$/, home: "src/files.ts", instead: "take Files" },
  { names: /^(node:)?(process|console)$/, instead: "use what src/ has for it" },
  { names: /^(node:)?(http|https|http2)$/, home: "src/kube/network.ts", instead: "take the network from the wiring" },
];

const plugin: Deno.lint.Plugin = {
  name: "edges",
  rules: {
    "one-place": {
      create(context) {
        const file = placeOf(context.filename);
        if (file === undefined) return {};

        function check(rules: Edge[], name: string, node: Deno.lint.Node) {
          for (const rule of rules) {
            if (!rule.names.test(name) || rule.home === file) continue;
            const where = rule.home ? `Only ${rule.home} may use '${name}'` : `Nothing may use '${name}'`;
            context.report({ node, message: `${where}: ${rule.instead}` });
          }
        }

        return {
          MemberExpression(node) {
            const name = dottedName(node);
            if (name) check(edges, name, node);
          },
          // `const { env } = Deno` is the same as `Deno.env`.
          VariableDeclarator(node) {
            const from = node.init ? dottedName(node.init) : undefined;
            if (!from || node.id.type !== "ObjectPattern") return;
            for (const property of node.id.properties) {
              if (property.type !== "Property" || property.key.type !== "Identifier") continue;
              check(edges, `${from}.${property.key.name}`, property);
            }
          },
          CallExpression(node) {
            if (node.callee.type === "Identifier") check(edges, node.callee.name, node);
          },
          NewExpression(node) {
            const isDate = node.callee.type === "Identifier" && node.callee.name === "Date";
            if (isDate && node.arguments.length === 0) check(edges, "Date.now", node);
          },
          ImportDeclaration(node) {
            if (node.importKind !== "type") check(modules, node.source.value, node);
          },
        };
      },
    },
  },
};
export default plugin;

/** The path from the top of the checkout for what the rules hold for, nothing for the rest. */
function placeOf(filename: string): string | undefined {
  const root = new URL("../../", import.meta.url).pathname;
  if (!filename.startsWith(root)) return undefined;
  const file = filename.slice(root.length);
  return file === "main.ts" || file.startsWith("src/") ? file : undefined;
}

/** `Deno.env` for the expression `Deno.env` and for `globalThis.Deno.env`; nothing for what is computed. */
function dottedName(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression" || node.computed) return undefined;
  const object = dottedName(node.object);
  const property = node.property.type === "Identifier" ? node.property.name : undefined;
  if (!object || !property) return undefined;
  return object === "globalThis" ? property : `${object}.${property}`;
}
