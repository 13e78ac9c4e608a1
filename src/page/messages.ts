/**
 * What the page is told, as JSON: first a full picture, then what has changed of it, and a beat while nothing has. All times are
 * seconds since the epoch by the clock of serve's host, but those of `Times`.
 */

/** As `MachineState` of `src/hf/status.ts`: what the browser runs knows nothing of that. */
export type State = "creating" | "pending" | "running" | "succeeded" | "failed" | "unknown" | "deleted";

/**
 * One machine, as a row, since there may be 10,000: name, id of its request, id of its template, state, since when it has been in
 * that (`null`: not known), node, zone, what it waits for or why it ended, when it is given up at the latest, kind of its
 * failure, id of its return request, when its pod is gone at the latest, address. Texts are empty where there is nothing to say.
 */
export type MachineRow = [
  name: string,
  requestId: string,
  templateId: string,
  state: State,
  since: number | null,
  node: string,
  zone: string,
  reason: string,
  until: number | null,
  failure: string,
  returnId: string,
  goneAt: number | null,
  address: string,
];

/** A request or return request. */
export interface RequestRow {
  id: string;
  kind: "request" | "return";
  /** Empty for a return request. */
  templateId: string;
  requestedAt: number | null;
  machines: number;
  /** Of them, those that are up, or gone; and those that failed. */
  done: number;
  failed: number;
  /** Of those that are up, how many were given back since. */
  returned: number;
  /** What those wait for that are neither: the most common reason. */
  waitsFor: string;
  /** When the last of those that wait is given up; `null` if that is not known. */
  until: number | null;
}

/** Who serves, and how far what is shown may be believed. */
export interface ServiceSection {
  version: string;
  workdir: string;
  instance: string;
  /** Host and process; empty before the first `serve`. */
  server: string;
  since: number | null;
  cluster: string;
  namespace: string;
  heardAt: number | null;
  /** Sentences on what is wrong, the worst first. */
  troubles: string[];
}

/** A template, with what of it runs and may run. */
export interface TemplateRow {
  templateId: string;
  running: number;
  waiting: number;
  /** In the last hour. */
  failed: number;
  /** `null`: no limit. */
  room: number | null;
}

/** A node that is about to go. */
export interface NodeRow {
  name: string;
  reason: string;
  goneAt: number | null;
}

/** How it was over the last hours. */
export interface HistorySection {
  /** Machines by state, now and then. */
  machines: { at: number; counts: Partial<Record<State, number>> }[];
  /** From request to running, in seconds, of the machines that began to run up to then since the sample before. */
  starts: { at: number; machines: number; median: number; p95: number }[];
}

/** How the API server is, and what waits for it. */
export interface ApiSection {
  /** By call, how many have ended well and otherwise since serve began, and the mean of their seconds (-1: not known). */
  calls: { call: string; ok: number; failed: number; meanSeconds: number }[];
  /** Seconds since the API server was last heard, by what is followed; -1 before the first time. */
  watches: { resource: string; age: number }[];
  /** What waits or is held, by name. */
  backlog: { name: string; count: number }[];
}

/** A registered extension. */
export interface ExtensionRow {
  name: string;
  hooks: string[];
}

/** Something that happened. */
export interface EventRow {
  at: number;
  /** The name of a machine or node, or the id of a request; empty for the cluster. */
  id: string;
  what: string;
}

/** What every message says: when the picture was taken, and what time it is; milliseconds since the epoch. */
export interface Times {
  at: number;
  now: number;
}

/** All that a picture holds beside the machines: small, and sent anew where it has changed. */
export interface Sections {
  service: ServiceSection;
  templates: TemplateRow[];
  requests: RequestRow[];
  nodes: NodeRow[];
  history: HistorySection;
  api: ApiSection;
  extensions: ExtensionRow[];
  events: EventRow[];
}

export interface PictureMessage extends Sections, Times {
  kind: "picture";
  machines: MachineRow[];
}

export interface ChangeMessage extends Partial<Sections>, Times {
  kind: "change";
  /** Machines that are new or have changed. */
  machines?: MachineRow[];
  /** Names of machines that are not part of the picture any more. */
  gone?: string[];
}

/** That serve is there, and that nothing has changed since. */
export interface BeatMessage extends Times {
  kind: "beat";
}

export type PageMessage = PictureMessage | ChangeMessage | BeatMessage;

/** What `hostfactory explain` says of a machine, request, return request or node: see `Explanation` in `src/admin/explanation.ts`. */
export interface Explained {
  kind: string;
  name: string;
  now: string;
  matter?: string | undefined;
  until?: number | undefined;
  facts: Record<string, string>;
  timeline: { at: number; what: string; words: string }[];
  next: string[];
  doubt?: string | undefined;
  gap?: string | undefined;
}
