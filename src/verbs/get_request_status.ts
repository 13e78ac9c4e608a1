import { describeError } from "../errors.ts";
import type { PartialFailure } from "../config.ts";
import type { MachineAnswer, RequestStatusAnswer, StatusAnswer } from "../hf/answers.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import { parseRequestStatus } from "../hf/questions.ts";
import { requestStatus } from "../hf/status.ts";
import { answerForRequest, answerForReturn, answerForUnknown, undecided } from "../machine/answer.ts";
import { mostCommon } from "../machine/most_common.ts";
import { waitsFor } from "../machine/waiting.ts";
import { readPodFile } from "../workdir/pod_file.ts";
import { readRequest, type StoredRequest } from "../workdir/requests.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readReturn, type StoredReturn } from "../workdir/returns.ts";
import { doubtPods } from "../workdir/index/sync_status.ts";
import { readMachine } from "../workdir/snapshot.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { inSentences, type Provider, withService } from "./provider.ts";
import { recordStatuses } from "./status_events.ts";

/** The state of requests and return requests. Each is answered in its place: what is wrong with one stays with it. */
export function getRequestStatus(provider: Provider, input: unknown): StatusAnswer {
  provider.workdir.check({ reads: true });
  return provider.workdir.asOwner(() => answerAll(provider, input));
}

function answerAll(provider: Provider, input: unknown): StatusAnswer {
  const { config, workdir, clock } = provider;
  const returns = new ReturnIndex(workdir);
  const isReturned = (machine: string) => {
    returns.refresh(clock.now());
    return returns.has(machine);
  };
  const options = { isReturned, onPartialFailure: config.onPartialFailure };
  const answers = parseRequestStatus(input).map((id) => ({ id, answer: answerOne(workdir, id, options) }));
  // After all that is missing was found missing, and once for all of it: there may be very many pods.
  const whyMissing = missingRequests(workdir, clock.now());
  const requests = answers.map(({ id = "", answer }) =>
    answer ?? answerMissing(workdir, id, { ...options, whyMissing })
  );
  recordStatuses(provider, requests);
  const running = requests.filter(({ status }) => status === "running");
  if (running.length > 0) {
    const doubt = withService(provider, ["pods", "request-machines", "request-return-machines"], "");
    for (const request of running) if (doubt) request.message = inSentences(request.message, doubt);
  }
  return { requests };
}

interface Options {
  isReturned: (machine: string) => boolean;
  onPartialFailure: PartialFailure;
}

/** Nothing for a request that is not here. */
function answerOne(workdir: Workdir, id: string | undefined, options: Options): RequestStatusAnswer | undefined {
  if (id === undefined || !isRequestId(id)) {
    return notOurs(id ?? "", `'${(id ?? "").slice(0, 80)}' cannot be a request id`);
  }
  try {
    const request = readRequest(workdir, id);
    if (request) return statusOfRequest(workdir, request, options);
    const returned = readReturn(workdir, id);
    return returned && statusOfReturn(workdir, returned, options);
  } catch (error) {
    return answerUnreadable(id, error);
  }
}

/** Nothing is known of it right now, so nothing is said that would make Symphony drop machines. */
function answerUnreadable(id: string, error: unknown): RequestStatusAnswer {
  const message = `Cannot read request '${id}': ${describeError(error)}`;
  return { requestId: id, message, status: "running", machines: [] };
}

/**
 * A request that is not here may have been lost with the work directory: then it is put back as soon as that can be done.
 * @param options `whyMissing`: see `missingRequests`
 */
function answerMissing(
  workdir: Workdir,
  id: string,
  options: Options & { whyMissing: (id: string) => string | undefined },
): RequestStatusAnswer {
  try {
    const why = options.whyMissing(id);
    if (why !== undefined) {
      const message = `Request '${id}' is not known here yet. ${why}`;
      return { requestId: id, message, status: "running", machines: [] };
    }
  } catch (error) {
    return answerUnreadable(id, error);
  }
  // It may have been put back since.
  return answerOne(workdir, id, options) ??
    notOurs(id, `Request '${id}' was never issued by this provider, or is long past`);
}

/** Tells why a request may be missing though it was issued, as one sentence; `undefined` if it was not. Looks once. */
function missingRequests(workdir: Workdir, nowMs: number): (id: string) => string | undefined {
  let seen: { doubt: string | undefined; withPods: Set<string | undefined> } | undefined;
  return (id) => {
    seen ??= {
      doubt: doubtPods(workdir, nowMs),
      withPods: new Set(workdir.names(workdir.layout.pods).map((name) => parseMachineName(name)?.requestId)),
    };
    return seen.doubt ?? (seen.withPods.has(id) ? "It was lost, and is being put back from its pods" : undefined);
  };
}

function notOurs(requestId: string, message: string): RequestStatusAnswer {
  return { requestId, message, status: "complete_with_error", machines: [] };
}

function statusOfRequest(workdir: Workdir, request: StoredRequest, options: Options): RequestStatusAnswer {
  const { isReturned, onPartialFailure } = options;
  const problems: string[] = [];
  const reasons: string[] = [];
  const answers = request.machines.map(({ name, pending }) =>
    unlessBroken(name, problems, () => {
      const machine = readMachine(workdir, name, { isReturned, entry: pending ? "pending" : "created" });
      const answered = answerForRequest(machine, request.record);
      const reason = answered.result === "executing" ? waitsFor(machine, readPodFile(workdir, name)) : undefined;
      if (reason !== undefined) reasons.push(reason);
      return answered;
    })
  );
  const reason = mostCommon(reasons);
  if (reason) {
    const what = reasons.length === 1 ? "waits" : "wait";
    problems.unshift(reasonText(reason, { what, some: reasons.length, of: answers.length }));
  }
  const failures = answers.filter((machine) => machine.result === "fail").map(({ message }) => message);
  const failure = mostCommon(failures);
  if (failure) {
    problems.unshift(reasonText(failure, { what: "machine(s) failed", some: failures.length, of: answers.length }));
  }
  return {
    requestId: request.id,
    message: problems.slice(0, 5).join("; "),
    status: requestStatus(answers.map((machine) => machine.result), onPartialFailure),
    machines: answers.filter((machine) => machine.result !== "executing"),
  };
}

/** `12 of 20 wait, 10 of them: Unschedulable: …`: what some machines do, and the reason that most of these share. */
function reasonText(
  { text, count }: { text: string; count: number },
  { what, some, of }: { what: string; some: number; of: number },
): string {
  const share = count === some ? "" : `, ${count} of them`;
  return `${some} of ${of} ${what}${share}: ${text}`;
}

function statusOfReturn(workdir: Workdir, request: StoredReturn, { isReturned }: Options): RequestStatusAnswer {
  const problems: string[] = [];
  const { record, processed: isProcessed } = request;
  const machines = request.machines.map((name) =>
    unlessBroken(name, problems, () => {
      const machine = readMachine(workdir, name, { isReturned });
      return answerForReturn(machine, { hasRecord: record !== undefined, isProcessed });
    })
  );
  for (const name of record?.unknown ?? []) machines.push(answerForUnknown(name));
  const status = machines.some(({ result }) => result === "executing") ? "running" : "complete";
  return { requestId: request.id, message: problems.slice(0, 5).join("; "), status, machines };
}

/** A machine whose files cannot be read counts as executing until they can, and the others are answered all the same. */
function unlessBroken(name: string, problems: string[], read: () => MachineAnswer): MachineAnswer {
  try {
    return read();
  } catch (error) {
    problems.push(`Cannot read the state of '${name}': ${describeError(error)}`);
    return undecided(name);
  }
}
