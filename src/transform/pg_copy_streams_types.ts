import type { Writable } from "node:stream";

/** The types of what we use of `pg-copy-streams` 7, which has none of its own. */
export declare function from(sql: string): Writable;
