import * as v from "valibot";
import { HostFactoryError } from "../errors.ts";
import { type Caller } from "../extensions/pre_create.ts";
import { describeIssue } from "../hf/issue.ts";
import { plainLine } from "../plain_text.ts";
import type { HookFinding, LintHook } from "./extension_rules.ts";

/** Findings of one answer that are shown, and characters of each message. */
const MOST_FINDINGS = 1_000;
const LONGEST_MESSAGE = 500;

const AnswerSchema = v.object({
  findings: v.pipe(
    v.array(
      v.object({
        severity: v.picklist(["error", "warning", "info"], "must be error, warning or info"),
        path: v.string("must be a JSON pointer"),
        message: v.string("must be a string"),
        rule: v.pipe(v.string("must be a string"), v.regex(/^[A-Za-z0-9._-]{1,63}$/, "must be an id")),
      }, "must be an object"),
      "must be a list",
    ),
    v.maxLength(MOST_FINDINGS, `must be at most ${MOST_FINDINGS}`),
  ),
}, "must be an object");

/** What calls lint hooks. Its answers are checked: what cannot be used counts as no answer. */
export function lintHook(caller: Caller, { signal }: { signal: AbortSignal }): LintHook {
  return async (extension, document) => {
    const { status, text } = await caller.call(extension, { kind: "lint", document, signal });
    if (status !== 200) throw new HostFactoryError(`its status is ${status}: ${plainLine(text).slice(0, 200)}`);
    return findingsOf(text);
  };
}

function findingsOf(text: string): HookFinding[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new HostFactoryError("its answer is not JSON", { cause: error });
  }
  const result = v.safeParse(AnswerSchema, document);
  if (!result.success) {
    const { field = "it", fault } = describeIssue(result.issues[0]);
    throw new HostFactoryError(`in its answer ${field} ${fault}`);
  }
  return result.output.findings.map((one) => ({ ...one, message: plainLine(one.message).slice(0, LONGEST_MESSAGE) }));
}
