/** How an option is written, as commander has it, and what it is for. */
export type OptionText = readonly [flags: string, description: string];

/** The options of the program, which every command takes. */
export const GLOBAL_OPTIONS: readonly OptionText[] = [
  ["--workdir <directory>", "work directory (HF_K8S_WORKDIR, HF_PROVIDER_WORKDIR)"],
  ["--confdir <directory>", "where k8sprov_templates.json is (HF_K8S_PROVIDER_CONFDIR, HF_PROVIDER_CONFDIR)"],
  ["--log-level <level>", "debug, info, warning, error or critical"],
  ["--log-format <format>", "text, or json: an object a line (HF_K8S_LOG_FORMAT)"],
  ["--log-file <file>", "log there, not to standard error (HF_K8S_LOG_FILE, HF_PROVIDER_LOGDIR)"],
  ["--request-id <id>", "the id for a new request: the same id and content is the same request (HF_K8S_REQUEST_ID)"],
  ["--instance <name>", "the provider instance that pods are labelled with (HF_K8S_INSTANCE, HF_PROVIDER_NAME)"],
  [
    "--on-partial-failure <status>",
    "what a request is called of which some machines are good and some failed: complete_with_error or complete " +
    "(HF_K8S_ON_PARTIAL_FAILURE)",
  ],
  [
    "--shared-workdir",
    "trust every user who may write in the work directory, whose modes are as the umask says (HF_K8S_SHARED_WORKDIR=1)",
  ],
  ["--proxy <url>", "proxy on the way to the API server"],
];
