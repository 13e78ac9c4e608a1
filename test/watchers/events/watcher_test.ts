import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { epochSeconds } from "../../../src/clock.ts";
import { type EventStore, isOurDatabase, openEventStore } from "../../../src/events/database.ts";
import { copyEvents } from "../../../src/events/database_copy.ts";
import { type Files, ifThere, systemFiles } from "../../../src/files.ts";
import { startLogging } from "../../../src/log.ts";
import { seededRandom } from "../../../src/random.ts";
import { type EventsOptions, EventsWatcher } from "../../../src/watchers/events/watcher.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { query } from "../../support/events_database.ts";
import { legacyEvents, sorted } from "../../support/legacy_events.ts";
import { Killed } from "../../support/memory_files.ts";
import { SimulatedClock } from "../../support/simulated_clock.ts";

/** A work directory on a real disk, with these batches in its spool. */
class Place {
  readonly root = Deno.makeTempDirSync();
  readonly dbfile = `${this.root}/events.db`;
  readonly clock = new SimulatedClock();
  readonly lines: string[] = [];

  constructor(batches: Record<string, string> = {}) {
    Deno.mkdirSync(`${this.root}/events`);
    this.put(batches);
    const writeError = (line: string) => this.lines.push(line.replace(/^\S+ +\w+ +\w+: /, ""));
    startLogging({ level: "info", file: undefined, files: systemFiles, writeError });
  }

  put(batches: Record<string, string>): void {
    for (const [name, text] of Object.entries(batches)) Deno.writeTextFileSync(`${this.root}/events/${name}`, text);
  }

  watcher(options: Partial<EventsOptions> = {}, files: Files = systemFiles): EventsWatcher {
    const workdir = new Workdir(this.root, { files, random: seededRandom(1) });
    const { clock, dbfile } = this;
    return new EventsWatcher({ workdir, clock }, { dbfile, skipEvents: true, open: openEventStore, ...options });
  }

  step(watcher: EventsWatcher): ReturnType<EventsWatcher["step"]> {
    return watcher.step(new AbortController().signal);
  }

  /** Stores what there is by a process of its own. */
  async store(): Promise<void> {
    const watcher = this.watcher();
    await this.step(watcher);
    await watcher.drained();
  }

  get spool(): string[] {
    return Array.from(Deno.readDirSync(`${this.root}/events`), ({ name }) => name).sort();
  }

  rows(columns = "*"): unknown[][] {
    using database = new DatabaseSync(this.dbfile, { readOnly: true });
    return database.prepare(`SELECT ${columns} FROM events`).all().map((row) => Object.values(row));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const event = (id: string, status = "created") => ({ category: "pod", id, status, timestamp: 1_795_000_000 });
const batches = {
  a: JSON.stringify([event("req-0"), event("req-1")]),
  b: JSON.stringify(event("req-2")),
  c: JSON.stringify([event("req-0"), event("req-0", "ready")]),
};
const stored = [["req-0", "created"], ["req-0", "ready"], ["req-1", "created"], ["req-2", "created"]];

Deno.test("the legacy plug-in's spool is stored as it would have stored it, and is empty then", async () => {
  using place = new Place(legacyEvents.spool);
  const legacy = new DatabaseSync(place.dbfile);
  for (const statement of legacyEvents.schema) legacy.exec(statement);
  const insert = legacy.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const row of legacyEvents.before) insert.run(...row);
  legacy.close();
  await place.store();
  assert.deepEqual(sorted(place.rows()), sorted([...legacyEvents.before, ...legacyEvents.added]));
  assert.deepEqual(place.spool, []);
});

Deno.test("what is in the spool is shown before it is stored, also while it cannot be", async () => {
  using place = new Place({ a: batches.a, metric: '{"category":"metric","timestamp":1,"load":2}' });
  Deno.mkdirSync(place.dbfile);
  const seen: unknown[] = [];
  const watcher = place.watcher({ saw: (events) => seen.push(...events.map(({ category }) => category)) });
  await place.step(watcher);
  assert.deepEqual(seen.sort(), ["metric", "pod", "pod"]);
  assert.deepEqual(place.spool, ["a", "metric"]);
});

Deno.test("hidden files, directories and links are none of the spool's", async () => {
  using place = new Place({ ".new-1": batches.a });
  Deno.mkdirSync(`${place.root}/events/directory`);
  Deno.symlinkSync("/etc/hostname", `${place.root}/events/link`);
  await place.store();
  assert.deepEqual(place.spool, [".new-1", "directory", "link"]);
});

/** Runs a step that dies before its n-th operation on a file or the database, or is over before that. @returns if it died */
async function dieAt(place: Place, n: number): Promise<boolean> {
  let [count, isDead] = [0, false];
  const dies = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          isDead ||= count++ === n;
          if (isDead) throw new Killed();
          return value.apply(target, args);
        };
      },
    });
  const real: EventStore[] = [];
  const open = (path: string) => {
    const store = openEventStore(path);
    real.push(store);
    return dies(store);
  };
  const watcher = place.watcher({ open }, dies({ ...systemFiles }));
  await place.step(watcher).catch(() => {});
  for (const store of real) {
    try {
      store.close();
    } catch {
      // It closed it itself.
    }
  }
  return isDead;
}

Deno.test("killed at any operation, every event is stored once, and no batch is left", async () => {
  let n = 0;
  for (let died = true; died; n++) {
    using place = new Place(batches);
    died = await dieAt(place, n);
    await place.store();
    assert.deepEqual(sorted(place.rows("id, value")), sorted(stored), `killed at ${n}`);
    assert.deepEqual(place.spool, [], `killed at ${n}`);
  }
  assert.ok(n > 20, "there was much to be killed at");
});

Deno.test("a batch is removed once what was stored of it survives a power failure", async () => {
  using place = new Place({ a: batches.a });
  const done: string[] = [];
  const told = <T extends object>(target: T, names: string[]): T =>
    new Proxy(target, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (names.includes(String(name))) {
            done.push(`${String(name)} ${args[0] ?? ""}`.replace(place.root, "").trim());
          }
          return value.apply(target, args);
        };
      },
    });
  const open = (path: string) => told(openEventStore(path), ["commit"]);
  const watcher = place.watcher({ open }, told({ ...systemFiles }, ["sync", "remove"]));
  await place.step(watcher);
  place.put({ b: batches.b });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(done, [
    ...["commit", "sync /events.db-wal", "sync", "remove /events/a"],
    ...["commit", "sync /events.db-wal", "remove /events/b"],
  ]);
});

const troubles: [what: string, begin: (place: Place) => () => void, options: Partial<EventsOptions>, said: RegExp][] = [
  [
    "locked",
    (place) => {
      const other = new DatabaseSync(place.dbfile);
      other.exec("CREATE TABLE other (x); BEGIN EXCLUSIVE");
      return () => other.close();
    },
    {},
    /database is locked \(end what writes to it, or wait\)/,
  ],
  [
    "corrupt",
    (place) => {
      Deno.writeTextFileSync(place.dbfile, "no database, and long enough for that to be seen by whoever looks");
      return () => Deno.removeSync(place.dbfile);
    },
    {},
    /file is not a database \(move it away: a new one is made\)/,
  ],
  [
    "a directory",
    (place) => {
      Deno.mkdirSync(place.dbfile);
      return () => Deno.removeSync(place.dbfile);
    },
    {},
    /it is no file: '.*' \(move it away: a new one is made\)/,
  ],
  [
    "read-only",
    () => () => {},
    failing("attempt to write a readonly database"),
    /\(make it and its directory writable/,
  ],
  ["full", () => () => {}, failing("database or disk is full"), /\(make room on its disk\)/],
];

/** A database whose first insert fails, and nothing from then on. */
function failing(message: string): Partial<EventsOptions> {
  let isOver = false;
  const open = (path: string): EventStore => {
    const store = openEventStore(path);
    const insert = store.insert.bind(store);
    store.insert = (row) => {
      if (isOver) return insert(row);
      isOver = true;
      throw new Error(message);
    };
    return store;
  };
  return { open };
}

for (const [what, begin, options, said] of troubles) {
  Deno.test(`while the database is ${what} the spool waits, which is said once; then all of it is stored`, async () => {
    using place = new Place(batches);
    const end = begin(place);
    const watcher = place.watcher(options);
    assert.equal((await place.step(watcher)).kind, "again");
    if (!options.open) await place.step(watcher);
    assert.deepEqual(place.spool, ["a", "b", "c"]);
    assert.equal(watcher.counts.spooledBatches, 3);
    end();
    await place.step(watcher);
    await watcher.drained();
    assert.deepEqual(sorted(place.rows("id, value")), sorted(stored));
    assert.deepEqual(place.spool, []);
    assert.equal(place.lines.length, 2, place.lines.join("\n"));
    assert.match(place.lines[0] ?? "", said);
    assert.equal(place.lines[1], "Events are stored again");
  });
}

Deno.test("what waits is bounded: the oldest go, which is said and counted", async () => {
  using place = new Place();
  for (let i = 0; i < 6; i++) {
    place.put({ [`batch-${i}`]: batches.a });
    Deno.utimeSync(`${place.root}/events/batch-${i}`, 1_000 + i, 1_000 + i);
  }
  Deno.mkdirSync(place.dbfile);
  const watcher = place.watcher({ limits: { files: 4, bytes: 3 * batches.a.length } });
  await place.step(watcher);
  assert.deepEqual(place.spool, ["batch-3", "batch-4", "batch-5"]);
  assert.deepEqual(watcher.counts, { spooledBatches: 3, droppedBatches: 3 });
  assert.match(place.lines.join("\n"), /Event batches dropped batches=3 .*too many wait/);
});

Deno.test("a database that is taken away, or replaced, is made again", async () => {
  using place = new Place({ a: batches.a });
  const watcher = place.watcher();
  await place.step(watcher);
  for (const name of ["events.db", "events.db-wal", "events.db-shm"]) Deno.removeSync(`${place.root}/${name}`);
  place.put({ b: batches.b });
  await place.step(watcher);
  assert.deepEqual(place.rows("id"), [["req-2"]]);
  for (const name of ["events.db-wal", "events.db-shm"]) Deno.removeSync(`${place.root}/${name}`);
  Deno.writeTextFileSync(`${place.root}/other`, "");
  Deno.renameSync(`${place.root}/other`, place.dbfile);
  place.put({ c: batches.c });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.rows("value"), [["created"], ["ready"]]);
});

Deno.test("the database is made with its directory, and for its owner alone", async () => {
  using place = new Place({ a: batches.a });
  const dbfile = `${place.root}/elsewhere/grid.db`;
  const watcher = place.watcher({ dbfile });
  await place.step(watcher);
  await watcher.drained();
  assert.equal((Deno.statSync(dbfile).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(place.spool, []);
});

Deno.test("asked to, the database is rotated, once, with all that was waiting, and the next event begins another", async () => {
  using place = new Place({ a: batches.a });
  let asked = 0;
  const watcher = place.watcher({ rotations: () => asked });
  const rotated = `${place.root}/events.${place.clock.now()}`;
  await place.step(watcher);
  place.put({ b: batches.b });
  asked++;
  await place.step(watcher);
  await place.step(watcher);
  const databases = Array.from(Deno.readDirSync(place.root), ({ name }) => name).filter((name) => name !== "events");
  assert.deepEqual(databases, [rotated.slice(place.root.length + 1)], "one file, and no log beside it");
  place.put({ c: batches.c });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.rows("id, value"), [["req-0", "created"], ["req-0", "ready"]]);
  Deno.renameSync(rotated, place.dbfile);
  assert.deepEqual(place.rows("id"), [["req-0"], ["req-1"], ["req-2"]]);
});

Deno.test("while another process reads it the database is not rotated; nor is one that nothing was stored in", async () => {
  using place = new Place({ a: batches.a });
  let asked = 0;
  const watcher = place.watcher({ rotations: () => asked });
  await place.step(watcher);
  const reader = new DatabaseSync(place.dbfile, { readOnly: true });
  reader.prepare("SELECT * FROM events").all();
  asked++;
  await place.step(watcher);
  assert.equal(place.rows().length, 2);
  reader.close();
  await place.step(watcher);
  assert.throws(() => place.rows());
  asked++;
  await place.step(watcher);
  place.put({ b: batches.b });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.rows("id"), [["req-2"]], "what is asked for while there is none is not remembered");
});

Deno.test("without a batch no database is made", async () => {
  using place = new Place();
  assert.deepEqual(await place.step(place.watcher()), { kind: "again", atMs: place.clock.monotonic() + 1_000 });
  assert.deepEqual(Array.from(Deno.readDirSync(place.root), ({ name }) => name), ["events"]);
});

Deno.test("a copy that is asked for has what was stored with that, and says how far it is", async () => {
  using place = new Place({
    a: batches.a,
    b: JSON.stringify({ sqlite_backup: "by/hand 1", sqlite_backup_pages: 1000 }),
  });
  const watcher = place.watcher({ copy: copyEvents });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.spool, []);
  const stamp = new Date(place.clock.now()).toISOString().slice(0, 19).replace(/[-:T]/g, "");
  const names = Array.from(Deno.readDirSync(`${place.root}/backups`), ({ name }) => name).sort();
  assert.deepEqual(names, [`backup_progress_byhand1_${stamp}.log`, `events_bkp_byhand1_${stamp}.db`]);
  const copied = query(`${place.root}/backups/${names[1]}`, "SELECT * FROM events");
  assert.deepEqual(sorted(copied), sorted(place.rows()));
  const lines = Deno.readTextFileSync(`${place.root}/backups/${names[0]}`).trimEnd().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "");
  assert.deepEqual(Object.keys(last), ["copied_pages", "total_pages", "percent_complete", "timestamp"]);
  assert.equal(last.percent_complete, 100);
  assert.equal(last.copied_pages, last.total_pages);
});

Deno.test("a copy that cannot be made is said, and holds nothing up", async () => {
  using place = new Place({ a: batches.a, b: JSON.stringify({ sqlite_backup: "x" }) });
  Deno.writeTextFileSync(`${place.root}/backups`, "in the way");
  const watcher = place.watcher({ copy: copyEvents });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.spool, []);
  assert.match(place.lines.join("\n"), /Events database cannot be copied/);
});

Deno.test("what is past goes: rows, and databases that were rotated or copied, the oldest first", async () => {
  using place = new Place({ a: batches.a });
  const day = 86_400;
  const nowMs = place.clock.now();
  const old = JSON.stringify([{ ...event("old-0"), timestamp: Math.floor(nowMs / 1000) - 3 * day }]);
  place.put({ a: old, b: JSON.stringify([{ ...event("req-0"), timestamp: Math.floor(nowMs / 1000) }]) });
  const aged = (name: string, days: number, bytes = 10) => {
    Deno.writeTextFileSync(`${place.root}/${name}`, "x".repeat(bytes));
    Deno.utimeSync(`${place.root}/${name}`, nowMs / 1000 - days * day, nowMs / 1000 - days * day);
  };
  Deno.mkdirSync(`${place.root}/backups`);
  aged("events.1795000000000", 3);
  aged("events.1795000000001", 1);
  aged("events.1795000000002", 1.5, 1_000_000);
  aged("events.other", 9);
  aged("backups/events_bkp_x_20261101000000.db", 3);
  aged("backups/mine.db", 9);
  const limits = { retainSeconds: 2 * day, mostBytes: 500_000 };
  const watcher = place.watcher({ retention: { ours: limits, others: limits, isOurs: () => true } });
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual(place.rows("id"), [["req-0"]]);
  const names = Array.from(Deno.readDirSync(place.root), ({ name }) => name).filter((name) =>
    name.startsWith("events.") && !/-(shm|wal)$/.test(name)
  );
  assert.deepEqual(names.sort(), ["events.1795000000001", "events.db", "events.other"]);
  assert.deepEqual(Array.from(Deno.readDirSync(`${place.root}/backups`), ({ name }) => name), ["mine.db"]);
});

Deno.test("a clock that leaps a year ahead makes nothing old", async () => {
  using place = new Place({
    a: JSON.stringify([{ ...event("req-0"), timestamp: epochSeconds(new SimulatedClock().now()) }]),
  });
  const limits = { retainSeconds: 86_400, mostBytes: 10_000_000 };
  const watcher = place.watcher({ retention: { ours: limits, others: limits, isOurs: () => true } });
  await place.step(watcher);
  const rotated = `${place.root}/events.1795000000000`;
  Deno.writeTextFileSync(rotated, "x");
  Deno.utimeSync(rotated, place.clock.now() / 1000, place.clock.now() / 1000);
  place.clock.setNow(place.clock.now() + 365 * 86_400_000);
  await place.clock.advance(120_000);
  await place.step(watcher);
  await watcher.drained();
  assert.deepEqual([place.rows("id"), ifThere(() => systemFiles.info(rotated))?.size], [[["req-0"]], 1]);
});

Deno.test("of what the legacy plug-in wrote, nothing goes unless that was asked for", async () => {
  using place = new Place();
  const day = 86_400;
  const nowSeconds = Math.floor(place.clock.now() / 1000);
  const insert = `INSERT INTO events VALUES ('', '', 'pod', 'old-0', ${nowSeconds - 400 * day}, 'status', 'created')`;
  const legacy = (name: string) => {
    using database = new DatabaseSync(`${place.root}/${name}`);
    for (const statement of [...legacyEvents.schema, insert]) database.exec(statement);
  };
  const aged = (name: string) =>
    Deno.utimeSync(`${place.root}/${name}`, nowSeconds - 400 * day, nowSeconds - 400 * day);
  Deno.mkdirSync(`${place.root}/backups`);
  const names = ["events.1780000000000", "backups/events_bkp_x_20261101000000.db"];
  for (const name of ["events.db", ...names]) legacy(name);
  openEventStore(`${place.root}/ours.db`).close();
  Deno.renameSync(`${place.root}/ours.db`, `${place.root}/events.1780000000001`);
  const copying = copyEvents(place.dbfile, `${place.root}/backups/events_bkp_y_20261101000000.db`);
  while (copying.step() < 1);
  copying.close();
  Deno.writeTextFileSync(`${place.root}/backups/events_bkp_z_20261101000000.db`, "no database");
  names.push("backups/events_bkp_y_20261101000000.db", "backups/events_bkp_z_20261101000000.db");
  for (const name of [...names, "events.1780000000001"]) aged(name);
  const stored = async (options: Partial<EventsOptions>) => {
    place.put({ a: JSON.stringify({ ...event("req-0"), timestamp: nowSeconds }) });
    const watcher = place.watcher(options);
    await place.step(watcher);
    await watcher.drained();
    return place.rows("id").flat().sort();
  };
  const limits = { retainSeconds: day, mostBytes: 10_000_000 };
  const unlimited = { retainSeconds: Infinity, mostBytes: Infinity };
  const isThere = (name: string) => ifThere(() => systemFiles.info(`${place.root}/${name}`)) !== undefined;
  const there = () => names.filter(isThere);

  const byDefault = { ours: limits, others: unlimited, isOurs: isOurDatabase };
  assert.deepEqual(await stored({ retention: byDefault }), ["old-0", "req-0"]);
  assert.deepEqual([there(), isThere("events.1780000000001")], [names, false]);
  assert.match(place.lines.join("\n"), /The legacy plug-in began this events database: all of it is kept/);

  assert.deepEqual(await stored({ retention: { ...byDefault, others: limits } }), ["req-0"]);
  assert.deepEqual(there(), []);
});

Deno.test("a log that has become long is synced, moved into the database, and let go once that is synced", async () => {
  using place = new Place(batches);
  const done: string[] = [];
  const files: Files = {
    ...systemFiles,
    async sync(path) {
      await systemFiles.sync(path);
      done.push(`sync ${path.slice(place.root.length)}`);
    },
  };
  const open = (path: string): EventStore => {
    const store = openEventStore(path);
    const moveLog = store.moveLog.bind(store);
    store.moveLog = () => {
      const { move, end } = moveLog();
      done.push("begin");
      return { move: () => void (move(), done.push("move")), end: () => void (end(), done.push("end")) };
    };
    return store;
  };
  const watcher = place.watcher({ open, mostLogged: 4 }, files);
  await place.step(watcher);
  assert.deepEqual(done, ["begin", "sync /events.db-wal", "sync ", "move", "sync /events.db", "end"]);
  done.length = 0;
  place.put({ d: batches.a });
  await place.step(watcher);
  assert.deepEqual(done, ["sync /events.db-wal"]);
  await watcher.drained();
});
