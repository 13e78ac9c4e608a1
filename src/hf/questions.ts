import * as v from "valibot";
import { HostFactoryError } from "../errors.ts";
import { describeIssue } from "./issue.ts";
import { MOST_MACHINES } from "./names.ts";
import { isDeeperThan } from "./nesting.ts";

/**
 * The questions that Symphony's host factory asks, checked. Unknown keys are ignored. If the documentation shows both a
 * list and a single object, both are accepted.
 */

const RequestMachines = v.object({
  template: v.object({
    templateId: v.pipe(v.string(), v.nonEmpty("must not be empty")),
    machineCount: v.pipe(
      v.number("must be a number"),
      v.integer("must be a whole number"),
      v.minValue(1, "must be at least 1"),
      v.maxValue(MOST_MACHINES, `must be at most ${MOST_MACHINES}`),
    ),
  }),
});

const Machine = v.object({
  name: v.optional(v.nullable(v.string("must be a string"))),
  machineId: v.optional(v.nullable(v.string("must be a string"))),
}, "must be a list of machines");

/** A list that is too long is refused before anything in it is looked at. */
function listOf<Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.array(v.unknown()),
    v.maxLength(MOST_MACHINES, `must be a list of at most ${MOST_MACHINES}`),
    v.array(schema),
  );
}

/** Lists are checked for first, because the schema of one machine would accept any list as an object without a name. */
const Machines = v.lazy((input) => Array.isArray(input) ? listOf(Machine) : Machine);

const ReturnMachines = v.object({ machines: Machines });
const ReturnRequests = v.object({ machines: v.optional(v.nullable(Machines)) });
const RequestStatus = v.object({
  requests: v.lazy((input) =>
    Array.isArray(input) ? listOf(v.unknown()) : v.looseObject({}, "must be a list of requests")
  ),
});
const TemplateName = v.object({ templateId: v.string() });
const Templates = v.object({
  templateId: v.optional(v.string()),
  template: v.optional(TemplateName),
  templates: v.optional(v.lazy((input) => Array.isArray(input) ? listOf(TemplateName) : TemplateName)),
});

/** How deep a question may be nested; Symphony's have four levels. */
const MOST_LEVELS = 50;

/** A machine as Symphony names it: by host name, or by id (the pod's uid) if there is no name. */
export interface NamedMachine {
  name: string | undefined;
  machineId: string | undefined;
}

/** @throws HostFactoryError that names the field */
export function parseRequestMachines(input: unknown): { templateId: string; count: number } {
  const { template } = check(RequestMachines, input);
  return { templateId: template.templateId, count: template.machineCount };
}

/** @throws HostFactoryError that names the field */
export function parseReturnMachines(input: unknown): NamedMachine[] {
  return asList(check(ReturnMachines, input).machines).map(named);
}

/** `undefined` if the question is about all machines. @throws HostFactoryError that names the field */
export function parseReturnRequests(input: unknown): NamedMachine[] | undefined {
  const { machines } = check(ReturnRequests, input);
  return machines === undefined || machines === null ? undefined : asList(machines).map(named);
}

/** The ids asked for, in order; `undefined` in place of what is not an id, which is answered in the same place. */
export function parseRequestStatus(input: unknown): (string | undefined)[] {
  return asList<unknown>(check(RequestStatus, input).requests).map((request) => {
    const id = typeof request === "object" && request !== null && "requestId" in request
      ? request.requestId
      : undefined;
    return typeof id === "string" ? id : undefined;
  });
}

/** The template ids to keep, or `undefined` if all are asked for. @throws HostFactoryError that names the field */
export function parseTemplateFilter(input: unknown): string[] | undefined {
  const { templateId, template, templates } = check(Templates, input);
  const wanted = [templateId, template?.templateId, ...asList(templates ?? []).map((one) => one.templateId)];
  const ids = wanted.filter((id) => id !== undefined);
  return ids.length > 0 ? ids : undefined;
}

function named(machine: v.InferOutput<typeof Machine>): NamedMachine {
  return { name: machine.name || undefined, machineId: machine.machineId || undefined };
}

function asList<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

function check<Schema extends v.GenericSchema>(schema: Schema, input: unknown): v.InferOutput<Schema> {
  if (isDeeperThan(MOST_LEVELS, input)) {
    throw new HostFactoryError(`Cannot use the input: it has more than ${MOST_LEVELS} levels`);
  }
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const { field, fault } = describeIssue(result.issues[0]);
  throw new HostFactoryError(`Cannot use the input: ${field === undefined ? "it" : `'${field}'`}: ${fault}`);
}
