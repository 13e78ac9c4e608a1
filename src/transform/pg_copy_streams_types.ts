import type { Writable } from "node:stream";

/** What is used of `pg-copy-streams` 7, which brings no types of its own. */
export declare function from(sql: string): Writable;
