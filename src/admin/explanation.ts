import type { Budget } from "../budget.ts";
import type { EventSource } from "../events/reader.ts";
import type { Side } from "../machine/blame.ts";
import type { ReadAccess } from "./open_picture.ts";
import type { ServiceFacts } from "./picture_of_service.ts";
import type { Step } from "./timeline.ts";

/** What `explain` says of one machine, request, return request or node. Times are in seconds since the epoch. */
export interface Explanation {
  kind: "machine" | "request" | "return request" | "node";
  name: string;
  /** When the work directory was read. */
  at: number;
  /** Its state now, as one sentence without a full stop. */
  now: string;
  /** Who can change that, as a word and as text for people; absent while nothing is wrong. */
  matterOf: Side | undefined;
  matter: string | undefined;
  /** What it waits for, in the cluster's words, and until when at the latest, if that is known. */
  waitsFor: string | undefined;
  until: number | undefined;
  /** Its properties by name: its template, node, address and so on. */
  facts: Record<string, string>;
  timeline: Step[];
  /** Commands to run next, the most useful first, ready to copy. */
  next: string[];
  /** Why this may be out of date, as a sentence; absent if it is not. */
  doubt: string | undefined;
  /** Why the timeline lacks events, as a sentence; absent if it does not. */
  gap: string | undefined;
}

/** What every explanation needs. */
export interface ExplanationContext extends ReadAccess, ServiceFacts {
  /** Seconds since the epoch. */
  now: number;
  /** Where events are. */
  source: EventSource;
  /** How the work is cut into turns. */
  budget: Budget;
}

/** The facts of an explanation, before they are worded for people. */
export type Finding = Omit<Explanation, "matter">;
