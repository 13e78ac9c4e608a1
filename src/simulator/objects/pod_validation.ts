import type { Pod } from "../../kube/types.ts";
import type { Cause } from "../protocol/status.ts";
import { type ResourceRequirements, validateResources } from "./pod_resources.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED_NAME})?`;

const NOT_A_LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start " +
  `and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const NOT_A_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  `'${SUBDOMAIN}')`;
const NOT_A_QUALIFIED_NAME =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  `'${QUALIFIED_NAME}')`;
const NOT_A_LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
  "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " +
  `validation is '${LABEL_VALUE}')`;

const MOST_SECONDS = 2 ** 31 - 1;

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

/** What is wrong with a pod that is to be created, in the API server's words; empty if nothing is. */
export function validatePod(pod: Pod): Cause[] {
  const causes = validateMetadata(pod);
  const { containers } = pod.spec;
  if (!Array.isArray(containers) || containers.length === 0) causes.push(required("spec.containers"));
  else causes.push(...validateContainers(containers));
  const deadline = pod.spec["activeDeadlineSeconds"] as number | undefined;
  if (deadline !== undefined && (deadline < 1 || deadline > MOST_SECONDS)) {
    const message = `Invalid value: ${deadline}: must be between 1 and ${MOST_SECONDS}, inclusive`;
    causes.push({ reason: "FieldValueInvalid", message, field: "spec.activeDeadlineSeconds" });
  }
  const restartPolicy = pod.spec["restartPolicy"];
  if (!RESTART_POLICIES.includes(String(restartPolicy))) {
    const supported = RESTART_POLICIES.map((policy) => `"${policy}"`).join(", ");
    causes.push({
      reason: "FieldValueNotSupported",
      message: `Unsupported value: "${restartPolicy}": supported values: ${supported}`,
      field: "spec.restartPolicy",
    });
  }
  return causes;
}

/** What is wrong with the name and the labels of any object. */
export function validateMetadata({ metadata }: Pick<Pod, "metadata">): Cause[] {
  const causes: Cause[] = [];
  const { name } = metadata;
  if (!name) causes.push(required("metadata.name", ": name or generateName is required"));
  else if (name.length > 253) causes.push(wrong("metadata.name", name, "must be no more than 253 characters"));
  else if (!matches(SUBDOMAIN, name)) causes.push(wrong("metadata.name", name, NOT_A_SUBDOMAIN));
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    causes.push(...validateKey("metadata.labels", key));
    if (value.length > 63) causes.push(wrong("metadata.labels", value, "must be no more than 63 bytes"));
    else if (!matches(LABEL_VALUE, value)) causes.push(wrong("metadata.labels", value, NOT_A_LABEL_VALUE));
  }
  for (const key of Object.keys(metadata.annotations ?? {})) {
    causes.push(...validateKey("metadata.annotations", key.toLowerCase(), key));
  }
  return causes;
}

function validateContainers(containers: Pod["spec"]["containers"]): Cause[] {
  const causes: Cause[] = [];
  const seen = new Set<string>();
  for (const [position, { name, image, resources }] of containers.entries()) {
    const field = `spec.containers[${position}]`;
    if (!name) causes.push(required(`${field}.name`));
    else if (seen.has(name)) {
      causes.push({ reason: "FieldValueDuplicate", message: `Duplicate value: "${name}"`, field: `${field}.name` });
    } else if (name.length > 63) causes.push(wrong(`${field}.name`, name, "must be no more than 63 characters"));
    else if (!matches(LABEL, name)) causes.push(wrong(`${field}.name`, name, NOT_A_LABEL));
    if (name) seen.add(name);
    if (!image) causes.push(required(`${field}.image`));
    causes.push(...validateResources((resources ?? {}) as ResourceRequirements, `${field}.resources`));
  }
  return causes;
}

/** A key is a name of at most 63 characters, optionally after a DNS subdomain and a slash. */
function validateKey(field: string, key: string, shown = key): Cause[] {
  const parts = key.split("/");
  const name = parts.at(-1)!;
  if (parts.length > 2) {
    return [wrong(field, shown, `a qualified name must consist of alphanumeric characters, '-', '_' or '.'`)];
  }
  if (parts.length === 2 && !matches(SUBDOMAIN, parts[0]!)) {
    return [wrong(field, shown, `prefix part ${NOT_A_SUBDOMAIN}`)];
  }
  if (name === "") return [wrong(field, shown, "name part must be non-empty")];
  if (name.length > 63) return [wrong(field, shown, "name part must be no more than 63 bytes")];
  return matches(QUALIFIED_NAME, name) ? [] : [wrong(field, shown, NOT_A_QUALIFIED_NAME)];
}

const WHOLE = new Map(
  [LABEL, SUBDOMAIN, QUALIFIED_NAME, LABEL_VALUE].map((pattern) => [pattern, new RegExp(`^(?:${pattern})$`)]),
);

function matches(pattern: string, text: string): boolean {
  return WHOLE.get(pattern)!.test(text);
}

function required(field: string, why = ""): Cause {
  return { reason: "FieldValueRequired", message: `Required value${why}`, field };
}

function wrong(field: string, value: string, why: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}
