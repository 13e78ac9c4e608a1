import { plainText } from "../src/plain_text.ts";

/** What an element may be made with. */
export interface Attributes {
  [name: string]: string | number | boolean | undefined | ((event: Event) => void);
}

type Content = Node | string | undefined;

/**
 * An element. Text is always text, what the cluster calls things never markup, and nothing in it can reorder what stands beside it.
 * A function is a listener of the event it is named after.
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

/** The same in a drawing. */
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

/** A table of texts and elements. @param columns a heading; one that begins with `#` is of numbers */
export function table(columns: string[], rows: Content[][]): HTMLTableElement {
  const kinds = columns.map((column) => column.startsWith("#") ? { class: "number" } : {});
  const heads = columns.map((column, i) => element("th", { scope: "col", ...kinds[i] }, column.replace(/^#/, "")));
  const bodies = rows.map((row) =>
    element("tr", {}, ...row.map((content, i) => element("td", { ...kinds[i] }, content)))
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...bodies));
}

/** That there is nothing of something, or where the rest of it is. */
export function remark(text: string, kind: "nothing" | "more" = "nothing"): HTMLElement {
  return element("p", { class: kind }, text);
}
