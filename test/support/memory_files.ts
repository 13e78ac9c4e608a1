import { Buffer } from "node:buffer";
import type {
  DirectoryEntry,
  FileInfo,
  Files,
  MakeOptions,
  ReadOptions,
  RemoveTreeOptions,
  User,
} from "../../src/files.ts";
import { refuseUnreadable, withoutMark } from "../../src/files.ts";
import { integerBetween, type Random } from "../../src/random.ts";

/** What all of them have. */
interface Common {
  inode: number;
  owner: User;
  mode: number;
  modifiedMs: number;
  /** It has been given another name: to count the names of anything takes long. */
  isLinked?: boolean;
}
interface FileNode extends Common {
  kind: "file";
  text: string;
  /** What a power failure leaves of the text; nothing where it was never synced. */
  syncedText: string | undefined;
  /** The number of the sync that this is of: one that began before it and ends after it changes nothing. */
  syncedBy: number;
}
interface LinkNode extends Common {
  kind: "symlink";
  target: string;
}
interface DirectoryNode extends Common {
  kind: "directory";
  entries: Map<string, Node>;
  /** What a power failure leaves of the entries. */
  syncedEntries: Map<string, Node>;
  /** How many changes these have seen. */
  synced: number;
  /** What each operation since then did to the entries: a rename within the directory is one. */
  changes: Map<string, Node | undefined>[];
}
/** A pipe, socket or device. */
interface OtherNode extends Common {
  kind: "other";
}
type Node = FileNode | LinkNode | DirectoryNode | OtherNode;

/**
 * What a crash leaves behind.
 *
 * - `everything`: the process was killed; the system lives on
 * - `synced`: the power failed; a text stays as it was last synced, a name where its directory was synced since
 * - `names`: the power failed on a system that writes names early and texts late; a text stays as it was last synced
 * - a source of randomness: the power failed on a system that writes what was not synced in any order, each directory in
 *   its own; chance says how far it had come
 */
export type CrashLeaves = "everything" | "synced" | "names" | Random;

/** What `MemoryFiles.copy` took. */
export interface Copy {
  readonly node: Node;
}

export interface Operation {
  /** The method of `Files` that was called. */
  name: Exclude<keyof Files, "watch" | "as" | "user">;
  /** Its arguments: for `symlink` the target first, for `rename` where from. */
  paths: string[];
}

const WRITES: ReadonlySet<string> = new Set([
  "writeText",
  "appendText",
  "symlink",
  "hardLink",
  "rename",
  "remove",
  "removeTree",
  "makeDirectory",
  "sync",
]);

/** What a process is to see when it dies: thrown by every operation from the one on that it died at. */
export class Killed extends Error {
  constructor() {
    super("killed");
  }
}

/** The files of a machine that exists only in memory, and that can be made to fail or to lose its power. */
export class MemoryFiles implements Files {
  #root: DirectoryNode;
  readonly #now: () => number;
  /** What no one may read or write, and directories that no one is to get into. */
  readonly #denied = new Set<Node>();
  readonly #guarded = new Set<Node>();
  #operation: Operation | undefined;
  #inodes = 1;
  #syncs = 0;
  /** What a sync waits for before it is done; by default nothing, and it is done by the time that the call returns. */
  syncing: () => Promise<void> | undefined = () => undefined;
  /** Operations that got into a guarded directory. */
  readonly trespasses: Operation[] = [];
  readonly #watches: { directory: string; changed: (directory: string) => void }[] = [];
  /** Every operation that was tried and changes or syncs something, in order. */
  readonly writes: Operation[] = [];
  /** Whom whatever is made belongs to. No one is kept from anything: see `deny`. */
  user: User = { uid: 1000, gid: 1000 };
  /** Called before each operation with its place among all writes (reads have that of the next write); what it throws, the operation throws. */
  before: (operation: Operation, write: number) => void = () => {};

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? (() => 0);
    this.#root = this.#directory();
  }

  /** Makes the n-th write from now on (from 0) fail, and no other. */
  failWrite(n: number, error: Error): void {
    const failing = this.writes.length + n;
    this.before = (operation, write) => {
      if (write === failing && WRITES.has(operation.name)) throw error;
    };
  }

  /** Makes every write that matches fail until told otherwise: `failWhere(() => false, …)`. */
  failWhere(matches: (operation: Operation) => boolean, error: Error): void {
    this.before = (operation) => {
      if (matches(operation)) throw error;
    };
  }

  /** Kills the process at its n-th write from now on (from 0): neither that nor anything after it is done. */
  killAt(n: number): void {
    const last = this.writes.length + n;
    let dead = false;
    this.before = (operation, write) => {
      dead ||= write === last && WRITES.has(operation.name);
      if (dead) throw new Killed();
    };
  }

  /** The machine after a crash, as a new one: works, and fails no more. */
  crash(leaves: CrashLeaves): MemoryFiles {
    const after = new MemoryFiles({ now: this.#now });
    after.#root = this.#survives(this.#root, leaves, new Map()) as DirectoryNode;
    after.#inodes = this.#inodes;
    after.#syncs = this.#syncs;
    return after;
  }

  /** Puts a pipe at a path: to open it would block for ever, which is told by an error here. */
  pipe(path: string): void {
    const { parent, name } = this.#place(path);
    this.#put(parent, name, { ...this.#fresh(0o644), kind: "other" });
  }

  as<T>(user: User, act: () => T): T {
    const before = this.user;
    this.user = user;
    try {
      return act();
    } finally {
      this.user = before;
    }
  }

  chown(path: string, user: User): void {
    this.#at(path).owner = user;
  }

  chmod(path: string, mode: number): void {
    this.#at(path).mode = mode;
  }

  /** Takes away all permissions on what is at a path. */
  deny(path: string): void {
    this.#denied.add(this.#at(path, { follow: false }));
  }

  /** Notes in `trespasses` who gets into a directory. */
  guard(path: string): void {
    this.#guarded.add(this.#at(path));
  }

  /** What is at a path, with everything below it, as a copy that can be put back. */
  copy(path: string): Copy {
    return { node: this.#copyOf(this.#at(path)) };
  }

  /** Puts a copy at a path, in the place of whatever is there, as `cp` and `sync` do: under new inodes. */
  putBack(path: string, { node }: Copy): void {
    const { parent, name } = this.#place(path);
    this.#put(parent, name, this.#copyOf(node));
    const synced = parent.synced + parent.changes.length;
    Object.assign(parent, { syncedEntries: new Map(parent.entries), synced, changes: [] });
    this.#tell(path);
  }

  #copyOf(node: Node): Node {
    const inode = this.#inodes++;
    if (node.kind === "file") return { ...node, inode, syncedText: node.text };
    if (node.kind !== "directory") return { ...node, inode };
    const entries = new Map([...node.entries].map(([name, below]) => [name, this.#copyOf(below)]));
    return { ...node, inode, entries, syncedEntries: new Map(entries), changes: [] };
  }

  /** Every path below a directory, hidden ones too, in order: a file with its text, a link with its target. */
  tree(directory: string): Record<string, string> {
    this.#operation = undefined; // It is a test that looks.
    const found: [string, string][] = [];
    const visit = (path: string, node: Node) => {
      if (node.kind === "file") found.push([path, node.text]);
      else if (node.kind === "other") found.push([path, "(pipe)"]);
      else if (node.kind === "symlink") found.push([path, `-> ${node.target}`]);
      else if (node.entries.size === 0 && path !== "") found.push([`${path}/`, ""]);
      else for (const [name, below] of node.entries) visit(path === "" ? name : `${path}/${name}`, below);
    };
    visit("", this.#at(directory));
    return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
  }

  /** Sets when something was last changed. */
  touch(path: string, modifiedMs: number): void {
    this.#at(path, { follow: false }).modifiedMs = modifiedMs;
  }

  readText(path: string, { mostBytes, followLinks = true }: ReadOptions = {}): string {
    this.#begin("readText", path);
    const node = this.#at(path, { follow: followLinks });
    refuseUnreadable(path, this.#infoOf(node), mostBytes);
    this.#open(node, path);
    if (node.kind !== "file") throw failure("IsADirectory", path);
    return withoutMark(node.text);
  }

  writeText(path: string, text: string, { mode }: MakeOptions = {}): void {
    this.#begin("writeText", path);
    const file = this.#file(path);
    file.text = text;
    file.mode = mode ?? file.mode;
    this.#tell(path);
  }

  appendText(path: string, text: string): void {
    this.#begin("appendText", path);
    this.#file(path).text += text;
    this.#tell(path);
  }

  symlink(target: string, path: string): void {
    this.#begin("symlink", target, path);
    const { parent, name, node } = this.#place(path);
    if (node) throw failure("AlreadyExists", path);
    this.#put(parent, name, { ...this.#fresh(0o777), kind: "symlink", target });
    this.#tell(path);
  }

  hardLink(existing: string, path: string): void {
    this.#begin("hardLink", existing, path);
    const source = this.#place(existing).node;
    if (!source) throw failure("NotFound", existing);
    const { parent, name, node } = this.#place(path);
    if (node) throw failure("AlreadyExists", path);
    if (source.kind === "directory") {
      throw withCode(new Deno.errors.PermissionDenied(`Operation not permitted (os error 1): '${existing}'`), "EPERM");
    }
    source.isLinked = true;
    this.#put(parent, name, source);
    this.#tell(path);
  }

  readLink(path: string): string {
    this.#begin("readLink", path);
    const node = this.#at(path, { follow: false });
    if (node.kind !== "symlink") throw withCode(new TypeError(`Invalid argument (os error 22): '${path}'`), "EINVAL");
    return node.target;
  }

  rename(from: string, to: string): void {
    this.#begin("rename", from, to);
    const source = this.#place(from);
    if (!source.node) throw failure("NotFound", from);
    const target = this.#place(to);
    if (source.node === target.node) return;
    if (target.node) this.#checkReplaceable(source.node, target.node, to);
    if (source.node.kind === "directory" && this.#holds(source.node, target.parent)) {
      throw withCode(new TypeError(`Invalid argument (os error 22): '${from}' -> '${to}'`), "EINVAL");
    }
    if (source.parent === target.parent) {
      this.#change(source.parent, new Map([[source.name, undefined], [target.name, source.node]]));
    } else {
      this.#change(source.parent, new Map([[source.name, undefined]]));
      this.#put(target.parent, target.name, source.node);
    }
    this.#tell(from);
    this.#tell(to);
  }

  remove(path: string): void {
    this.#begin("remove", path);
    const { parent, name, node } = this.#place(path);
    if (!node) throw failure("NotFound", path);
    if (node.kind === "directory" && node.entries.size > 0) throw notEmpty(path);
    this.#change(parent, new Map([[name, undefined]]));
    this.#tell(path);
  }

  removeTree(path: string, { followLinks = false, as }: RemoveTreeOptions = {}): void {
    if (as) return this.as(as, () => this.removeTree(path, { followLinks }));
    this.#begin("removeTree", path);
    const directory = path.slice(0, path.lastIndexOf("/")) || "/";
    if (!followLinks && this.#at(directory, { follow: false }).kind === "symlink") {
      throw withCode(new Error(`It is a symbolic link, or is being replaced: '${directory}'`), "ELOOP");
    }
    const { parent, name, node } = this.#place(path);
    if (!node) throw failure("NotFound", path);
    this.#change(parent, new Map([[name, undefined]]));
    this.#tell(path);
  }

  makeDirectory(path: string, { mode }: MakeOptions = {}): void {
    this.#begin("makeDirectory", path);
    let directory = this.#root;
    const parts = split(path);
    for (const [i, part] of parts.entries()) {
      const there = directory.entries.get(part);
      const node = there?.kind === "symlink" ? this.#follow(there, directoryOf(parts, i)) : there;
      if (there && node?.kind !== "directory") {
        throw failure(i < parts.length - 1 ? "NotADirectory" : "AlreadyExists", path);
      }
      if (node?.kind === "directory") directory = node;
      else this.#put(directory, part, directory = this.#directory(mode));
    }
    this.#tell(path);
  }

  list(path: string): DirectoryEntry[] {
    this.#begin("list", path);
    const node = this.#at(path);
    this.#open(node, path);
    if (node.kind !== "directory") throw failure("NotADirectory", path);
    // The last one first: no one may count on an order.
    return Array.from(node.entries, ([name, { kind }]) => ({ name, kind })).reverse();
  }

  info(path: string, { followLinks = false }: { followLinks?: boolean } = {}): FileInfo {
    this.#begin("info", path);
    return this.#infoOf(this.#at(path, { follow: followLinks }));
  }

  #infoOf(node: Node): FileInfo {
    return new NodeInfo(node, this.#root);
  }

  async sync(path: string): Promise<void> {
    const done = this.beginSync(path);
    const waiting = this.syncing();
    if (waiting) await waiting;
    done();
  }

  /** Begins a sync: what is there now survives a power failure from when the sync is done on. @returns what does it */
  beginSync(path: string): () => void {
    this.#begin("sync", path);
    const node = this.#at(path);
    refuseUnreadable(path, this.#infoOf(node), Infinity);
    this.#open(node, path);
    const number = ++this.#syncs;
    if (node.kind === "file") {
      const { text } = node;
      return () => {
        if (number > node.syncedBy) Object.assign(node, { syncedText: text, syncedBy: number });
      };
    }
    if (node.kind !== "directory") return () => {};
    const seen = node.synced + node.changes.length;
    return () => {
      // One that began later may have ended before.
      const changes = node.changes.splice(0, Math.max(0, seen - node.synced));
      for (const change of changes) apply(node.syncedEntries, change);
      node.synced += changes.length;
    };
  }

  watch(directories: string[], { signal, changed }: Parameters<Files["watch"]>[1]): void {
    for (const directory of directories) {
      const watch = { directory, changed };
      this.#watches.push(watch);
      signal.addEventListener("abort", () => this.#watches.splice(this.#watches.indexOf(watch), 1), { once: true });
    }
  }

  #begin(name: Operation["name"], ...paths: string[]): void {
    const operation = { name, paths };
    this.#operation = operation;
    const place = this.writes.length;
    if (WRITES.has(name)) this.writes.push(operation);
    this.before(operation, place);
  }

  #directory(mode = 0o755): DirectoryNode {
    return {
      ...this.#fresh(mode),
      kind: "directory",
      entries: new Map(),
      syncedEntries: new Map(),
      synced: 0,
      changes: [],
    };
  }

  #fresh(mode: number): Common {
    return { inode: this.#inodes++, owner: this.user, mode, modifiedMs: this.#now() };
  }

  #put(directory: DirectoryNode, name: string, node: Node): void {
    this.#change(directory, new Map([[name, node]]));
  }

  #change(directory: DirectoryNode, change: Map<string, Node | undefined>): void {
    apply(directory.entries, change);
    directory.changes.push(change);
    directory.modifiedMs = this.#now();
  }

  /** The file at a path, made if there is none. */
  #file(path: string): FileNode {
    const { parent, name, node } = this.#place(path);
    if (node?.kind === "directory") throw failure("IsADirectory", path);
    if (node?.kind === "symlink") return this.#file(resolveLink(node.target, path));
    if (node?.kind === "other") throw new Error(`This would block for ever: '${path}'`);
    if (node) this.#open(node, path);
    const file: FileNode = node ??
      { ...this.#fresh(0o644), kind: "file", text: "", syncedText: undefined, syncedBy: 0 };
    if (!node) this.#put(parent, name, file);
    file.modifiedMs = this.#now();
    return file;
  }

  /** The directory that a path's last name is in, and what has that name, its own self. */
  #place(path: string): { parent: DirectoryNode; name: string; node: Node | undefined } {
    const parts = split(path);
    const name = parts.at(-1);
    if (name === undefined) throw failure("NotFound", path);
    const parent = this.#at(directoryOf(parts, parts.length - 1));
    if (parent.kind !== "directory") throw failure("NotADirectory", path);
    this.#enter(parent, path);
    return { parent, name, node: parent.entries.get(name) };
  }

  #at(path: string, { follow = true, hops = 0 } = {}): Node {
    let node: Node = this.#root;
    const parts = split(path);
    for (let i = 0; i < parts.length; i++) {
      if (node.kind !== "directory") throw failure("NotADirectory", path);
      this.#enter(node, path);
      const next: Node | undefined = node.entries.get(parts[i] ?? "");
      if (!next) throw failure("NotFound", path);
      const isLast = i === parts.length - 1;
      node = next.kind === "symlink" && (follow || !isLast) ? this.#follow(next, directoryOf(parts, i), hops) : next;
    }
    return node;
  }

  #enter(directory: DirectoryNode, path: string): void {
    if (this.#guarded.has(directory) && this.#operation) this.trespasses.push(this.#operation);
    this.#open(directory, path);
  }

  #open(node: Node, path: string): void {
    if (this.#guarded.has(node) && this.#operation) this.trespasses.push(this.#operation);
    if (this.#denied.has(node)) {
      throw withCode(new Deno.errors.PermissionDenied(`Permission denied (os error 13): '${path}'`), "EACCES");
    }
  }

  #follow(link: LinkNode, directory: string, hops = 0): Node {
    if (hops === 40) throw failure("FilesystemLoop", link.target);
    return this.#at(resolveLink(link.target, `${directory}/link`), { hops: hops + 1 });
  }

  #checkReplaceable(source: Node, target: Node, path: string): void {
    if (source.kind === "directory" && target.kind !== "directory") throw failure("NotADirectory", path);
    if (source.kind !== "directory" && target.kind === "directory") throw failure("IsADirectory", path);
    if (target.kind === "directory" && target.entries.size > 0) throw notEmpty(path);
  }

  #holds(directory: DirectoryNode, wanted: DirectoryNode): boolean {
    if (directory === wanted) return true;
    return [...directory.entries.values()].some((node) => node.kind === "directory" && this.#holds(node, wanted));
  }

  /** @param known what became of nodes that have several names */
  #survives(node: Node, leaves: CrashLeaves, known: Map<Node, Node>): Node {
    const before = known.get(node);
    if (before) return before;
    if (node.kind === "symlink" || node.kind === "other") {
      const after = { ...node };
      known.set(node, after);
      return after;
    }
    if (node.kind === "file") {
      const text = survivingText(node, leaves);
      const after = { ...node, text, syncedText: text };
      known.set(node, after);
      return after;
    }
    const entries = new Map<string, Node>();
    for (const [name, below] of survivingEntries(node, leaves)) {
      entries.set(name, this.#survives(below, leaves, known));
    }
    return { ...node, entries, syncedEntries: new Map(entries), changes: [] };
  }

  #tell(path: string): void {
    const directory = path.slice(0, path.lastIndexOf("/"));
    for (const watch of [...this.#watches]) {
      if (watch.directory === directory) queueMicrotask(() => watch.changed(directory));
    }
  }
}

/** What is said of a node. Most of it is rarely asked for, and takes long to tell. */
class NodeInfo implements FileInfo {
  readonly kind: FileInfo["kind"];
  readonly inode: number;
  readonly modifiedMs: number;
  readonly owner: User;
  readonly mode: number;
  readonly #node: Node;
  readonly #root: DirectoryNode;

  constructor(node: Node, root: DirectoryNode) {
    this.kind = node.kind;
    this.inode = node.inode;
    this.modifiedMs = node.modifiedMs;
    this.owner = node.owner;
    this.mode = node.mode;
    this.#node = node;
    this.#root = root;
  }

  /** A file that is changed meanwhile has the size that it has then. */
  get size(): number {
    const node = this.#node;
    if (node.kind === "file") return Buffer.byteLength(node.text);
    return node.kind === "symlink" ? Buffer.byteLength(node.target) : 4096;
  }

  get links(): number {
    const node = this.#node;
    return node.kind === "directory" || node.isLinked ? countNames(node, this.#root) : 1;
  }
}

function apply(entries: Map<string, Node>, change: Map<string, Node | undefined>): void {
  for (const [name, node] of change) {
    if (node) entries.set(name, node);
    else entries.delete(name);
  }
}

/** What was not synced may be there, be torn, or not be there at all; what is only appended leaves what was synced whole. */
function survivingText({ text, syncedText }: FileNode, leaves: CrashLeaves): string {
  if (leaves === "everything" || text === syncedText) return text;
  if (typeof leaves === "string") return syncedText ?? "";
  const whole = syncedText !== undefined && text.startsWith(syncedText) ? syncedText.length : 0;
  const torn = text.slice(0, integerBetween(leaves, whole, text.length));
  return [text, syncedText ?? "", torn][integerBetween(leaves, 0, 2)] ?? "";
}

function survivingEntries(directory: DirectoryNode, leaves: CrashLeaves): Map<string, Node> {
  if (leaves === "everything" || leaves === "names") return directory.entries;
  const entries = new Map(directory.syncedEntries);
  if (leaves === "synced") return entries;
  const { changes } = directory;
  // 1. As far as some moment, all in order.
  if (leaves.next() < 0.5) {
    for (const change of changes.slice(0, integerBetween(leaves, 0, changes.length))) apply(entries, change);
    return entries;
  }
  // 2. Some of it, in whatever order.
  for (const change of changes) if (leaves.next() < 0.5) apply(entries, change);
  return entries;
}

function countNames(node: Node, below: DirectoryNode): number {
  let names = 0;
  for (const one of below.entries.values()) {
    if (one === node) names++;
    else if (one.kind === "directory") names += countNames(node, one);
  }
  return names;
}

/** A full disk, as the system reports it. */
export function noSpace(): Error {
  return withCode(new Error("No space left on device (os error 28)"), "ENOSPC");
}

/** A file system that takes no writes any more, as the system reports it. */
export function readOnly(): Error {
  return withCode(new Error("Read-only file system (os error 30)"), "EROFS");
}

/** Too many open files, as the system reports it. */
export function noDescriptors(): Error {
  return withCode(new Error("Too many open files (os error 24)"), "EMFILE");
}

/** Another process's file, as the system reports it. */
export function notPermitted(): Error {
  return withCode(new Deno.errors.PermissionDenied("Permission denied (os error 13)"), "EACCES");
}

const FAILURES = {
  NotFound: ["ENOENT", "No such file or directory (os error 2)"],
  NotADirectory: ["ENOTDIR", "Not a directory (os error 20)"],
  IsADirectory: ["EISDIR", "Is a directory (os error 21)"],
  AlreadyExists: ["EEXIST", "File exists (os error 17)"],
  FilesystemLoop: ["ELOOP", "Too many levels of symbolic links (os error 40)"],
} as const;

/** Made without the constructor: most of what an error costs is to find out where it is made. */
function failure(kind: keyof typeof FAILURES, path: string): Error {
  const [code, text] = FAILURES[kind];
  const message = `${text}: '${path}'`;
  return Object.assign(Object.create(Deno.errors[kind].prototype), { name: kind, message, code, stack: message });
}

function notEmpty(path: string): Error {
  return withCode(new Error(`Directory not empty (os error 39): '${path}'`), "ENOTEMPTY");
}

function withCode(error: Error, code: string): Error {
  return Object.assign(error, { code });
}

/** Paths that were split before: the same few are asked for over and over. */
const splits = new Map<string, readonly string[]>();

function split(path: string): readonly string[] {
  let parts = splits.get(path);
  if (!parts) {
    if (splits.size >= 50_000) splits.clear();
    splits.set(path, parts = partsOf(path));
  }
  return parts;
}

function partsOf(path: string): string[] {
  if (path.includes("\0")) {
    throw withCode(new TypeError("file name contained an unexpected NUL byte"), "EINVAL");
  }
  if (!path.startsWith("/")) throw failure("NotFound", path);
  const parts: string[] = [];
  for (const part of path.split("/")) {
    // No link that a test makes is followed by `..`.
    if (part === "..") parts.pop();
    else if (part.length > 85 && Buffer.byteLength(part) > 255) {
      throw withCode(new Error(`File name too long (os error 36): '${path}'`), "ENAMETOOLONG");
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function directoryOf(parts: readonly string[], last: number): string {
  return `/${parts.slice(0, last).join("/")}`;
}

/** Where a link leads, from the path that it is at. */
function resolveLink(target: string, path: string): string {
  return target.startsWith("/") ? target : `${path.slice(0, path.lastIndexOf("/"))}/${target}`;
}
