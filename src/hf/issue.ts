import * as v from "valibot";

/** How many characters of the field's name and of the fault are shown. */
const LONGEST = 200;

/** Which field is wrong, and how. Both are shortened, because they may quote what was read, however long that is. */
export function describeIssue(issue: v.BaseIssue<unknown>): { field: string | undefined; fault: string } {
  const path = v.getDotPath(issue);
  // JSON has no such value: the field is not there.
  const fault = path !== null && issue.received === "undefined" ? "is missing" : issue.message;
  return { field: path === null ? undefined : cut(path), fault: cut(fault) };
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
