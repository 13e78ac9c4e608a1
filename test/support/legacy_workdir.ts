import type { Files } from "../../src/files.ts";
import { root } from "./tree.ts";

interface Entry {
  path: string;
  text: string;
  /** Where a symbolic link leads. */
  link: string | undefined;
}

const entries = readTar(await gunzip(`${root}test/fixtures/legacy-plugin-workdir.tgz`));

/** The names of what is in the work directory of the legacy plug-in. */
export const existingIds: { running: string; partlyUnschedulable: string; notPickedUp: string; return: string } = JSON
  .parse(textOf("ids.json"));

/** What the legacy plug-in says of a machine. */
export type ExistingMachine = Record<string, unknown> & { name: string };

/** Its own answer to get-request-status about one request or return request. */
export function existingAnswer(id: string): { requestId: string; status: string; machines: ExistingMachine[] } {
  return JSON.parse(textOf(`answer-${id}.json`)).requests[0];
}

/** A pod file as it wrote it. */
export function existingPod(machine: string): string {
  return textOf(`work/pods/${machine}`);
}

/** A node file as it wrote it. */
export function existingNode(node: string): string {
  return textOf(`work/nodes/${node}`);
}

/** Puts its work directory to `<root>/work` and its configuration to where the links of the former lead: `/opt/hf/conf`. */
export function furnishExisting(files: Files, root: string): void {
  for (const { path, text, link } of entries) {
    if (!path.includes("/") || path.endsWith(".db")) continue;
    const at = path.startsWith("conf/") ? `/opt/hf/${path}` : `${root}/${path}`;
    files.makeDirectory(at.slice(0, at.lastIndexOf("/")));
    if (link === undefined) files.writeText(at, text);
    else files.symlink(link, at);
  }
}

function textOf(path: string): string {
  const entry = entries.find((one) => one.path === path);
  if (!entry) throw new Error(`'${path}' is not in the fixture`);
  return entry.text;
}

async function gunzip(path: string): Promise<Uint8Array> {
  const stream = (await Deno.open(path)).readable.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The files and links of a tar archive (source: POSIX, pax, "ustar Interchange Format"). */
function readTar(bytes: Uint8Array): Entry[] {
  const found: Entry[] = [];
  const field = (at: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0.*$/s, "");
  for (let at = 0; at < bytes.length && bytes[at] !== 0;) {
    const path = field(at, 100).replace(/^\.\//, "");
    const size = parseInt(field(at + 124, 12), 8);
    const type = field(at + 156, 1);
    const text = new TextDecoder().decode(bytes.subarray(at + 512, at + 512 + size));
    if (type === "0" || type === "") found.push({ path, text, link: undefined });
    if (type === "2") found.push({ path, text: "", link: field(at + 157, 100) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
