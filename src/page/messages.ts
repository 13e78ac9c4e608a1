/**
 * The messages to the page, as JSON: first a whole picture, then its changes, and a beat while nothing changes. Times
 * are in seconds since the epoch by the clock of serve's host, except those of `Times`.
 */

/** The same as `MachineState` of `src/hf/status.ts`, which the browser's code cannot import. */
export type State = "creating" | "pending" | "running" | "succeeded" | "failed" | "unknown" | "deleted";

/**
 * One machine, as a row, since there may be 10,000: name, id of its request, id of its template, state, since when it
 * has been in that (`null`: not known), node, zone, what it waits for or why it ended, when it is given up at the
 * latest, kind of its failure, id of its return request, when its pod is gone at the latest, address. A text is empty
 * if there is nothing to say.
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
  /** How many of them are up (of a return request: gone), and how many failed. */
  done: number;
  failed: number;
  /** How many of those that were up have been given back since. */
  returned: number;
  /** The most common reason why the others wait. */
  waitsFor: string;
  /** When the last waiting machine is given up at the latest; `null` if that is not known. */
  until: number | null;
}

/** Which process serves, and how far the picture can be believed. */
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

/** A template, with how many of its machines run, wait and failed, and how many more there may be. */
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

/** What the graphs of the last hours show. */
export interface HistorySection {
  /** How many machines were in each state, at regular times. */
  machines: { at: number; counts: Partial<Record<State, number>> }[];
  /** How many seconds machines took from request to running: those that began to run since the sample before. */
  starts: { at: number; machines: number; median: number; p95: number }[];
}

/** Calls to the API server, and the backlog. */
export interface ApiSection {
  /**
   * How many calls of each kind succeeded and failed since serve began, and how long they took on average (-1: not
   * known).
   */
  calls: { call: string; ok: number; failed: number; meanSeconds: number }[];
  /** For each kind of object that is watched, seconds since the API server was last heard; -1 before the first time. */
  watches: { resource: string; age: number }[];
  /** What waits or is held, by name. */
  backlog: { name: string; count: number }[];
}

/** A registered extension. */
export interface ExtensionRow {
  name: string;
  hooks: string[];
  /** It does not answer, and is not called for a while. */
  isLeftAlone: boolean;
}

/** Something that happened. */
export interface EventRow {
  at: number;
  /** The name of a machine or node, or the id of a request; empty for the cluster. */
  id: string;
  what: string;
}

/** The times in every message: when the picture was taken, and when it was sent; milliseconds since the epoch. */
export interface Times {
  at: number;
  now: number;
}

/** The sections of a picture beside the machines. They are small: each is sent whole when it has changed. */
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

/** A sign of life while nothing changes. */
export interface BeatMessage extends Times {
  kind: "beat";
}

export type PageMessage = PictureMessage | ChangeMessage | BeatMessage;

/**
 * What `hostfactory explain` says of a machine, request, return request or node: see `Explanation` in
 * `src/admin/explanation.ts`.
 */
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
