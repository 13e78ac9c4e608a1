import { integerBetween, type Random } from "../random.ts";

/**
 * The longest name that may become a host name, a label value and a pod name at once (source: RFC 1123 labels, to which
 * Kubernetes holds label values and host names).
 */
const LONGEST_LABEL = 63;

/**
 * The most machines in one request or question: three times the largest grid, and what a verb can still answer in time.
 */
export const MOST_MACHINES = 30_000;

/** How long the id in `<request id>-<index>` may be, so that a label has room for the index of a millionth machine. */
const LONGEST_REQUEST_ID = LONGEST_LABEL - 7;

const REQUEST_ID = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** A request id, as above, and an index. */
const MACHINE_NAME = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)-(0|[1-9][0-9]*)$/;

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const LETTERS_AND_DIGITS = `${LETTERS}0123456789`;

/**
 * A fresh request id: 12 characters, a lower-case letter and then letters or digits, as the legacy plug-in has them.
 */
export function newRequestId(random: Random): string {
  let id = LETTERS[integerBetween(random, 0, LETTERS.length - 1)] ?? "";
  while (id.length < 12) id += LETTERS_AND_DIGITS[integerBetween(random, 0, LETTERS_AND_DIGITS.length - 1)] ?? "";
  return id;
}

/** True if the id can be a directory, a label value, and the start of a pod's name. */
export function isRequestId(id: string): boolean {
  return id.length <= LONGEST_REQUEST_ID && REQUEST_ID.test(id);
}

/** A machine's name, which is its pod's and its host's, too. */
export function machineName(requestId: string, index: number): string {
  return `${requestId}-${index}`;
}

/** The request and the index that a machine's name holds, or `undefined` if we cannot have issued the name. */
export function parseMachineName(name: string): { requestId: string; index: number } | undefined {
  if (name.length > LONGEST_LABEL) return undefined;
  const match = MACHINE_NAME.exec(name);
  const requestId = match?.[1];
  if (!match || requestId === undefined || requestId.length > LONGEST_REQUEST_ID) return undefined;
  return { requestId, index: Number(match[2]) };
}
