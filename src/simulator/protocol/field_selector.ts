import { badRequest } from "./status.ts";

/** The fields of one kind that can be selected, and how each is read. */
export type SelectableFields<T> = Record<string, (object: T) => string>;

/**
 * Parses a field selector, `status.phase=Running,spec.nodeName!=x`, over the fields that a kind offers.
 * @throws ApiError 400, worded as the API server words it
 */
export function parseFieldSelector<T>(text: string, fields: SelectableFields<T>): (object: T) => boolean {
  const requirements = text.split(",").filter((part) => part !== "").map((part) => {
    const match = /^(.*?)(!=|==|=)(.*)$/.exec(part);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = "", operator, value] = match;
    const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (!read) throw badRequest(`field label not supported: ${field}`);
    return operator === "!=" ? (object: T) => read(object) !== value : (object: T) => read(object) === value;
  });
  return (object) => requirements.every((holds) => holds(object));
}
