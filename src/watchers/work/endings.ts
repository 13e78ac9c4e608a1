import type { Ending } from "../../machine/ending.ts";
import { isTerminal } from "../../machine/terminal.ts";
import type { Change } from "../../workdir/commit.ts";
import { readState, readTombstone } from "../../workdir/machines.ts";
import type { Workdir } from "../../workdir/store/workdir.ts";
import { podFileText } from "../../workdir/pod_file.ts";

/** What is to be written of a machine that is ended for good, so that nothing undoes what Symphony was told. */
export function changeOfEnding({ state, tombstone, pod }: Ending): Change {
  const change = { state, tombstone: tombstone, lasts: true, settles: true };
  return pod ? { ...change, pod: () => podFileText(pod) } : change;
}

/** The same; of a machine that has come to its own end by now, only that no pod is to be created for it. */
export function changeUnlessOver(workdir: Workdir, ending: Ending): Change {
  const state = readState(workdir, ending.machine);
  const tombstone = readTombstone(workdir, ending.machine);
  const isOver = isTerminal(state) && tombstone && !tombstone.givenUp;
  return isOver ? { state, lasts: false, settles: true } : changeOfEnding(ending);
}
