/** The part of a command's help beyond its options. Loaded only for help. */
export interface HelpText {
  /** The shape of its input. */
  input?: string;
  /** Commands as one types them, each with its purpose. */
  examples: readonly (readonly [command: string, purpose: string])[];
  /** Exit statuses beyond 0, 1 and 2. */
  exits?: readonly (readonly [code: number, meaning: string])[];
}

const NOT_OWNER = [[3, "another process holds the lock that it needs"]] as const;

const STOPPED = [130, "stopped by Ctrl-C before it was done"] as const;

/** Help texts by the words of the command; the empty text is the program itself. */
export const HELP_TEXTS: Readonly<Record<string, HelpText>> = {
  "": {
    examples: [
      ["hostfactory demo", "see the main job on an embedded cluster"],
      ["hostfactory serve", "create, follow and delete pods"],
      ["hostfactory status", "is all well, and if not, what to do"],
      ["hostfactory explain MACHINE", "why a machine is not up"],
    ],
  },
  "get-available-templates": {
    input: '{} or {"templates": ["ID", …]}; none: all templates',
    examples: [["hostfactory get-available-templates", "all templates, with how many machines are available"]],
  },
  "request-machines": {
    input: '{"template": {"templateId": "ID", "machineCount": 10}}',
    examples: [
      ["hostfactory request-machines -f in.json", "ask for machines"],
      [
        "hostfactory admin request-machines --template-id T --count 3 | hostfactory request-machines",
        "the same by hand",
      ],
    ],
  },
  "get-request-status": {
    input: '{"requests": [{"requestId": "ID"}, …]}',
    examples: [
      ["hostfactory get-request-status -f in.json", "the status of these requests"],
      ["hostfactory admin get-request-status | hostfactory get-request-status", "of all requests"],
    ],
  },
  "request-return-machines": {
    input: '{"machines": [{"name": "ID-0"}, …]}',
    examples: [["hostfactory admin request-return-machines ID-0 | hostfactory request-return-machines", "by hand"]],
  },
  "get-return-requests": {
    input: '{} or {"machines": [{"name": "ID-0"}, …]}; without machines: all',
    examples: [["hostfactory get-return-requests <<< '{}'", "which machines the cluster takes away"]],
  },
  status: {
    examples: [
      ["hostfactory status", "one screen"],
      ["hostfactory status --output json", "for scripts"],
    ],
    exits: [[1, "there is trouble, which it describes"], [4, "the work directory is not served"]],
  },
  explain: {
    examples: [
      ["hostfactory explain abc-3", "a machine"],
      ["hostfactory explain abc", "a request, or return request"],
      ["hostfactory explain node-7", "a node"],
    ],
  },
  history: {
    examples: [
      ["hostfactory history --since 2h", "what happened in the last two hours"],
      ["hostfactory history --machine abc-3 --output wide", "each step of one machine"],
    ],
  },
  top: {
    examples: [
      ["hostfactory top", "the grid as it changes; q ends it, h shows its keys"],
      ["hostfactory top --interval 5", "refresh every five seconds"],
    ],
  },
  admin: {
    examples: [
      ["hostfactory admin list-machines --state pending,failed", "machines that are not up"],
      ["hostfactory admin get-timings --to-event ready", "how long machines take"],
    ],
  },
  "admin list-machines": {
    examples: [
      ["hostfactory admin list-machines --state pending --older-than 5m", "machines that have waited long"],
      ["hostfactory admin list-machines --node node-7 -o wide", "machines on a node"],
      ["hostfactory admin list-machines --template T -o json", "for scripts"],
    ],
  },
  "admin list-requests": { examples: [["hostfactory admin list-requests --returns -o wide", "return requests"]] },
  "admin get-timings": {
    examples: [[
      "hostfactory admin get-timings --from-event requested --to-event ready -o table",
      "from request to Ready",
    ]],
  },
  "admin delete-pods": {
    examples: [
      ["hostfactory admin delete-pods --count 2 --dry-run", "which pods would be deleted"],
      ["hostfactory admin delete-pods abc-3 --yes", "this pod, without asking"],
    ],
    exits: [[1, "not all are gone in time, or it failed"], STOPPED],
  },
  "admin drain-nodes": {
    examples: [
      ["hostfactory admin drain-nodes node-7 --cordon", "all of our pods on it, and no new ones"],
      ["hostfactory admin drain-nodes --count 2 --dry-run", "which would go"],
    ],
    exits: [[1, "not all are gone in time, or it failed"], STOPPED],
  },
  "admin replay": {
    examples: [["hostfactory admin replay --dbfile old.db --dry-run", "which calls were made"]],
    exits: [[1, "a call failed"], STOPPED],
  },
  serve: {
    examples: [
      ["hostfactory serve --kubeconfig /etc/hf/kubeconfig", "as a service: see docs/install.md"],
      ["hostfactory serve --prometheus-port 0", "without metrics"],
    ],
    exits: NOT_OWNER,
  },
  "run-cron": {
    examples: [["hostfactory run-cron --run-once --dry-run", "show what would be deleted"]],
    exits: NOT_OWNER,
  },
  rebuild: { examples: [["hostfactory rebuild --dry-run", "show what is missing"]], exits: [...NOT_OWNER, STOPPED] },
  lint: {
    examples: [
      ["hostfactory lint", "the templates of --confdir"],
      ["hostfactory lint --server templates.json", "this file, and ask the cluster"],
    ],
  },
  simulate: { examples: [["hostfactory simulate --port 8001 --kubeconfig sim.yaml", "a cluster to play with"]] },
  demo: {
    examples: [
      ["hostfactory demo --machines 200", "more machines"],
      ["hostfactory demo --kubeconfig FILE --keep", "on a real cluster; keep what was written"],
    ],
    exits: [[130, "stopped by Ctrl-C; everything it made is deleted"]],
  },
  completion: {
    examples: [
      ["source <(hostfactory completion bash)", "in ~/.bashrc"],
      ["hostfactory completion zsh > ~/.zfunc/_hostfactory", "where fpath has ~/.zfunc"],
      ["hostfactory completion fish > ~/.config/fish/completions/hostfactory.fish", "for fish"],
    ],
  },
};
