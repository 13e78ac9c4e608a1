/** The import table of the architecture: `docs/architecture.md` shows it to readers, and a test holds the source to it. */

/** Files of `src/` itself that every folder may import. */
export const leaves: readonly string[] = [
  "errors",
  "log",
  "config",
  "clock",
  "budget",
  "random",
  "files",
  "plain_text",
  "own_host",
  "json_pointer",
  "nearest_name",
  "version",
];

/** By folder of `src/`, the other folders that it may import. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  cli: ["serve", "verbs", "history", "transform", "upload", "lint", "admin", "simulator", "hf"],
  serve: ["metrics", "page", "watchers", "extensions", "events", "machine", "kube", "workdir", "templates", "hf"],
  watchers: ["extensions", "events", "machine", "kube", "workdir", "templates", "hf"],
  page: ["admin", "events"],
  metrics: ["extensions", "machine", "kube", "workdir", "templates", "hf"],
  extensions: ["kube", "templates", "hf"],
  verbs: ["machine", "workdir", "events", "templates", "hf"],
  lint: ["extensions", "kube", "templates", "hf"],
  history: ["workdir", "events", "hf"],
  transform: ["events", "kube"],
  upload: ["events", "workdir", "kube"],
  admin: ["events", "machine", "kube", "workdir", "templates", "hf"],
  workdir: ["events", "machine", "hf"],
  events: ["machine", "hf"],
  machine: ["templates", "hf"],
  kube: [],
  templates: ["hf"],
  hf: [],
  simulator: [],
};

/** By folder, those of which it may import types alone: nothing of these is left at run time. */
export const mayImportTypes: Readonly<Record<string, readonly string[]>> = {
  simulator: ["kube"],
  machine: ["kube"],
  metrics: ["watchers"],
  page: ["metrics"],
  events: ["kube"],
  workdir: ["kube"],
};
