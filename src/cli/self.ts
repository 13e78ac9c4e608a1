/** How this program is started once more: the executable alone, or Deno with the main module. */
export function self(): string[] {
  return Deno.build.standalone ? [Deno.execPath()] : [Deno.execPath(), "run", "--allow-all", Deno.mainModule];
}
