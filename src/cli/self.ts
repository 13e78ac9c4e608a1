/** The command that starts this program again: the executable, or Deno with the main module. */
export function self(): string[] {
  return Deno.build.standalone ? [Deno.execPath()] : [Deno.execPath(), "run", "--allow-all", Deno.mainModule];
}
