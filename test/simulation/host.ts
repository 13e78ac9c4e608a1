import { ExitCode, HostFactoryError } from "../../src/errors.ts";
import { parseMachineName } from "../../src/hf/names.ts";
import type { Random } from "../../src/random.ts";
import { readCluster } from "../../src/workdir/cluster.ts";
import type { Locks } from "../../src/workdir/store/lock.ts";
import { Workdir } from "../../src/workdir/store/workdir.ts";
import { MemoryFiles, noSpace, readOnly } from "../support/memory_files.ts";
import type { SimulatedClock } from "../support/simulated_clock.ts";
import { happens } from "./chance.ts";
import { SimulatedDatabases } from "./database.ts";
import { Process } from "./process.ts";
import { NAMESPACE } from "./truth.ts";

export const WORKDIR = "/work";
export const CONFDIR = "/conf";
/** The authority of the cluster that is ours, and of another one. */
export const OWN_AUTHORITY = "-----BEGIN CERTIFICATE-----";
export const OTHER_AUTHORITY = `${OWN_AUTHORITY} of another cluster`;
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The templates, each with what becomes of its pods. */
export const TEMPLATES: Record<string, { behaviour?: string; finalizers?: string[] }> = {
  plain: {},
  crashes: { behaviour: "crashes" },
  completes: { behaviour: "completes" },
  unschedulable: { behaviour: "unschedulable" },
  "image-pull-fails": { behaviour: "image-pull-fails" },
  "crash-loops": { behaviour: "crash-loops" },
  stuck: { behaviour: "hangs-on-delete" },
  finalizer: { finalizers: ["example.com/hold"] },
};

const WRITES: ReadonlySet<string> = new Set([
  "writeText",
  "appendText",
  "symlink",
  "hardLink",
  "rename",
  "makeDirectory",
  "remove",
  "removeTree",
]);

/** What a full disk still takes. */
const NEEDS_NO_ROOM: ReadonlySet<string> = new Set(["rename", "remove", "removeTree"]);

/** What is wrong with the host now. */
export interface HostTrouble {
  disk: "well" | "full" | "read-only";
  /** How long an operation on a file takes, in milliseconds. */
  slowMs: number;
  /** How long a sync takes, in milliseconds, while everything else goes on. */
  syncMs: number;
  /** The share of notices of changes that get lost. */
  lostNotices: number;
}

export const NO_TROUBLE: Readonly<HostTrouble> = { disk: "well", slowMs: 0, syncMs: 0, lostNotices: 0 };

/** A management host: its disk, its clock, its locks, and the processes that run on it. */
export class Host {
  readonly name: string;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #processes = new Set<Process>();
  readonly #holders = new Map<string, Process>();
  #files: MemoryFiles;
  readonly databases = new SimulatedDatabases(WORKDIR, () => this.#files);
  /** How far the wall clock is ahead of the true time, in milliseconds. */
  skewMs = 0;
  trouble: HostTrouble = { ...NO_TROUBLE };
  /** When an operation on a file was last slow; on the monotonic clock. */
  slowAtMs = -Infinity;

  constructor(
    options: {
      name: string;
      /** By which it is known to the cluster. */
      token: string;
      clock: SimulatedClock;
      random: Random;
      /** Called before each operation of a process, and after each change of a file. */
      before: (who: Process, operation: string, path: string) => void;
      changed: (who: Process, path: string) => void;
    },
  ) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#files = furnished(new MemoryFiles({ now: () => this.#clock.now() + this.skewMs }), options.token);
    this.#before = options.before;
    this.#changed = options.changed;
  }

  readonly #before: (who: Process, operation: string, path: string) => void;
  readonly #changed: (who: Process, path: string) => void;

  /** The disk, for any process that looks at it from outside. */
  get files(): MemoryFiles {
    return this.#files;
  }

  /** What of the work directory is there, for any process that looks at it from outside. */
  get workdir(): Workdir {
    return new Workdir(WORKDIR, { files: this.#files, random: { next: () => 0 } });
  }

  /** @param options `aheadMs`: it runs on another machine that shares the disk, whose clock is so far ahead of this one's */
  start(name: string, { aheadMs = 0 }: { aheadMs?: number } = {}): Process {
    const process = new Process({
      name,
      clock: this.#clock,
      skewMs: () => this.skewMs + aheadMs,
      disk: () => this.#files,
      before: (who, operation, path) => {
        this.#before(who, operation, path);
        this.#trouble(operation);
      },
      changed: this.#changed,
      syncMs: () => this.trouble.syncMs,
      loseNotice: () => this.trouble.lostNotices > 0 && happens(this.#random, this.trouble.lostNotices),
    });
    this.#processes.add(process);
    process.onEnd(() => {
      this.#processes.delete(process);
      for (const [watcher, holder] of this.#holders) if (holder === process) this.#holders.delete(watcher);
    });
    return process;
  }

  /** Every process ends. */
  killAll(): void {
    for (const process of [...this.#processes]) process.kill();
  }

  /** The power fails: every process ends, and what was not synced may be lost. */
  crash(random: Random): void {
    this.killAll();
    this.#files = this.#files.crash(random);
    this.databases.forget();
  }

  /** Locks as the system has them: each dies with the process that holds it. */
  locks(process: Process): Locks {
    return {
      take: (_workdir, watcher, { isFenced = false } = {}) => {
        process.operation("lock", watcher);
        if (this.#holders.has(watcher) && !isFenced) {
          throw new HostFactoryError(`Cannot watch ${watcher}: another process does so already`, {
            exitCode: ExitCode.locked,
          });
        }
        this.#holders.set(watcher, process);
        return () => void (this.#holders.get(watcher) === process && this.#holders.delete(watcher));
      },
    };
  }

  /** When a serve of its directory was last told something by the cluster. */
  heardMs = -Infinity;

  /** The uid of the namespace that its machines belong in, once somebody has led it astray. */
  homeUid: string | undefined;

  /** Puts another token where the service account's is. */
  writeToken(token: string): void {
    this.writeAccount("token", token);
  }

  /** Changes what the service account says: of where the machines are, for example. */
  writeAccount(name: "token" | "namespace" | "ca.crt", text: string): void {
    this.#files.writeText(`${SERVICE_ACCOUNT}/${name}`, text);
    this.#files.beginSync(`${SERVICE_ACCOUNT}/${name}`)();
  }

  /**
   * Requests and returns would be carried out elsewhere: the credentials lead there, and no machine tells serve of the mistake;
   * or the directory has taken that for its place.
   */
  get isMisled(): boolean {
    const says = (name: string) => this.#files.readText(`${SERVICE_ACCOUNT}/${name}`);
    const isAstray = says("namespace") !== NAMESPACE || says("ca.crt") !== OWN_AUTHORITY;
    const { namespaceUid } = readCluster(this.workdir) ?? {};
    const isElsewhere = this.homeUid !== undefined && ![undefined, this.homeUid].includes(namespaceUid);
    const hasPods = this.workdir.names(this.workdir.layout.pods).some((name) => parseMachineName(name));
    return isElsewhere || isAstray && !hasPods;
  }

  #trouble(operation: string): void {
    const { disk, slowMs } = this.trouble;
    if (operation === "send" || operation === "receive") return;
    if (slowMs > 0) {
      this.#clock.pass(slowMs);
      this.slowAtMs = this.#clock.monotonic();
    }
    if (!WRITES.has(operation)) return;
    if (disk === "full" && !NEEDS_NO_ROOM.has(operation)) throw noSpace();
    if (disk === "read-only") throw readOnly();
  }
}

function furnished(files: MemoryFiles, token: string): MemoryFiles {
  for (const directory of [WORKDIR, CONFDIR, SERVICE_ACCOUNT]) files.makeDirectory(directory);
  const attributes = { type: ["String", "X86_64"], ncpus: ["Numeric", "1"], nram: ["Numeric", "1024"] };
  const templates = Object.keys(TEMPLATES).map((templateId) => ({
    templateId,
    maxNumber: -1,
    attributes,
    podSpec: `${templateId}.json`,
  }));
  const texts: [string, string][] = [[`${CONFDIR}/k8sprov_templates.json`, JSON.stringify({ templates })]];
  for (const [name, { behaviour, finalizers }] of Object.entries(TEMPLATES)) {
    const labels = behaviour === undefined ? {} : { labels: { "hostfactory.test/behaviour": behaviour } };
    const metadata = { ...labels, ...(finalizers === undefined ? {} : { finalizers }) };
    const manifest = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "c", image: "i" }] } };
    texts.push([`${CONFDIR}/${name}.json`, JSON.stringify(manifest)]);
  }
  texts.push([`${SERVICE_ACCOUNT}/token`, token], [`${SERVICE_ACCOUNT}/namespace`, "grid"]);
  texts.push([`${SERVICE_ACCOUNT}/ca.crt`, OWN_AUTHORITY]);
  for (const [path, text] of texts) {
    files.writeText(path, text);
    files.beginSync(path)();
  }
  const parts = SERVICE_ACCOUNT.split("/");
  for (let end = parts.length; end > 0; end--) files.beginSync(parts.slice(0, end).join("/") || "/")();
  for (const directory of [WORKDIR, CONFDIR]) files.beginSync(directory)();
  return files;
}
