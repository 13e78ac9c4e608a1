import { badRequest } from "./status.ts";

/** Says whether labels are selected. */
export type LabelMatcher = (labels: Record<string, string> | undefined) => boolean;

const WORD = /[^\s=!,()<>]+/y;
const EXPECTED_OPERATORS = "in, notin, =, ==, !=, gt, lt";

/**
 * Parses a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas. An empty
 * one selects everything.
 * @throws ApiError 400, worded as the API server words it
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = new Parser(text).parse();
  return (labels) => requirements.every((holds) => holds(labels ?? {}));
}

type Requirement = (labels: Record<string, string>) => boolean;

class Parser {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    this.#skipBlanks();
    if (this.#atEnd()) return requirements;
    while (true) {
      requirements.push(this.#requirement());
      if (this.#atEnd()) return requirements;
      if (!this.#take(",")) throw problem(`found '${this.#next()}', expected: ',' or 'end of string'`);
      if (this.#atEnd()) throw problem("found '', expected: identifier after ','");
    }
  }

  #requirement(): Requirement {
    if (this.#take("!")) {
      const key = this.#key();
      return (labels) => labels[key] === undefined;
    }
    const key = this.#key();
    if (this.#atEnd() || this.#next() === ",") return (labels) => labels[key] !== undefined;
    if (this.#take("!=")) {
      const value = this.#value();
      return (labels) => labels[key] !== value;
    }
    if (this.#take("==") || this.#take("=")) {
      const value = this.#value();
      return (labels) => labels[key] === value;
    }
    const word = this.#word();
    if (word !== "in" && word !== "notin") {
      throw problem(`found '${word || this.#next()}', expected: ${EXPECTED_OPERATORS}`);
    }
    const values = this.#values();
    return word === "in"
      ? (labels) => labels[key] !== undefined && values.has(labels[key])
      : (labels) => labels[key] === undefined || !values.has(labels[key]);
  }

  #key(): string {
    const word = this.#word();
    if (word === "") throw problem(`found '${this.#next()}', expected: identifier`);
    return word;
  }

  /** What follows an operator; may be empty. */
  #value(): string {
    const value = this.#word();
    if (value === "" && !this.#atEnd() && this.#next() !== ",") {
      throw problem(`found '${this.#next()}', expected: identifier`);
    }
    return value;
  }

  #values(): Set<string> {
    if (!this.#take("(")) throw problem(`found '${this.#word() || this.#next()}' expected: '('`);
    const values = new Set([this.#word()]);
    while (this.#take(",")) values.add(this.#word());
    if (!this.#take(")")) throw problem(`found '${this.#next()}', expected: ')'`);
    return values;
  }

  #word(): string {
    WORD.lastIndex = this.#position;
    const word = WORD.exec(this.#text)?.[0] ?? "";
    this.#position += word.length;
    this.#skipBlanks();
    return word;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#position)) return false;
    this.#position += token.length;
    this.#skipBlanks();
    return true;
  }

  #next(): string {
    return this.#text.charAt(this.#position);
  }

  #atEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#next())) this.#position++;
  }
}

function problem(message: string) {
  return badRequest(`unable to parse requirement: ${message}`);
}
