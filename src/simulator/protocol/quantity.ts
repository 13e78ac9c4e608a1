/** Amounts of resources, such as `500m` or `4Gi`. */

const EXPONENTS: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const SYNTAX = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei)|([numkMGTPE]?))$/;

const USUAL = /^([1-9]\d{0,14})(m|Ki|Mi|Gi|)$/;

interface Parsed {
  /** In units of 10⁻⁹; smaller fractions are rounded up. */
  nanos: bigint;
  form: "decimal" | "binary" | "exponent";
}

/** A quantity as a number; 0 if it is not a quantity. */
export function amountOf(quantity: unknown): number {
  const parsed = parse(quantity);
  return parsed ? Number(parsed.nanos) / 1e9 : 0;
}

/** Negative, 0 or positive, as the first is less than, equal to or more than the second. Both must be quantities. */
export function compareQuantities(one: unknown, other: unknown): number {
  const difference = parse(one)!.nanos - parse(other)!.nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whether it is a whole number. */
export function isWhole(quantity: string): boolean {
  return parse(quantity)!.nanos % 10n ** 9n === 0n;
}

/**
 * A quantity, given as text or as a number, in the form in which the API server returns it: in the largest unit without
 * a fraction, and rounded up to thousandths. `undefined` if it is not a quantity.
 */
export function canonicalQuantity(given: unknown): string | undefined {
  // A shortcut for the usual ones.
  const usual = typeof given === "string" ? USUAL.exec(given) : null;
  if (usual && Number(usual[1]) % (usual[2]!.endsWith("i") ? 1024 : 1000) !== 0) return given as string;
  const parsed = parse(given);
  if (!parsed) return undefined;
  const { nanos, form } = parsed;
  if (form === "binary" && nanos % 10n ** 9n === 0n && abs(nanos) >= 1024n * 10n ** 9n) {
    let [value, power] = [nanos / 10n ** 9n, 0];
    while (value % 1024n === 0n && power < BINARY.length - 1) [value, power] = [value / 1024n, power + 1];
    return `${value}${BINARY[power]}`;
  }
  if (nanos === 0n) return "0";
  let [value, exponent] = [roundedUp(nanos, 10n ** 6n), -3];
  while (value % 1000n === 0n && exponent < 18) [value, exponent] = [value / 1000n, exponent + 3];
  if (form === "exponent") return exponent === 0 ? String(value) : `${value}e${exponent}`;
  const unit = Object.keys(EXPONENTS).find((unit) => EXPONENTS[unit] === exponent);
  return `${value}${unit}`;
}

/** Most pods name the same few amounts. */
const known = new Map<unknown, Parsed | undefined>();
const MOST_KNOWN = 1000;

function parse(given: unknown): Parsed | undefined {
  let parsed = known.get(given);
  if (parsed) return parsed;
  parsed = parseUnknown(given);
  if (known.size < MOST_KNOWN) known.set(given, parsed);
  return parsed;
}

function parseUnknown(given: unknown): Parsed | undefined {
  const match = SYNTAX.exec(typeof given === "number" ? String(given) : typeof given === "string" ? given : "none");
  if (!match) return undefined;
  const [, number = "", power, binary, decimal = ""] = match;
  const [whole = "", fraction = ""] = number.split(".");
  const digits = BigInt(`${whole.replace("+", "").replace(/^-?$/, "$&0")}${fraction}`);
  const exponent = power === undefined ? binary === undefined ? EXPONENTS[decimal]! : 0 : Number(power);
  if (Math.abs(exponent) > 400) return undefined;
  const factor = binary === undefined ? 1n : 1024n ** BigInt(BINARY.indexOf(binary));
  const shift = exponent + 9 - fraction.length;
  const scaled = digits * factor * (shift > 0 ? 10n ** BigInt(shift) : 1n);
  const nanos = shift < 0 ? roundedUp(scaled, 10n ** BigInt(-shift)) : scaled;
  const form = power !== undefined ? "exponent" : binary !== undefined ? "binary" : "decimal";
  return { nanos, form };
}

/** The quotient, rounded away from zero. */
function roundedUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor === 0n ? quotient : quotient + (value < 0n ? -1n : 1n);
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
