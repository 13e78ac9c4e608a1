import type { Extension } from "./extension.ts";

/** The fields of an extension that decide its place. */
export type Orderable = Pick<Extension, "name" | "category" | "before" | "after" | "priority">;

/** Extensions that wait for each other. */
export interface OrderLoop {
  /** All of them, by name. */
  members: string[];
  /** A shortest loop among them, which ends with its first name: `["a", "b", "a"]` if a is before b and b before a. */
  path: string[];
}

/** The order in which extensions are called. */
export interface Order {
  /** The names of all extensions that are in no loop, in the order of their calls. */
  order: string[];
  /** The extensions that cannot be ordered, and so are not in `order`. */
  loops: OrderLoop[];
  /** For each name in `order`, the names that `before` or `after` put directly before it, sorted. */
  after: Map<string, string[]>;
}

const CATEGORY = "category:";

/**
 * Orders extensions by `before` and `after`, then by priority (the smaller first), then by name. The result does not
 * depend on the order in which they are given. Names and categories that no extension has are ignored, and so is an
 * extension's own category.
 * @param extensions their names are different
 */
export function orderExtensions(extensions: readonly Orderable[]): Order {
  const sorted = [...extensions].sort(compare);
  const edges = edgesOf(sorted);
  const loops = components(edges)
    .filter(([first = "", ...rest]) => rest.length > 0 || edges.get(first)?.has(first))
    .map((members) => ({ members: [...members].sort(), path: wayRound(members, edges) }))
    .sort((a, b) => (a.path[0]! < b.path[0]! ? -1 : 1));
  const stopped = new Set(loops.flatMap(({ members }) => members));
  const after = predecessors(sorted.map(({ name }) => name).filter((name) => !stopped.has(name)), edges);
  return { order: kahn(after), loops, after };
}

/** The names that come after each name. */
type Edges = ReadonlyMap<string, ReadonlySet<string>>;

function compare(one: Orderable, other: Orderable): number {
  return one.priority - other.priority || (one.name < other.name ? -1 : 1);
}

function edgesOf(extensions: Orderable[]): Edges {
  const edges = new Map(extensions.map(({ name }) => [name, new Set<string>()]));
  const categories = new Map<string, string[]>();
  for (const { name, category } of extensions) {
    if (category !== undefined) categories.set(category, [...categories.get(category) ?? [], name]);
  }
  const meant = (entry: string, self: string) =>
    entry.startsWith(CATEGORY)
      ? (categories.get(entry.slice(CATEGORY.length)) ?? []).filter((name) => name !== self)
      : edges.has(entry)
      ? [entry]
      : [];
  for (const { name, before, after } of extensions) {
    for (const later of before.flatMap((entry) => meant(entry, name))) edges.get(name)?.add(later);
    for (const earlier of after.flatMap((entry) => meant(entry, name))) edges.get(earlier)?.add(name);
  }
  return edges;
}

/** @returns for each of the names, which of the others it has to come after */
function predecessors(names: string[], edges: Edges): Map<string, string[]> {
  const after = new Map(names.map((name) => [name, [] as string[]]));
  for (const name of [...names].sort()) for (const later of edges.get(name) ?? []) after.get(later)?.push(name);
  return after;
}

/** Kahn's algorithm: next is the first of the names whose predecessors have all been taken. */
function kahn(after: ReadonlyMap<string, string[]>): string[] {
  const order = new Set<string>();
  const waiting = new Set(after.keys());
  while (waiting.size > 0) {
    for (const name of waiting) {
      if (!after.get(name)!.every((earlier) => order.has(earlier))) continue;
      order.add(name);
      waiting.delete(name);
      break;
    }
  }
  return [...order];
}

/** The strongly connected components (Tarjan's algorithm): names that all lead to each other. */
function components(edges: Edges): string[][] {
  const found: string[][] = [];
  const numbers = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const visit = (name: string): number => {
    const number = numbers.size;
    let low = number;
    numbers.set(name, number);
    stack.push(name);
    onStack.add(name);
    for (const later of edges.get(name) ?? []) {
      if (!numbers.has(later)) low = Math.min(low, visit(later));
      else if (onStack.has(later)) low = Math.min(low, numbers.get(later)!);
    }
    if (low === number) {
      const members = stack.splice(stack.indexOf(name));
      for (const member of members) onStack.delete(member);
      found.push(members);
    }
    return low;
  };
  for (const name of edges.keys()) if (!numbers.has(name)) visit(name);
  return found;
}

/** A shortest path from the first name of a loop back to itself; of several, the one whose names sort first. */
function wayRound(members: string[], edges: Edges): string[] {
  const [start = ""] = [...members].sort();
  const within = new Set(members);
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const name of queue) {
    for (const later of [...edges.get(name) ?? []].filter((one) => within.has(one)).sort()) {
      if (later === start) return [...wayTo(name, cameFrom), start];
      if (cameFrom.has(later)) continue;
      cameFrom.set(later, name);
      queue.push(later);
    }
  }
  return [start];
}

function wayTo(name: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [name];
  for (let at = cameFrom.get(name); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
