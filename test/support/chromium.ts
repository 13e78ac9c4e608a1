/**
 * A browser for tests: Debian's headless Chromium, driven by `playwright-core`. The one on PATH is taken, or one that is downloaded
 * once into the cache of this user, with what it needs and this host lacks. HF_TEST_CHROMIUM names another.
 */
import { type Browser, chromium as driver } from "playwright-core";
import { findProgram, type Program } from "./programs.ts";

/** The program; `undefined` if it cannot be had. */
export const chromium: Program | undefined = findProgram({
  given: [Deno.env.get("HF_TEST_CHROMIUM"), "chromium-headless-shell", "chromium"],
  cached: "chromium",
  packages: ["--with-dependencies", "chromium-headless-shell"],
  program: "usr/lib/chromium/chromium-headless-shell",
  libraries: ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio", "lib/x86_64-linux-gnu"],
});

/** Starts the browser, without a sandbox: it sees pages of ours alone. */
export function startBrowser(): Promise<Browser> {
  const { path = "chromium", libraries } = chromium ?? {};
  return driver.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    ...(libraries === undefined ? {} : { env: { ...Deno.env.toObject(), LD_LIBRARY_PATH: libraries } }),
  });
}
