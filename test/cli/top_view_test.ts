import assert from "node:assert/strict";
import fc from "fast-check";
import type { Picture } from "../../src/admin/picture.ts";
import type { PicturedMachine } from "../../src/admin/picture_of_machine.ts";
import { statusOf } from "../../src/admin/status.ts";
import { afterKey, FIRST_VIEW, isShown, topScreen, type TopView } from "../../src/cli/top_view.ts";

function machine(name: string, more: Partial<PicturedMachine> = {}): PicturedMachine {
  return {
    name,
    requestId: "r",
    templateId: "small",
    state: "running",
    result: "succeed",
    since: 1_000,
    uid: "u",
    address: "10.0.0.1",
    node: "node-1",
    zone: "",
    returnId: undefined,
    goneAt: undefined,
    waitsFor: undefined,
    until: undefined,
    message: "",
    failure: undefined,
    ...more,
  };
}

function picture(machines: PicturedMachine[]): Picture {
  const service = {
    workdir: "/work",
    instance: "k8s-hf",
    server: undefined,
    lease: undefined,
    notServed: undefined,
    cluster: undefined,
    heardAt: 1_195,
    completeAt: 1_000,
    doubt: undefined,
    held: undefined,
    quarantined: [],
  };
  return { at: 1_200, service, machines, requests: [], returns: [], templates: [], nodes: [], problems: [] };
}

function screen(machines: PicturedMachine[], view: TopView, size: { columns: number; rows: number }): string[] {
  const shown = picture(machines);
  const content = { picture: shown, status: statusOf(shown), machines, explanation: undefined, now: 1_200 };
  return topScreen(content, view, size).map((parts) => parts.map(({ text }) => text).join(""));
}

const waiting = { state: "pending", waitsFor: "Unschedulable: no room", since: 1_100 } as const;

Deno.test("the screen tells how the grid is, and each machine", () => {
  assert.deepEqual(screen([machine("r-0"), machine("r-1", waiting)], FIRST_VIEW, { columns: 80, rows: 8 }), [
    "All is well  1 running, 1 waiting, 0 ended",
    "heard 5s ago, looked 0s ago",
    "",
    "NAME  STATE    AGE    TEMPLATE  NODE    WHY",
    "r-0   running  3m20s  small     node-1",
    "r-1   pending  1m40s  small     node-1  Unschedulable: no room",
    "",
    "q quit  s sort: name  / filter  Enter open  h help",
  ]);
});

Deno.test("a cluster that was never heard is said to be that", () => {
  const shown = picture([]);
  const unheard = { ...shown, service: { ...shown.service, heardAt: undefined } };
  const content = { picture: unheard, status: statusOf(unheard), machines: [], explanation: undefined, now: 1_201 };
  const [, line] = topScreen(content, FIRST_VIEW, { columns: 80, rows: 8 });
  assert.equal(line?.[0]?.text, "never heard, looked 1s ago");
});

Deno.test("it fits any terminal, however long the list, and the chosen machine stays in sight", () => {
  const machines = Array.from({ length: 100 }, (_, i) => machine(`machine-${i}`, i % 3 === 0 ? waiting : {}));
  const size = fc.record({ columns: fc.integer({ min: 10, max: 200 }), rows: fc.integer({ min: 3, max: 60 }) });
  fc.assert(fc.property(size, fc.nat({ max: 99 }), (size, chosen) => {
    const lines = screen(machines, { ...FIRST_VIEW, chosen }, size);
    assert.equal(lines.length, size.rows);
    for (const line of lines) assert.ok(line.length <= size.columns, line);
    const hasRoom = size.rows >= 8 && size.columns >= 12;
    if (hasRoom) assert.ok(lines.some((line) => line.startsWith(`machine-${chosen}`.slice(0, 9))), lines.join("\n"));
  }));
});

/** The view after some keys. */
function after(keys: string[], machines: PicturedMachine[] = [machine("r-0"), machine("r-1"), machine("r-2")]) {
  let view: TopView | "quit" = FIRST_VIEW;
  for (const key of keys) if (view !== "quit") view = afterKey(view, key, machines);
  return view;
}

Deno.test("keys choose, sort, filter, open and quit", () => {
  assert.deepEqual(after(["down", "j", "j", "j"]), { ...FIRST_VIEW, chosen: 2 });
  assert.deepEqual(after(["up"]), FIRST_VIEW);
  assert.deepEqual(after(["s", "s"]), { ...FIRST_VIEW, sort: "age" });
  assert.deepEqual(after(["j", "enter"]), { ...FIRST_VIEW, chosen: 1, opened: "r-1" });
  assert.deepEqual(after(["j", "enter", "j", "escape"]), { ...FIRST_VIEW, chosen: 1 });
  assert.deepEqual(after(["/", "q", "x", "backspace", "enter"]), { ...FIRST_VIEW, filter: "q" });
  assert.deepEqual(after(["/", "q", "escape"]), FIRST_VIEW);
  assert.equal(after(["q"]), "quit");
  assert.equal(after(["h", "q", "q"]), "quit");
  assert.equal(after(["/", "interrupt"]), "quit");
  assert.deepEqual(after(["enter"], []), FIRST_VIEW);
});

Deno.test("a filter finds names, states, templates, nodes and reasons", () => {
  const one = machine("r-0", waiting);
  for (const filter of ["", "R-0", "pend", "small", "node-1", "no room"]) assert.ok(isShown(one, filter), filter);
  assert.ok(!isShown(one, "running"));
});
