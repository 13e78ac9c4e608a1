import type { PodFacts } from "./pod_facts.ts";

/** What stays of a machine that has come to its end, one way or the other. Times are in seconds since the epoch. */
export interface Tombstone {
  /** The pod's uid and address, if there was a pod. */
  uid?: string | undefined;
  privateIpAddress?: string | undefined;
  launchtime?: number | undefined;
  /** It was running at some time. */
  up: boolean;
  /** Symphony gave it back, before anything else ended it. */
  returned: boolean;
  /** We decided that it is never to run: it is not created, and a pod that it has is deleted. */
  givenUp: boolean;
  /** It was given up only because another pod stands in the place of its own, which was gone; absent otherwise. */
  replaced?: boolean | undefined;
  /** Its pod ended by itself, and with success. */
  succeeded?: boolean | undefined;
  /** Why it ended, in words an operator can act on. */
  message: string;
}

/** True if the machine once had a pod: what was seen of that may be lost, but only we decide that there is to be none. */
export function hadPod({ uid, givenUp }: Tombstone): boolean {
  return uid !== undefined || !givenUp;
}

/** Of a machine that is given up because its pod, of which this is known, did not come up. */
export function tombstoneOfGivingUp(
  { uid, privateIpAddress, createdAt: launchtime }: PodFacts,
  { message, up }: Pick<Tombstone, "message" | "up">,
): Tombstone {
  return { up, returned: false, givenUp: true, message, uid, privateIpAddress, launchtime };
}

/** Of a machine that Symphony has given back, and of which nothing else is known any more: it counts as one that was up. */
export const RETURNED: Readonly<Tombstone> = {
  up: true,
  returned: true,
  givenUp: false,
  message: "Returned by Symphony",
};
