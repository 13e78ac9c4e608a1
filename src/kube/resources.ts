import { amountOf } from "./quantity.ts";

const MIB = 2 ** 20;

/** Amounts by the names of resources, as Kubernetes writes them. */
export type Amounts = Readonly<Record<string, unknown>> | null | undefined;

/** The requests and limits of a container. */
export interface ContainerResources {
  requests?: Amounts;
  limits?: Amounts;
}

/** The cores of some amounts, summed up. */
export function coresOf(...amounts: Amounts[]): number {
  return sum(amounts.map((one) => amountOf(one?.["cpu"]) ?? 0));
}

/** The memory of some amounts, summed up, in MiB. */
export function mebibytesOf(...amounts: Amounts[]): number {
  return sum(amounts.map((one) => amountOf(one?.["memory"]) ?? 0)) / MIB;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
