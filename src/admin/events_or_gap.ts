import { describeError, HostFactoryError } from "../errors.ts";

/** Events; or none, and why they cannot be read. */
export interface EventsOrGap<T> {
  events: readonly T[];
  /** As a sentence without a full stop; absent if they can be read. */
  gap: string | undefined;
}

/** The events of `read`. It is no error if they cannot be read, because the work directory knows most of it, too. */
export async function eventsOrGap<T>(read: Promise<readonly T[]>): Promise<EventsOrGap<T>> {
  try {
    return { events: await read, gap: undefined };
  } catch (error) {
    if (!(error instanceof HostFactoryError)) throw error;
    return { events: [], gap: describeError(error) };
  }
}
