/** What `events transform` is told of a run. */
export const RUN_OPTIONS = "--cluster c --platform eks --region r --namespace n --date 2026-11-21-16-13".split(" ");
