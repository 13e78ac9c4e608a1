import type { Pod } from "../../kube/types.ts";

/** How many pods there are, in all, by phase and by other properties. */
export interface PodCounts {
  total: number;
  phases: Partial<Record<string, number>>;
  ready: number;
  deleting: number;
}

export function countPods(pods: Pod[]): PodCounts {
  const counts: PodCounts = { total: pods.length, phases: {}, ready: 0, deleting: 0 };
  for (const { metadata, status } of pods) {
    const phase = status?.phase ?? "Unknown";
    counts.phases[phase] = (counts.phases[phase] ?? 0) + 1;
    if (metadata.deletionTimestamp !== undefined) counts.deleting++;
    if (status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True")) counts.ready++;
  }
  return counts;
}
