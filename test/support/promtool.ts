/**
 * Prometheus' own checker, from Debian's package `prometheus`: the one on PATH, or one that is downloaded once into the cache of
 * this user. HF_TEST_PROMTOOL names another.
 */
import { findProgram } from "./programs.ts";

/** The program; `undefined` if it cannot be had. */
export const promtool: string | undefined = findProgram({
  given: [Deno.env.get("HF_TEST_PROMTOOL"), "promtool"],
  cached: "promtool",
  packages: ["prometheus"],
  program: "usr/bin/promtool",
})?.path;

/** Runs promtool with a text as its input. @returns its exit status, and what it says */
export async function runPromtool(args: string[], text = ""): Promise<{ code: number; said: string }> {
  const command = new Deno.Command(promtool ?? "promtool", { args, stdin: "piped", stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}
