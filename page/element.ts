import { plainText } from "../src/plain_text.ts";

/** Attributes and event listeners of an element. */
export interface Attributes {
  [name: string]: string | number | boolean | undefined | ((event: Event) => void);
}

type Content = Node | string | undefined;

/**
 * An element. Text content is never read as markup, whatever names the cluster uses, and control characters in it
 * cannot reorder the text beside it. An attribute whose value is a function is a listener for the event of that name.
 */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...content: Content[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  dress(made, attributes);
  fill(made, content);
  return made;
}

/** As `element`, for SVG. */
export function shape(name: string, attributes: Attributes = {}, ...content: Content[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  dress(made, attributes);
  fill(made, content);
  return made;
}

function fill(made: Element, content: Content[]): void {
  made.append(
    ...content.filter((one) => one !== undefined).map((one) => typeof one === "string" ? plainText(one) : one),
  );
}

function dress(made: Element, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== undefined && value !== false) made.setAttribute(key, plainText(String(value)));
  }
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element '${id}'`);
  return found as T;
}

/** A table of texts and elements. @param columns the headings; `#` before a heading marks a column of numbers */
export function table(columns: string[], rows: Content[][]): HTMLTableElement {
  const kinds = columns.map((column) => column.startsWith("#") ? { class: "number" } : {});
  const heads = columns.map((column, i) => element("th", { scope: "col", ...kinds[i] }, column.replace(/^#/, "")));
  const bodies = rows.map((row) =>
    element("tr", {}, ...row.map((content, i) => element("td", { ...kinds[i] }, content)))
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...bodies));
}

/** A sentence in place of a list's content, or after it: that there is nothing, or that there is more. */
export function remark(text: string, kind: "nothing" | "more" = "nothing"): HTMLElement {
  return element("p", { class: kind }, text);
}
