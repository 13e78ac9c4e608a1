import { strategicPatch } from "../protocol/patch.ts";
import type { Cause } from "../protocol/status.ts";
import { ApiError, badRequest } from "../protocol/status.ts";
import { isSame } from "../protocol/same_value.ts";
import type { Stored } from "../store/stored.ts";
import { timestamp } from "../store/timestamp.ts";
import { type FieldType, objectType } from "../protocol/schema.ts";

/** A request to apply, read from a PATCH. */
export interface ApplyRequest {
  /** The configuration to apply: the body. */
  configuration: Record<string, unknown>;
  /** The field manager that applies it. */
  manager: string;
  /** Whether fields are taken away from other managers. */
  force: boolean;
}

/** Fields in the form of `managedFields`: `f:NAME`, or `k:{"KEY":…}` for an entry of a list. */
type FieldSet = { [step: string]: FieldSet };

/** An entry of `managedFields`. */
interface Manager {
  manager: string;
  operation: string;
  apiVersion: string;
  time: string;
  fieldsType: string;
  fieldsV1: FieldSet;
}

/** What an apply cannot own. */
const IDENTITY = [["apiVersion"], ["kind"], ["metadata", "name"], ["metadata", "namespace"]];

/**
 * The result of an apply to an object, or to none: the configuration is merged in, and fields that only this manager
 * had applied before are removed. Only fields that were applied have an owner here; those of other writes have none.
 * @param options.now in milliseconds since the epoch
 * @throws ApiError 409 if another manager has applied another value
 */
export function applied<T extends Stored>(
  kind: string,
  known: T | undefined,
  { configuration, manager, force, now }: ApplyRequest & { now: number },
): T {
  const type = objectType(kind);
  const fields = fieldsOf(configuration, type);
  for (const path of IDENTITY) removePath(fields, path.map((name) => `f:${name}`));
  const managers = ((known?.metadata["managedFields"] ?? []) as Manager[]).filter(({ operation }) =>
    operation === "Apply"
  );
  const others = managers.filter((other) => other.manager !== manager);
  const before = managers.find((own) => own.manager === manager);
  const conflicts = others.flatMap((other) =>
    conflictsOf(other.fieldsV1, fields, { known, configuration, path: "" }).map((path) => ({ other, path }))
  );
  if (conflicts.length > 0 && !force) throw conflicting(conflicts);
  const pruned = known && before
    ? withoutFields(known, before.fieldsV1, { kept: [fields, ...others.map(({ fieldsV1 }) => fieldsV1)] }) as T
    : known;
  const { apiVersion = "v1" } = configuration as { apiVersion?: string };
  const lost = conflicts.map(({ path }) => path);
  const kept = others.map((other) => ({ ...other, fieldsV1: withoutPaths(other.fieldsV1, lost) }));
  const isUnchanged = before && isSame(before.fieldsV1, fields);
  const own: Manager = {
    manager,
    operation: "Apply",
    apiVersion,
    time: isUnchanged ? before.time : timestamp(now),
    fieldsType: "FieldsV1",
    fieldsV1: fields,
  };
  const merged = strategicPatch(pruned ?? {}, configuration, type) as T;
  return { ...merged, metadata: { ...merged.metadata, managedFields: [...kept, own] } };
}

function fieldsOf(value: unknown, type: FieldType): FieldSet {
  if (type.is === "list" && type.mergeKey !== undefined) {
    const { of, mergeKey } = type;
    const entries = (Array.isArray(value) ? value : []).map((entry) => {
      if (typeof entry !== "object" || entry === null) return [`v:${JSON.stringify(entry)}`, {}];
      return [`k:${JSON.stringify({ [mergeKey]: entry[mergeKey] })}`, fieldsOf(entry, of)];
    });
    return Object.fromEntries(entries);
  }
  if (type.is === "value" || type.is === "list" || typeof value !== "object" || value === null) return {};
  const inner = (name: string) => type.is === "map" ? type.of : type.fields.get(name);
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const of = inner(name);
      return [`f:${name}`, of ? fieldsOf(field, of) : {}];
    }),
  );
}

/** The fields of another manager that an apply would change, as paths: `.metadata.labels.a`. */
function conflictsOf(
  theirs: FieldSet,
  ours: FieldSet,
  { known, configuration, path }: { known: unknown; configuration: unknown; path: string },
): string[] {
  return Object.keys(ours).filter((step) => theirs[step]).flatMap((step) => {
    const [is, wanted] = [valueAt(known, step), valueAt(configuration, step)];
    const here = path + shown(step);
    const isLeaf = Object.keys(ours[step]!).length === 0 || Object.keys(theirs[step]!).length === 0;
    if (isLeaf) return isSame(is, wanted) ? [] : [here];
    return conflictsOf(theirs[step]!, ours[step]!, { known: is, configuration: wanted, path: here });
  });
}

/** A value without the fields of a set, except those that another set contains, too. */
function withoutFields(value: unknown, fields: FieldSet, { kept }: { kept: FieldSet[] }): unknown {
  let result = value;
  for (const [step, inner] of Object.entries(fields)) {
    const keeping = kept.flatMap((set) => set[step] ?? []);
    const is = valueAt(result, step);
    if (is === undefined) continue;
    const next = keeping.length === 0 ? undefined : withoutFields(is, inner, { kept: keeping });
    if (next !== is) result = withValueAt(result, step, next);
  }
  return result;
}

function withoutPaths(fields: FieldSet, paths: string[], path = ""): FieldSet {
  return Object.fromEntries(
    Object.entries(fields).filter(([step]) => !paths.includes(path + shown(step)))
      .map(([step, inner]) => [step, withoutPaths(inner, paths, path + shown(step))]),
  );
}

function removePath(fields: FieldSet, [step = "", ...rest]: string[]): void {
  if (!fields[step]) return;
  removePath(fields[step], rest);
  // A field that contained nothing else is not a field of its own.
  if (Object.keys(fields[step]).length === 0) delete fields[step];
}

/** Selects what a step leads to. */
function matcher(step: string): (entry: unknown) => boolean {
  const wanted = JSON.parse(step.slice(2));
  if (step.startsWith("v:")) return (entry) => isSame(entry, wanted);
  const [[key, value] = []] = Object.entries(wanted);
  return (entry) => (entry as Record<string, unknown>)?.[key!] === value;
}

function valueAt(value: unknown, step: string): unknown {
  if (step.startsWith("f:")) return (value as Record<string, unknown> | undefined)?.[step.slice(2)];
  return Array.isArray(value) ? value.find(matcher(step)) : undefined;
}

/** `next` undefined: without it. */
function withValueAt(value: unknown, step: string, next: unknown): unknown {
  if (step.startsWith("f:")) {
    const { [step.slice(2)]: _, ...others } = value as Record<string, unknown>;
    return next === undefined ? others : { ...others, [step.slice(2)]: next };
  }
  const isIt = matcher(step);
  return (value as unknown[]).flatMap((entry) => !isIt(entry) ? [entry] : next === undefined ? [] : [next]);
}

function shown(step: string): string {
  if (step.startsWith("f:")) return `.${step.slice(2)}`;
  const value = JSON.parse(step.slice(2));
  if (step.startsWith("v:")) return `[=${JSON.stringify(value)}]`;
  return `[${Object.entries(value).map(([key, entry]) => `${key}=${JSON.stringify(entry)}`).join(",")}]`;
}

function conflicting(conflicts: { other: Manager; path: string }[]): ApiError {
  const causes: Cause[] = conflicts.map(({ other, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with "${other.manager}"`,
    field: path,
  }));
  const [{ message, field } = { message: "", field: "" }] = causes;
  const text = causes.length === 1
    ? `1 conflict: ${message}: ${field}`
    : `${causes.length} conflicts: ${causes.map((cause) => `${cause.message}: ${cause.field}`).join("\n")}`;
  return new ApiError(409, `Apply failed with ${text}`, { reason: "Conflict", details: { causes } });
}

/**
 * Reads the body of an apply.
 * @throws ApiError 400 if it is not an object of the resource, or has another name
 */
export function parseConfiguration(body: string, name: string): Record<string, unknown> {
  const configuration = JSON.parse(body) as Record<string, unknown>;
  if (!configuration["kind"] || !configuration["apiVersion"]) throw badRequest("invalid object type: /, Kind=");
  const given = (configuration["metadata"] as { name?: string } | undefined)?.name;
  if (!given) {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
  return configuration;
}
