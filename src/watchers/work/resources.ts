import { amountOf } from "../../kube/quantity.ts";

const MIB = 2 ** 20;

/** Amounts by the names of resources, as Kubernetes writes them. */
export type Amounts = Readonly<Record<string, unknown>> | null | undefined;

/** The cores of some amounts, summed up. */
export function coresOf(...amounts: Amounts[]): number {
  return sum(amounts.map((one) => amountOf(one?.["cpu"]) ?? 0));
}

/** The memory of some amounts, summed up, in MiB. */
export function mebibytesOf(...amounts: Amounts[]): number {
  return sum(amounts.map((one) => amountOf(one?.["memory"]) ?? 0)) / MIB;
}

/** A number as the legacy plug-in's events have it: at most two decimals, and at least one (source: fixtures). */
export function decimal(number: number): string {
  const rounded = Math.round(number * 100) / 100;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
