/**
 * Metrics by annotations that a scraper in the cluster looks for. Deploy this or `metrics_sidecar.ts`. A template names its
 * port and path by `{ "port": 9100, "path": "/metrics" }`, and one that names no port has no metrics.
 */
import { type Hooks, serveHooks } from "./hook.ts";

export function metricsAnnotations(): Hooks {
  return {
    preCreate({ pod: { metadata }, configuration: { port, path = "/metrics" } }) {
      if (typeof port !== "number") return;
      const annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": String(port),
        "prometheus.io/path": String(path),
      };
      metadata.annotations = { ...annotations, ...metadata.annotations };
    },
  };
}

if (import.meta.main) serveHooks(metricsAnnotations(), { port: 9105 });
