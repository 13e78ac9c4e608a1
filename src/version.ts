/** Stamped by `build.sh` (esbuild `define`); what runs from source says so. */
declare const HOSTFACTORY_VERSION: string | undefined;
declare const HOSTFACTORY_COMMIT: string | undefined;

export const version: string = typeof HOSTFACTORY_VERSION === "string" ? HOSTFACTORY_VERSION : "0.0.0-source";
export const commit: string = typeof HOSTFACTORY_COMMIT === "string" ? HOSTFACTORY_COMMIT : "unknown";

/** What `--version` prints. */
export const versionLine = `hostfactory ${version} (${commit})`;
