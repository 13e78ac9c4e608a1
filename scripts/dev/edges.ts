/**
 * A lint plugin that keeps the edges of the product where they belong: what comes from outside (time, randomness, files,
 * network, environment) and what goes out (standard output, the exit status) is touched in one file each, so that all the
 * rest runs unchanged in a simulation. Scripts and tests are exempt.
 */

interface Edge {
  /** The name as it stands in the source, without a leading `globalThis.`. */
  names: RegExp;
  /** The one file that may use it; none if no one may. */
  home?: string;
  instead: string;
}

const fileCalls =
  "readTextFile|readFile|writeTextFile|writeFile|open|create|mkdir|remove|rename|copyFile|link|symlink|" +
  "readLink|readDir|lstat|stat|realPath|truncate|chmod|chown|utime|makeTempDir|makeTempFile";

const globals: Edge[] = [
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
    names: new RegExp(`^Deno\\.(watchFs|(${fileCalls})(Sync)?)$`),
    home: "src/files.ts",
    instead: "take Files",
  },
  {
    names: /^(Deno\.(chdir|uid|gid)|process\.(sete?[ug]id|gete?[ug]id|chdir))$/,
    home: "src/files.ts",
    instead: "take Files, which knows whom it acts as",
  },
  {
    names: /^AbortSignal\.(any|timeout)$/,
    instead: "listen to the signal and stop listening: a signal that lives long remembers for ever what came of it",
  },
  {
    names: /^(fetch|Deno\.createHttpClient)$/,
    home: "src/kube/transport/network.ts",
    instead: "take the network from the wiring",
  },
];

/** What would lead round the names above. */
const modules: Edge[] = [
  { names: /^(node:)?fs(\/promises)?$/, home: "src/files.ts", instead: "take Files" },
  { names: /^(node:)?console$/, instead: "use what src/ has for it" },
  { names: /^(node:)?process$/, home: "src/files.ts", instead: "use what src/ has for it" },
  {
    names: /^(node:)?(http|https|http2)$/,
    home: "src/kube/transport/network.ts",
    instead: "take the network from the wiring",
  },
];

const plugin: Deno.lint.Plugin = {
  name: "edges",
  rules: {
    "one-place": {
      create(context) {
        const file = placeOf(context.filename);
        if (file === undefined) return {};

        function check(edges: Edge[], name: string, node: Deno.lint.Node) {
          for (const { names, home, instead } of edges) {
            if (!names.test(name) || home === file) continue;
            const who = home ? `Only ${home} may use` : "Nothing may use";
            context.report({ node, message: `${who} '${name}': ${instead}` });
          }
        }

        return {
          MemberExpression(node) {
            const name = dottedName(node);
            if (name) check(globals, name, node);
          },
          Identifier(node) {
            if (node.name === "fetch" && isValue(node)) check(globals, "fetch", node);
          },
          // `const { env } = Deno` is the same as `Deno.env`.
          VariableDeclarator(node) {
            const from = node.init ? dottedName(node.init) : undefined;
            if (!from || node.id.type !== "ObjectPattern") return;
            for (const property of node.id.properties) {
              if (property.type !== "Property" || property.key.type !== "Identifier") continue;
              check(globals, `${from}.${property.key.name}`, property);
            }
          },
          // Both give the present time: `Date()` and `new Date()`.
          CallExpression(node) {
            if (isDate(node.callee)) check(globals, "Date.now", node);
          },
          NewExpression(node) {
            if (isDate(node.callee) && node.arguments.length === 0) check(globals, "Date.now", node);
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

/** The path from the top of the checkout of what the rules hold for; nothing for all else. */
function placeOf(filename: string): string | undefined {
  const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
  const file = filename.startsWith(root) ? filename.slice(root.length) : "";
  return file === "main.ts" || file.startsWith("src/") ? file : undefined;
}

/** `Deno.env` for `Deno.env`, `Deno["env"]` and `globalThis.Deno.env`; nothing for what is only known at run time. */
function dottedName(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression") return undefined;
  const object = dottedName(node.object);
  const property = nameOfProperty(node);
  if (!object || !property) return undefined;
  return object === "globalThis" ? property : `${object}.${property}`;
}

function nameOfProperty({ property, computed }: Deno.lint.MemberExpression): string | undefined {
  if (!computed) return property.type === "Identifier" ? property.name : undefined;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : undefined;
}

function isDate(node: Deno.lint.Node): boolean {
  return node.type === "Identifier" && node.name === "Date";
}

/** True if a name stands for its value, not for a property, a declaration or a type. */
function isValue(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "CallExpression":
    case "NewExpression":
      return true;
    case "Property":
      return parent.value === node && parent.parent.type === "ObjectExpression";
    case "VariableDeclarator":
      return parent.init === node;
    case "AssignmentExpression":
    case "LogicalExpression":
      return parent.right === node;
    default:
      return false;
  }
}
