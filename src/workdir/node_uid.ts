import * as v from "valibot";
import { readRecord } from "./store/record.ts";
import type { Workdir } from "./store/workdir.ts";

const NodeSchema = v.object({ metadata: v.object({ uid: v.string() }) });

/** The uid of a node, as its file says it; `undefined` if there is none that can be read. */
export function readNodeUid(workdir: Workdir, node: string): string | undefined {
  return readRecord(workdir, workdir.layout.node(node), NodeSchema)?.metadata.uid;
}
