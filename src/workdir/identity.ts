import * as v from "valibot";
import { describeError, HostFactoryError } from "../errors.ts";
import { integerBetween } from "../random.ts";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const LETTERS_AND_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789";

const IdentitySchema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-z0-9]{12}$/)),
  key: v.pipe(v.string(), v.nonEmpty()),
  takenOver: v.array(v.string()),
});

/** What tells this work directory from every other. A backup that is put back elsewhere has it, too. */
export interface Identity {
  /** Pods carry it: a label value. */
  id: string;
  /** What this directory signs with what it has the cluster remember. Secret. */
  key: string;
  /** The identities of work directories whose pods are ours by now, because this one took their place. */
  takenOver: string[];
}

/** Nothing if the directory has none yet, or none that can be used. */
export function readIdentity(workdir: Workdir): Identity | undefined {
  const record = readRecord(workdir, workdir.layout.identity, IdentitySchema);
  return record && { id: record.id, key: record.key, takenOver: record.takenOver };
}

/** A new one, which is not written yet. */
export function newIdentity({ random }: Workdir): Identity {
  const letter = () => LETTERS_AND_DIGITS[integerBetween(random, 0, LETTERS_AND_DIGITS.length - 1)];
  const id = Array.from({ length: 12 }, letter).join("");
  // deno-lint-ignore edges/one-place -- a secret: no seed may decide it
  return { id, key: crypto.randomUUID(), takenOver: [] };
}

/**
 * Gives the directory an identity, durably, if it has none: of several processes that do so at once, one is first.
 * @returns the one that it has
 * @throws HostFactoryError if it cannot be written
 */
export async function giveIdentity(workdir: Workdir, identity: Identity): Promise<Identity> {
  const { files, layout } = workdir;
  const temporary = workdir.temporary(layout.root);
  return await orUnwritable(workdir, async () => {
    try {
      workdir.makeFile(temporary, textOf(identity));
      await files.sync(temporary);
      place(workdir, temporary);
    } finally {
      workdir.remove(temporary);
    }
    await files.sync(layout.root);
    return readIdentity(workdir) ?? identity;
  });
}

/** Replaces the directory's identity, durably. @throws HostFactoryError if it cannot be written */
export async function writeIdentity(workdir: Workdir, identity: Identity): Promise<void> {
  await orUnwritable(workdir, async () => {
    await workdir.writeDurably(workdir.layout.identity, textOf(identity));
    await workdir.files.sync(workdir.layout.root);
  });
}

/** What is there already stays, unless it is no identity. Not every file system has hard links: there, the last is the first. */
function place(workdir: Workdir, temporary: string): void {
  const { files, layout } = workdir;
  const isBroken = workdir.kind(layout.identity) !== undefined && !readIdentity(workdir);
  if (isBroken) return files.rename(temporary, layout.identity);
  try {
    files.hardLink(temporary, layout.identity);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) files.rename(temporary, layout.identity);
  }
}

function textOf(identity: Identity): string {
  return `${JSON.stringify({ version: 1, ...identity })}\n`;
}

async function orUnwritable<T>(workdir: Workdir, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new HostFactoryError(`Cannot write the identity of the work directory: ${describeError(error)}`, {
      cause: error,
      hint: `see that '${workdir.layout.identity}' is a file, and writable for this user`,
    });
  }
}
