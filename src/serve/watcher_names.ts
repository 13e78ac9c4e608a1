/**
 * The watchers that can run alone or together; each has a lock of its own. They stand apart from the table of their loops so
 * that the command line knows them without loading one.
 */
export const WATCHERS = ["request-machines", "request-return-machines", "pods", "nodes", "expiry"] as const;
export type WatcherName = typeof WATCHERS[number];
