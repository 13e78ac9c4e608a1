import { describeError } from "../errors.ts";
import type { ReflectorSink } from "../kube/reflector.ts";
import { logger } from "../log.ts";

const log = logger("metrics");

/** Gets a copy of everything that a reflector tells its sink, after the sink. */
export type Onlooker<T> = Omit<ReflectorSink<T>, "begin" | "complete" | "answers" | "failed"> & {
  begin(): void;
  /** The LIST is complete and believed. */
  complete(): void;
  failed(): void;
};

/** A sink that passes everything on to both. Answers and errors are the sink's; errors of the onlooker are only logged, once. */
export function besides<T>(sink: ReflectorSink<T>, onlooker: Onlooker<T>): ReflectorSink<T> {
  let hasFailed = false;
  const tell = (say: () => void) => {
    try {
      say();
    } catch (error) {
      if (!hasFailed) log.error("Metrics of what is followed are not right", { error: describeError(error) });
      hasFailed = true;
    }
  };
  return {
    begin(options) {
      sink.begin(options);
      tell(() => onlooker.begin());
    },
    page(objects) {
      sink.page(objects);
      tell(() => onlooker.page(objects));
    },
    complete() {
      const verdict = sink.complete();
      if (verdict !== "doubted") tell(() => onlooker.complete());
      return verdict;
    },
    event(type, object) {
      sink.event(type, object);
      tell(() => onlooker.event(type, object));
    },
    heard() {
      sink.heard();
      tell(() => onlooker.heard());
    },
    answers: () => sink.answers?.(),
    failed(error, retryMs) {
      sink.failed(error, retryMs);
      tell(() => onlooker.failed());
    },
  };
}
