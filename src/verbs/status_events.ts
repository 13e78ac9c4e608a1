import * as v from "valibot";
import type { NewEvent } from "../events/types.ts";
import type { RequestStatusAnswer } from "../hf/answers.ts";
import type { RequestStatus } from "../hf/status.ts";
import { describeError } from "../errors.ts";
import { logger } from "../log.ts";
import { readRecord } from "../workdir/store/record.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import type { Provider } from "./provider.ts";

/** Requests whose states are remembered, at most: many times as many as are asked about. */
const MOST_REMEMBERED = 2_000;

const StatusesSchema = v.record(v.string(), v.picklist(["running", "complete", "complete_with_error"]));

/** Records the states of requests that are not as they were answered last. What is in the way of that changes no answer. */
export function recordStatuses({ events, workdir }: Provider, answers: readonly RequestStatusAnswer[]): void {
  if (!events) return;
  try {
    const before = readRecord(workdir, workdir.layout.recordedStatuses, StatusesSchema) ?? {};
    const news = answers.flatMap((answer) => {
      const event = before[answer.requestId] === answer.status ? undefined : eventOf(workdir, answer);
      return event ? [event] : [];
    });
    if (news.length === 0) return;
    events.record(news);
    const now = Object.fromEntries(news.map(({ id, pairs }) => [id, pairs.status as RequestStatus]));
    const entries = Object.entries({ ...before, ...now }).slice(-MOST_REMEMBERED);
    workdir.write(workdir.layout.recordedStatuses, JSON.stringify(Object.fromEntries(entries)));
  } catch (error) {
    logger("events").debug("States of requests not remembered", { error: describeError(error) });
  }
}

/** Nothing for a request that is not here. */
function eventOf(
  workdir: Workdir,
  { requestId: id, status }: RequestStatusAnswer,
): NewEvent<"request" | "return"> | undefined {
  if (workdir.kind(workdir.layout.request(id))) return { category: "request", id, pairs: { status } };
  return workdir.kind(workdir.layout.returnRequest(id)) ? { category: "return", id, pairs: { status } } : undefined;
}
