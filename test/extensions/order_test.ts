import assert from "node:assert/strict";
import fc from "fast-check";
import { type Orderable, orderExtensions } from "../../src/extensions/order.ts";

function extension(name: string, rest: Partial<Orderable> = {}): Orderable {
  return { name, category: undefined, before: [], after: [], priority: 0, ...rest };
}

Deno.test("what nothing else orders goes by priority, then by name", () => {
  const { order, loops } = orderExtensions([
    extension("d", { priority: 1 }),
    extension("c"),
    extension("a", { priority: 1 }),
    extension("b", { priority: -1 }),
  ]);
  assert.deepEqual({ order, loops }, { order: ["b", "c", "a", "d"], loops: [] });
});

Deno.test("before and after decide first, by name and by category", () => {
  const { order, after } = orderExtensions([
    extension("log", { priority: -9, after: ["category:network"] }),
    extension("mesh", { category: "network", priority: 5 }),
    extension("dns", { category: "network", priority: 6, before: ["mesh"] }),
    extension("first", { priority: 9, before: ["dns", "category:network"] }),
  ]);
  assert.deepEqual(order, ["first", "dns", "mesh", "log"]);
  assert.deepEqual(Object.fromEntries(after), {
    log: ["dns", "mesh"],
    mesh: ["dns", "first"],
    dns: ["first"],
    first: [],
  });
});

Deno.test("a name or category that no extension has orders nothing", () => {
  const { order, loops } = orderExtensions([
    extension("b", { before: ["nowhere", "category:none"] }),
    extension("a", { after: ["constructor"] }),
  ]);
  assert.deepEqual({ order, loops }, { order: ["a", "b"], loops: [] });
});

Deno.test("an extension that is before its whole category is not before itself", () => {
  const { order, loops } = orderExtensions([
    extension("a", { category: "x" }),
    extension("b", { category: "x", before: ["category:x"] }),
  ]);
  assert.deepEqual({ order, loops }, { order: ["b", "a"], loops: [] });
});

Deno.test("a loop stops its members alone, and is told with its shortest way round", () => {
  const { order, loops } = orderExtensions([
    extension("c", { before: ["a"] }),
    extension("a", { before: ["b", "late"] }),
    extension("b", { before: ["c", "a"] }),
    extension("late", { after: ["early", "c"] }),
    extension("early", { before: ["a"] }),
    extension("self", { before: ["self"] }),
  ]);
  assert.deepEqual(order, ["early", "late"]);
  assert.deepEqual(loops, [
    { members: ["a", "b", "c"], path: ["a", "b", "a"] },
    { members: ["self"], path: ["self", "self"] },
  ]);
});

const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
const categories = ["x", "y"];
const peers = fc.array(fc.constantFrom(...names, "none", ...categories.map((category) => `category:${category}`)), {
  maxLength: 3,
});
const graphs = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...names),
    category: fc.constantFrom(undefined, ...categories),
    before: peers,
    after: peers,
    priority: fc.integer({ min: -2, max: 2 }),
  }),
  { selector: ({ name }) => name },
);

/** Every pair of which the first has to be called before the second. */
function pairs(extensions: Orderable[]): [string, string][] {
  return extensions.flatMap((one) =>
    extensions.flatMap((other): [string, string][] => {
      const means = (entries: string[], { name, category }: Orderable, self: Orderable) =>
        entries.includes(name) ||
        (category !== undefined && name !== self.name && entries.includes(`category:${category}`));
      return means(one.before, other, one) || means(other.after, one, other) ? [[one.name, other.name]] : [];
    })
  );
}

/** Every name that leads back to itself. */
function onCycles(extensions: Orderable[]): Set<string> {
  const reached = new Set(pairs(extensions).map((pair) => pair.join(">")));
  const all = extensions.map(({ name }) => name);
  for (const via of all) {
    for (const from of all) {
      for (const to of all) {
        if (reached.has(`${from}>${via}`) && reached.has(`${via}>${to}`)) reached.add(`${from}>${to}`);
      }
    }
  }
  return new Set(all.filter((name) => reached.has(`${name}>${name}`)));
}

Deno.test("of any graph, those on a cycle are stopped and no other", () => {
  fc.assert(fc.property(graphs, (extensions) => {
    const { order, loops } = orderExtensions(extensions);
    const cycling = onCycles(extensions);
    assert.deepEqual(new Set(loops.flatMap(({ members }) => members)), cycling);
    const rest = extensions.map(({ name }) => name).filter((name) => !cycling.has(name));
    assert.deepEqual([...order].sort(), rest.sort());
  }));
});

Deno.test("of any graph, the order keeps every before and after among those that are not stopped", () => {
  fc.assert(fc.property(graphs, (extensions) => {
    const { order } = orderExtensions(extensions);
    for (const [earlier, later] of pairs(extensions)) {
      if (!order.includes(earlier) || !order.includes(later)) continue;
      assert.ok(order.indexOf(earlier) < order.indexOf(later), `${earlier} before ${later} in ${order}`);
    }
  }));
});

Deno.test("of any graph, each one is called as soon as it may be, the smaller priority first, then the name", () => {
  fc.assert(fc.property(graphs, (extensions) => {
    const { order } = orderExtensions(extensions);
    const of = new Map(extensions.map((one) => [one.name, one]));
    for (const [position, name] of order.entries()) {
      const called = order.slice(0, position);
      const free = order.slice(position).filter((one) =>
        pairs(extensions).every(([earlier, later]) =>
          later !== one || !order.includes(earlier) || called.includes(earlier)
        )
      );
      const key = (one: string) => [of.get(one)!.priority, one] as const;
      for (const other of free) {
        const [priority, mine] = key(name), [otherPriority, theirs] = key(other);
        assert.ok(priority < otherPriority || (priority === otherPriority && mine <= theirs));
      }
    }
  }));
});

Deno.test("of any graph, the way round a loop is one", () => {
  fc.assert(fc.property(graphs, (extensions) => {
    const known = new Set(pairs(extensions).map((pair) => pair.join(">")));
    for (const { path, members } of orderExtensions(extensions).loops) {
      assert.equal(path[0], path.at(-1));
      assert.ok(path.every((name) => members.includes(name)));
      for (let i = 1; i < path.length; i++) assert.ok(known.has(`${path[i - 1]}>${path[i]}`));
    }
  }));
});

Deno.test("the order is the same in whatever order the extensions are given", () => {
  const shuffled = graphs.chain((extensions) =>
    fc.tuple(fc.constant(extensions), fc.shuffledSubarray(extensions, { minLength: extensions.length }))
  );
  fc.assert(fc.property(shuffled, ([extensions, others]) => {
    assert.deepEqual(orderExtensions(others), orderExtensions(extensions));
  }));
});

Deno.test("a chain as long as there may be registrations is ordered", () => {
  const chain = Array.from({ length: 2_000 }, (_, i) => extension(`n${i}`, { after: i === 0 ? [] : [`n${i - 1}`] }));
  assert.equal(orderExtensions(chain.reverse()).order.at(-1), "n1999");
});
