/** Builds the page that `serve` shows in a browser, out of `page/`: one HTML text with its script and style. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const directory = resolve(fileURLToPath(new URL("../../page", import.meta.url)));

/** See `BuiltPage` in `src/page/page.ts`. */
export async function buildPage(): Promise<{ html: string; scriptHash: string; styleHash: string }> {
  const [script, style] = await Promise.all([built("main.ts"), built("style.css")]);
  const html = Deno.readTextFileSync(`${directory}/index.html`)
    .replace(/<style>[^<]*/, () => `<style>${style}`).replace(/<script>[^<]*/, () => `<script>${script}`);
  return { html, scriptHash: await hash(script), styleHash: await hash(style) };
}

async function built(name: string): Promise<string> {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: directory,
    entryPoints: [name],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome120", "firefox120", "safari17"],
    legalComments: "none",
    logLevel: "warning",
  });
  // It stands within an element, which this would end.
  return (outputFiles[0]?.text ?? "").trim().replaceAll("</", "<\\/");
}

async function hash(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...bytes));
}
