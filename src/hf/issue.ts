import * as v from "valibot";

/** Characters that are shown of each part. */
const LONGEST = 200;

/** Which field is wrong, and how, cut to what a message can hold: both may quote what was read, however long that is. */
export function describeIssue(issue: v.BaseIssue<unknown>): { field: string | undefined; fault: string } {
  const path = v.getDotPath(issue);
  // JSON has no such value: the field is not there.
  const fault = path !== null && issue.received === "undefined" ? "is missing" : issue.message;
  return { field: path === null ? undefined : cut(path), fault: cut(fault) };
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
