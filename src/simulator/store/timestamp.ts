/** Milliseconds since the epoch as Kubernetes writes a time: RFC 3339, UTC, to the second, fractions dropped. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
