import { fileURLToPath } from "node:url";

/** The top of the checkout, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Every file below a directory whose name ends in `ending`, from the top of the checkout, in a fixed order. */
export function filesBelow(directory: string, ending: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(root + directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) found.push(...filesBelow(path, ending));
    else if (name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

export function readFromTree(path: string): string {
  return Deno.readTextFileSync(root + path);
}
