import type { Cause } from "../protocol/status.ts";
import { amountOf, compareQuantities, isWhole } from "../protocol/quantity.ts";

/** What a container requests, and what it is limited to; quantities in their canonical form. */
export interface ResourceRequirements {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** The resources of which a container may request less than its limit. */
const STANDARD = ["cpu", "memory", "ephemeral-storage"];

/** What is wrong with a container's resources, in the API server's words; `field` is their path. */
export function validateResources({ requests = {}, limits = {} }: ResourceRequirements, field: string): Cause[] {
  const causes: Cause[] = [];
  for (const [name, quantity] of Object.entries(limits)) {
    causes.push(...validateAmount(name, quantity, `${field}.limits`));
  }
  for (const [name, quantity] of Object.entries(requests)) {
    causes.push(...validateAmount(name, quantity, `${field}.requests`));
    const limit = limits[name];
    const isStandard = STANDARD.includes(name) || !name.includes("/");
    if (limit === undefined) {
      if (!isStandard) {
        const message = "Required value: Limit must be set for non overcommitable resources";
        causes.push({ reason: "FieldValueRequired", message, field: `${field}.limits` });
      }
      continue;
    }
    const order = compareQuantities(quantity, limit);
    if (order !== 0 && !isStandard) {
      causes.push(wrong(`${field}.requests`, quantity, `must be equal to ${name} limit of ${limit}`));
    } else if (order > 0) {
      causes.push(wrong(`${field}.requests`, quantity, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return causes;
}

/** What the API server warns of. */
export function resourceWarnings({ requests = {}, limits = {} }: ResourceRequirements, field: string): string[] {
  return [["limits", limits] as const, ["requests", requests] as const].flatMap(([which, amounts]) =>
    Object.entries(amounts)
      .filter(([name, quantity]) => (name === "memory" || name === "ephemeral-storage") && !isWhole(quantity))
      .map(([name, quantity]) =>
        `${field}.${which}[${name}]: fractional byte value "${quantity}" is invalid, must be an integer`
      )
  );
}

function validateAmount(name: string, quantity: string, place: string): Cause[] {
  const field = `${place}[${name}]`;
  const causes: Cause[] = [];
  const isStandard = STANDARD.includes(name) || name.startsWith("hugepages-");
  if (!isStandard && !name.includes("/")) {
    causes.push(wrong(field, name, "must be a standard resource type or fully qualified"));
    causes.push(wrong(field, name, "must be a standard resource for containers"));
  }
  if (amountOf(quantity) < 0) causes.push(wrong(field, quantity, "must be greater than or equal to 0"));
  if (name.includes("/") && !isWhole(quantity)) causes.push(wrong(field, quantity, "must be an integer"));
  return causes;
}

function wrong(field: string, value: string, why: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}
