import type { MemoryFiles } from "./memory_files.ts";

/** No one may read, write or remove what is in here. */
export const OUTSIDE = "/outside";

/** More than is read of any file. */
const huge = "x".repeat(17 * 1024 * 1024);

const deep = "[".repeat(100_000) + "]".repeat(100_000);

/** What can lie where something else belongs, each put to a path if nothing is. */
export const nasties: Record<string, (files: MemoryFiles, path: string) => void> = {
  "nothing": () => {},
  "an empty file": (files, path) => files.writeText(path, ""),
  "garbage": (files, path) => files.writeText(path, "\u0000\uFFFD{]\u001b[2J"),
  "a torn record": (files, path) => files.writeText(path, '{"version":1,"templateId":"T","cou'),
  "a list": (files, path) => files.writeText(path, "[1,null]"),
  "null": (files, path) => files.writeText(path, "null"),
  "wrong types": (files, path) =>
    files.writeText(
      path,
      JSON.stringify({ version: "1", count: "2", metadata: [], up: 1, unknown: {}, completeAt: {}, message: 7 }),
    ),
  "numbers without end": (files, path) =>
    files.writeText(
      path,
      '{"version":1,"templateId":"T","count":1e15,"requestedAt":1e999,"up":true,"returned":true,"givenUp":true,' +
        '"message":"","launchtime":1e999,"completeAt":1e999,"heardAt":1e999,' +
        '"metadata":{"name":"x","uid":"u","creation_timestamp":1e999},"spec":{},"status":{}}',
    ),
  "a count without end": (files, path) =>
    files.writeText(path, '{"version":1,"templateId":"T","count":1e15,"requestedAt":0,"unknown":[]}'),
  "a version to come": (files, path) =>
    files.writeText(path, '{"version":99,"templateId":"T","count":1,"requestedAt":0,"unknown":[]}'),
  "deep nesting": (files, path) => files.writeText(path, deep),
  "a huge file": (files, path) => files.writeText(path, huge),
  "a directory": (files, path) => files.makeDirectory(path),
  "a full directory": (files, path) => files.makeDirectory(`${path}/below`),
  "a pipe": (files, path) => files.pipe(path),
  "a loop": (files, path) => files.symlink(path, path),
  "a dangling link": (files, path) => files.symlink("nowhere", path),
  "a link to a file outside": (files, path) => files.symlink(`${OUTSIDE}/secret`, path),
  "a link to a directory outside": (files, path) => files.symlink(`${OUTSIDE}/directory`, path),
  "a link to a pipe": (files, path) => files.symlink(`${OUTSIDE}/pipe`, path),
  "another name of a file outside": (files, path) => files.hardLink(`${OUTSIDE}/secret`, path),
  "an unknown state": (files, path) => files.symlink("exploded", path),
  "an unreadable file": (files, path) => {
    files.writeText(path, "{}");
    files.deny(path);
  },
  "an unreadable directory": (files, path) => {
    files.makeDirectory(path);
    files.deny(path);
  },
};

/** Names that anybody may give a file. */
export const nastyNames: string[] = [
  "a\nb",
  "..two",
  "-rf",
  "UPPER",
  "a b",
  "x".repeat(255),
  "ü".repeat(100),
  "\uFFFD\uFFFD",
  "lost+found",
  "bad-0",
  "bad-99999999999999999999",
  ".new-left",
  ".new-left.bid",
  ".request.json",
];

/** What lies outside, as whoever wants us to do harm would have it. */
export function furnishOutside(files: MemoryFiles): void {
  files.makeDirectory(`${OUTSIDE}/directory/.new-old`);
  files.writeText(`${OUTSIDE}/secret`, '{"secret":true}');
  files.pipe(`${OUTSIDE}/pipe`);
  for (const name of [".request.json", "bad-0", "bad-1", "bad-2"]) {
    files.writeText(`${OUTSIDE}/directory/${name}`, '{"version":1,"templateId":"T","count":3,"requestedAt":0}');
  }
  files.symlink("../secret", `${OUTSIDE}/directory/bad-3`);
  files.guard(OUTSIDE);
}
