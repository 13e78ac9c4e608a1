import type { PartialFailure } from "../config.ts";
import type { MachineAnswer, RequestStatusAnswer, StatusAnswer } from "../hf/answers.ts";
import { isRequestId, parseMachineName } from "../hf/names.ts";
import { parseRequestStatus } from "../hf/questions.ts";
import {
  type MachineResult,
  type MachineState,
  type MachineStatus,
  machineStatus,
  requestResult,
  requestStatus,
} from "../hf/status.ts";
import { readPodFacts, readState, readTombstone } from "../workdir/machines.ts";
import type { Tombstone } from "../machine/tombstone.ts";
import { readRequest, type StoredRequest } from "../workdir/requests.ts";
import { ReturnIndex } from "../workdir/index/returns.ts";
import { readReturn, type StoredReturn } from "../workdir/returns.ts";
import { doubtPods } from "../workdir/index/sync_status.ts";
import type { Workdir } from "../workdir/store/workdir.ts";
import { inSentences, type Provider, withService } from "./provider.ts";

/** What a machine's message says while nothing is wrong with it, as the existing plug-in has it. */
const ALLOCATED = "Allocated by K8s hostfactory";

/** Why a machine failed, where nothing more is known of it than its word. */
const GENERIC_FAILURE: Partial<Record<MachineState, string>> = {
  failed: "The pod failed",
  unknown: "The pod's state is unknown to the cluster: its node may be lost",
  deleted: "The pod was deleted, and not because Symphony returned the machine",
};

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
    return returned && statusOfReturn(workdir, returned);
  } catch (error) {
    return answerUnreadable(id, error);
  }
}

/** Nothing is known of it right now, so nothing is said that would make Symphony drop machines. */
function answerUnreadable(id: string, error: unknown): RequestStatusAnswer {
  const message = `Cannot read request '${id}': ${(error as Error).message}`;
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

/** Tells why a request may be missing though it was issued, as one sentence; nothing where it was not. Looks once. */
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
  const answers = request.machines.map((machine) =>
    unlessBroken(machine.name, problems, () => machineOfRequest(workdir, request, machine, isReturned))
  );
  const failed = answers.filter((machine) => machine.result === "fail");
  if (failed.length > 0) {
    problems.unshift(`${failed.length} of ${answers.length} machine(s) failed: ${failed[0]?.message}`);
  }
  return {
    requestId: request.id,
    message: problems.slice(0, 5).join("; "),
    status: requestStatus(answers.map((machine) => machine.result), onPartialFailure),
    machines: answers.filter((machine) => machine.result !== "executing"),
  };
}

function machineOfRequest(
  workdir: Workdir,
  request: StoredRequest,
  { name, pending }: { name: string; pending: boolean },
  isReturned: Options["isReturned"],
): MachineAnswer {
  const word = readState(workdir, name);
  const launchtime = request.record?.requestedAt;
  // 1. Still to be created, or its word was lost: not decided yet.
  if (word === undefined && (pending || request.record)) {
    return machineAnswer({ name, result: "executing", status: "running" });
  }
  const result = requestResult(word);
  const status = machineStatus(word);
  if (result !== "fail") return machineAnswer({ name, result, status, launchtime, ...addressOf(workdir, name) });
  // 2. It had succeeded before its pod went, or was up until Symphony gave it back: that is no failure.
  const record = readTombstone(workdir, name);
  const ended = { name, status, launchtime, ...addressOf(workdir, name, record) };
  // A power failure takes the note of one that was up and returned alone; the existing plug-in leaves none of what failed.
  const mayLackNote = word === "deleted" || (word === "failed" && request.record !== undefined);
  const isWell = record ? record.succeeded || (record.returned && record.up) : mayLackNote && isReturned(name);
  if (isWell) return machineAnswer({ ...ended, result: "succeed" });
  // 3. It failed, and says why.
  const message = record?.message || (word && GENERIC_FAILURE[word]) || "Nothing is known of this machine any more";
  return machineAnswer({ ...ended, result, message });
}

/** A machine whose files cannot be read counts as executing until they can, and the others are answered all the same. */
function unlessBroken(name: string, problems: string[], read: () => MachineAnswer): MachineAnswer {
  try {
    return read();
  } catch (error) {
    problems.push(`Cannot read the state of '${name}': ${(error as Error).message}`);
    return machineAnswer({ name, result: "executing", status: "running" });
  }
}

function statusOfReturn(workdir: Workdir, request: StoredReturn): RequestStatusAnswer {
  const problems: string[] = [];
  const machines = request.machines.map((name) =>
    unlessBroken(name, problems, () => machineOfReturn(workdir, request, name))
  );
  for (const name of request.record?.unknown ?? []) {
    machines.push(machineAnswer({ name, result: "succeed", status: "terminated" }));
  }
  const status = machines.some(({ result }) => result === "executing") ? "running" : "complete";
  return { requestId: request.id, message: problems.slice(0, 5).join("; "), status, machines };
}

/** A machine counts as given back once its pod is gone, whatever its word says before. */
function machineOfReturn(workdir: Workdir, { record, processed }: StoredReturn, name: string): MachineAnswer {
  const word = readState(workdir, name);
  // Of one that nothing is known of, the cluster is asked before its return request counts as handled.
  const status = word === undefined && record && !processed ? "running" : machineStatus(word);
  const noted = readTombstone(workdir, name);
  // Where it had a pod, that its file is not there is no proof: a power failure may have taken it, and the note with it.
  const hadPod = word === "succeeded" || (word === "failed" && !noted) || noted?.uid !== undefined;
  const gone = word === "deleted"
    ? !isStillThere(workdir, name, noted)
    : status === "terminated" && word !== "unknown" && (processed || !hadPod) &&
      workdir.kind(workdir.layout.pod(name)) === undefined;
  const address = addressOf(workdir, name, noted);
  return machineAnswer({ name, status, result: gone ? "succeed" : "executing", ...address });
}

/**
 * True where a machine's own pod is there, though its word is `deleted`: the existing plug-in says so as soon as it gives a
 * pod up. Another pod in its place does not count.
 */
function isStillThere(workdir: Workdir, name: string, noted: Tombstone | undefined): boolean {
  const pod = readPodFacts(workdir, name);
  return pod !== undefined && (noted === undefined || noted.uid === pod.uid);
}

/** Who and where the machine is or was: from its pod, else from what was noted at its end. */
function addressOf(workdir: Workdir, name: string, record?: Tombstone): Partial<MachineAnswer> {
  const pod = readPodFacts(workdir, name);
  if (pod) {
    const launchtime = pod.createdAt === undefined ? {} : { launchtime: pod.createdAt };
    return { machineId: pod.uid, privateIpAddress: pod.privateIpAddress, ...launchtime };
  }
  return {
    ...(record?.uid === undefined ? {} : { machineId: record.uid }),
    ...(record?.privateIpAddress === undefined ? {} : { privateIpAddress: record.privateIpAddress }),
    ...(record?.launchtime === undefined ? {} : { launchtime: record.launchtime }),
  };
}

function machineAnswer(
  facts:
    & { name: string; result: MachineResult; status: MachineStatus }
    & { [key in keyof MachineAnswer]?: MachineAnswer[key] | undefined },
): MachineAnswer {
  return {
    machineId: facts.machineId ?? "",
    name: facts.name,
    result: facts.result,
    status: facts.status,
    privateIpAddress: facts.privateIpAddress ?? "",
    publicIpAddress: "",
    launchtime: facts.launchtime ?? 0,
    message: facts.message ?? ALLOCATED,
  };
}
