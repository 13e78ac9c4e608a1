import { nodeOfEvent } from "../events/recorded.ts";
import type { Entry } from "./account.ts";

/** What is said of machines with each status, after "5 machines of ‘small’". */
const OF_MACHINES: Readonly<Record<string, string>> = {
  requested: "requested",
  created: "created",
  pending: "waiting",
  scheduled: "given a node",
  running: "running",
  ready: "ready",
  disrupted: "about to be taken away",
  succeeded: "ended with success",
  unknown: "not heard of: the node may be lost",
  timeout: "given up: not up in time",
  failed: "failed",
  returned: "given back",
  deleted: "deleted",
};

/** How many names are listed at most. */
const MOST_NAMES = 5;

/** An entry as one sentence, without its time. */
export function sentence(entry: Entry): string {
  const { category, what, ids, template, reason } = entry;
  const why = reason ? `: ${reason}` : "";
  if (category === "cluster") return clusterSentence(entry, why);
  if (category !== "pod") return `${counted(ids.length, category)} ${what}${why}: ${listed(ids.map(nodeOfEvent))}`;
  const machines = counted(ids.length, "machine");
  const words = OF_MACHINES[what] ?? what;
  return `${machines}${template === undefined ? "" : ` of ‘${template}’`} ${words}${why}`;
}

function clusterSentence({ what, isOpen }: Entry, why: string): string {
  if (what === "away") return isOpen ? `cluster away, and not back yet${why}` : `cluster away${why}`;
  return what === "back" ? "cluster back" : `cluster ${what}${why}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The first names of a list, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
