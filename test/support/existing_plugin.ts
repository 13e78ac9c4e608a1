import fixture from "../fixtures/existing_plugin.json" with { type: "json" };
import type { Files } from "../../src/files.ts";

/** The names of what is in the work directory of the existing plug-in. */
export const existingIds: { running: string; partlyUnschedulable: string; notPickedUp: string; return: string } =
  fixture.ids;

/** Its own answer to get-request-status about one request or return request. */
export function existingAnswer(id: string): { requests: { machines: Record<string, unknown>[] }[] } {
  return structuredClone(
    (fixture.answers as Record<string, { requests: { machines: Record<string, unknown>[] }[] }>)[id]!,
  );
}

/** Its pods, as it wrote them. */
export function existingPod(machine: string): string {
  return entry(`work/pods/${machine}`);
}

/** Puts its work directory to `<root>/work` and its configuration to where the links of the former lead, `/opt/hf/conf`. */
export function furnishExisting(files: Files, root: string): void {
  for (const [path, what] of Object.entries(fixture.files as Record<string, { text?: string; link?: string }>)) {
    const at = path.startsWith("conf/") ? `/opt/hf/${path}` : `${root}/${path}`;
    files.makeDirectory(at.slice(0, at.lastIndexOf("/")));
    if (what.link === undefined) files.writeText(at, what.text ?? "");
    else files.symlink(what.link, at);
  }
}

function entry(path: string): string {
  return (fixture.files as Record<string, { text?: string }>)[path]?.text ?? "";
}
