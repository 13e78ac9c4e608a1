import { type Grouping, isGrouping, type State, STATES } from "./machine.ts";

/** What a link to the page can select: the part of the address after `#`. */
export interface PageAddress {
  grouping: Grouping;
  search: string;
  states: State[];
  view: "cells" | "table";
  /** The machine that is open; empty: none. */
  machine: string;
}

export function readAddress(hash = location.hash): PageAddress {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const grouping = given.get("group") ?? "";
  return {
    grouping: isGrouping(grouping) ? grouping : "request",
    search: given.get("q") ?? "",
    states: STATES.filter((state) => (given.get("state") ?? "").split(",").includes(state)),
    view: given.get("view") === "table" ? "table" : "cells",
    machine: given.get("machine") ?? "",
  };
}

/**
 * Writes it into the address bar.
 * @param options `isStep`: add a step to the history, so that “back” leads to what was shown before (false)
 */
export function writeAddress(shown: PageAddress, options: { isStep?: boolean } = {}): void {
  const { grouping, search, states, view, machine } = shown;
  const hash = new URLSearchParams();
  if (grouping !== "request") hash.set("group", grouping);
  if (search !== "") hash.set("q", search);
  if (states.length > 0) hash.set("state", states.join(","));
  if (view !== "cells") hash.set("view", view);
  if (machine !== "") hash.set("machine", machine);
  const text = hash.toString();
  const address = text === "" ? location.pathname + location.search : `#${text}`;
  if (options.isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
