import assert from "node:assert/strict";

/** Runs a command line as we are. @returns what it printed */
export function shell(command: string): string {
  const { success, stdout, stderr } = new Deno.Command("sh", { args: ["-c", command], stdin: "null" }).outputSync();
  assert.ok(success, `${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

/** True where a command line succeeds. */
export function succeeds(command: string): boolean {
  return new Deno.Command("sh", { args: ["-c", command], stdout: "null", stderr: "null" }).outputSync().success;
}
