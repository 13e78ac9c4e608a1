import { isDeepStrictEqual } from "node:util";
import type { OrderedPod } from "../templates/podspec.ts";

/** Labels and annotations by which we know our pods: no hook changes them. */
const MARKS = /^(app$|symphony\/hostfactory-)/;

/**
 * What a hook changed that it may not, each as a JSON pointer; it may change what lies at or below `mayChange`, but for what
 * makes the pod ours. Several changes that have one parent in common which is not allowed count as one each.
 */
export function forbiddenChanges(sent: OrderedPod, answered: unknown, mayChange: readonly string[]): string[] {
  const isAllowed = (pointer: string) => {
    const isBelow = mayChange.some((allowed) => pointer === allowed || pointer.startsWith(`${allowed}/`));
    return isBelow && !isMark(pointer);
  };
  return [...differences(sent, answered, "", isAllowed)];
}

/** The topmost pointers at which two values differ and that are not allowed to. */
function* differences(
  before: unknown,
  after: unknown,
  pointer: string,
  isAllowed: (pointer: string) => boolean,
): Generator<string> {
  if (isDeepStrictEqual(before, after) || (isAllowed(pointer) && !holdsMarks(pointer))) return;
  if (!isObject(before) || !isObject(after)) return yield pointer;
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* differences(before[key], after[key], `${pointer}/${escape(key)}`, isAllowed);
  }
}

/** True for the two maps that marks are in: they are looked into though they may be changed. */
function holdsMarks(pointer: string): boolean {
  return pointer === "/metadata/labels" || pointer === "/metadata/annotations";
}

function isMark(pointer: string): boolean {
  const key = /^\/metadata\/(?:labels|annotations)\/(.*)$/.exec(pointer)?.[1];
  return key !== undefined && MARKS.test(key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
