/** An option as commander writes it, and its description. */
export type OptionText = readonly [flags: string, description: string];

/** The options of the program, which every command takes. */
export const GLOBAL_OPTIONS: readonly OptionText[] = [
  ["--workdir <directory>", "work directory (HF_K8S_WORKDIR, HF_PROVIDER_WORKDIR)"],
  ["--confdir <directory>", "where k8sprov_templates.json is (HF_K8S_PROVIDER_CONFDIR, HF_PROVIDER_CONFDIR)"],
  ["--log-level <level>", "debug, info, warning, error or critical"],
  ["--log-format <format>", "text, or json: one object on each line (HF_K8S_LOG_FORMAT)"],
  ["--log-file <file>", "log to this file, not to standard error (HF_K8S_LOG_FILE, HF_PROVIDER_LOGDIR)"],
  [
    "--request-id <id>",
    "the id of a new request; the same id with the same content is the same request (HF_K8S_REQUEST_ID)",
  ],
  ["--instance <name>", "the provider instance that pods are labelled with (HF_K8S_INSTANCE, HF_PROVIDER_NAME)"],
  [
    "--on-partial-failure <status>",
    "the status of a request if some of its machines are good and some failed: complete_with_error or complete " +
    "(HF_K8S_ON_PARTIAL_FAILURE)",
  ],
  [
    "--shared-workdir",
    "trust every user who may write to the work directory; its modes then follow the umask (HF_K8S_SHARED_WORKDIR=1)",
  ],
  ["--proxy <url>", "the proxy through which to reach the API server"],
];
