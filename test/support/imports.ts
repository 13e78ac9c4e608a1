import { readFromTree, root } from "./tree.ts";

export interface Import {
  specifier: string;
  /** Nothing of it is left at run time. */
  typeOnly: boolean;
  /** Loaded when it is called for: `import()`. */
  lazy: boolean;
}

/** What a module imports or exports again; Deno's own parser says, by way of a lint plugin. */
export function importsOf(file: string, source: string = readFromTree(file)): Import[] {
  const imports: Import[] = [];
  const add = (from: Deno.lint.Expression | null, typeOnly: boolean, lazy: boolean) => {
    if (from?.type === "Literal") imports.push({ specifier: String(from.value), typeOnly, lazy });
  };
  const plugin: Deno.lint.Plugin = {
    name: "imports",
    rules: {
      all: {
        create: () => ({
          ImportDeclaration(node) {
            const eachIsType = node.specifiers.length > 0 &&
              node.specifiers.every((specifier) =>
                specifier.type === "ImportSpecifier" && specifier.importKind === "type"
              );
            add(node.source, node.importKind === "type" || eachIsType, false);
          },
          ExportNamedDeclaration(node) {
            add(node.source, node.exportKind === "type", false);
          },
          ExportAllDeclaration(node) {
            add(node.source, node.exportKind === "type", false);
          },
          ImportExpression(node) {
            add(node.source, false, true);
          },
          TSImportType(node) {
            const argument = node.argument as unknown as { literal?: Deno.lint.Expression };
            add(argument.literal ?? null, true, false);
          },
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, root + file, source);
  return imports;
}
