import { isDeepStrictEqual } from "node:util";
import { formatPointer, parsePointer } from "../json_pointer.ts";
import type { OrderedPod } from "../templates/podspec.ts";

/** Labels and annotations by which we know our pods: no hook changes them. */
const MARKS = /^(app$|symphony\/hostfactory-)/;

/**
 * The JSON pointers of changes that a hook was not allowed to make. Changes at or below `mayChange` are allowed, except
 * to the marks by which we know our pods.
 */
export function forbiddenChanges(sent: OrderedPod, answered: unknown, mayChange: readonly string[]): string[] {
  const isAllowed = (pointer: string) => {
    const isBelow = mayChange.some((allowed) => pointer === allowed || pointer.startsWith(`${allowed}/`));
    return isBelow && !isMark(pointer);
  };
  return [...differences(sent, answered, "", isAllowed)];
}

/** A part of a pod that was changed; `before` or `after` is absent if it was added or removed. */
export interface PodChange {
  /** A JSON pointer. */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** The differences between two pods, part by part. */
export function changesOf(before: unknown, after: unknown): PodChange[] {
  return [...differences(before, after, "", () => false)].map((path) => {
    const [was, is] = [valueAt(before, path), valueAt(after, path)];
    return { path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) };
  });
}

/** The value at a JSON pointer; `undefined` if there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
  return parsePointer(pointer).reduce<unknown>((at, key) => {
    if (typeof at !== "object" || at === null) return undefined;
    return Object.getOwnPropertyDescriptor(at, key)?.value;
  }, value);
}

/** The topmost pointers at which two values differ although that is not allowed. */
function* differences(
  before: unknown,
  after: unknown,
  pointer: string,
  isAllowed: (pointer: string) => boolean,
): Generator<string> {
  if (isDeepStrictEqual(before, after) || (isAllowed(pointer) && !holdsMarks(pointer))) return;
  if (!isObject(before) || !isObject(after)) return yield pointer;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* differences(before[key], after[key], pointer + formatPointer([key]), isAllowed);
  }
}

/** True for labels and annotations, in which single keys are protected even if the rest may be changed. */
function holdsMarks(pointer: string): boolean {
  return pointer === "/metadata/labels" || pointer === "/metadata/annotations";
}

function isMark(pointer: string): boolean {
  const [first, map = "", key] = parsePointer(pointer);
  return first === "metadata" && ["labels", "annotations"].includes(map) && key !== undefined && MARKS.test(key);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
