import type { DeleteOptions } from "../objects/pod_operations.ts";
import { integerParameter, type Route } from "../protocol/route.ts";
import { type ApiError, badRequest, invalid } from "../protocol/status.ts";

/** The parts of a write that contain its options. */
interface Write {
  route: Route;
  body: string;
  contentType: string;
}

const KINDS: Record<string, string> = {
  create: "CreateOptions",
  update: "UpdateOptions",
  patch: "PatchOptions",
  delete: "DeleteOptions",
  deletecollection: "DeleteOptions",
};

const VALIDATIONS = ["", "Ignore", "Strict", "Warn"];

/** Whether the body of a PATCH is a server-side apply. */
export function isApply(contentType: string): boolean {
  return contentType.startsWith("application/apply-patch+");
}

/**
 * True if a request is a dry run.
 * @throws ApiError 422 for options that do not exist
 */
export function isDryRun({ route, body, contentType }: Write): boolean {
  const kind = KINDS[route.verb];
  if (kind === undefined) return false;
  const dryRun = dryRunOf(route, body);
  if (dryRun.some((value) => value !== "All")) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    throw unsupported(kind, { reason: "FieldValueNotSupported", message, field: "dryRun" });
  }
  const validation = kind === "DeleteOptions" ? "" : route.query.get("fieldValidation") ?? "";
  if (!VALIDATIONS.includes(validation)) {
    const supported = VALIDATIONS.map((level) => `"${level}"`).join(", ");
    const message = `Unsupported value: ${JSON.stringify(validation)}: supported values: ${supported}`;
    throw unsupported(kind, { reason: "FieldValueNotSupported", message, field: "fieldValidation" });
  }
  if (isApply(contentType) && !route.query.get("fieldManager")) {
    const message = "Required value: is required for apply patch";
    throw unsupported(kind, { reason: "FieldValueRequired", message, field: "fieldManager" });
  }
  return dryRun.length > 0;
}

/**
 * How something is to be deleted: what the body of the request says, or its query if there is no body.
 * @param options.within the field of the body that holds the options; default: the body itself
 * @throws ApiError 400 if the body is not JSON
 */
export function deleteOptions(body: string, { query }: Route, { within }: { within?: string } = {}): DeleteOptions {
  const given = parseOptions(body);
  const options = (within === undefined ? given : given[within] ?? {}) as Record<string, unknown>;
  const graceSeconds = body === "" ? integerParameter(query, "gracePeriodSeconds") : options["gracePeriodSeconds"];
  const preconditions = options["preconditions"] as DeleteOptions["preconditions"];
  return {
    ...(typeof graceSeconds === "number" ? { gracePeriodSeconds: graceSeconds } : {}),
    ...(preconditions ? { preconditions } : {}),
  };
}

function dryRunOf({ verb, subresource, query }: Route, body: string): string[] {
  const asked = query.getAll("dryRun");
  if (subresource === "eviction" && verb === "create") {
    const options = parseOptions(body)["deleteOptions"] as { dryRun?: string[] } | undefined;
    return [...asked, ...options?.dryRun ?? []];
  }
  if (!verb.startsWith("delete") || body === "") return asked;
  return (parseOptions(body)["dryRun"] ?? []) as string[];
}

function parseOptions(body: string): Record<string, unknown> {
  try {
    return body === "" ? {} : JSON.parse(body);
  } catch {
    throw badRequest("couldn't get version/kind; json parse error: the body is no JSON");
  }
}

function unsupported(kind: string, cause: { reason: string; message: string; field: string }): ApiError {
  return invalid(`${kind}.meta.k8s.io`, { name: "", causes: [cause] });
}
