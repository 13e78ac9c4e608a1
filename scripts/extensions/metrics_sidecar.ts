/**
 * Metrics by a sidecar that pushes what the machine exports to a gateway: for clusters that scrape nothing. Deploy this or
 * `metrics_annotations.ts`. `IMAGE` is the sidecar's image, `GATEWAY` where it pushes to; a template names its port by
 * `{ "port": 9100 }`, and one that does not has no metrics.
 */
import { type Hooks, serveHooks } from "./hook.ts";

const NAME = "metrics";

export function metricsSidecar({ image, gateway }: { image: string; gateway: string }): Hooks {
  return {
    preCreate({ pod: { spec }, configuration: { port } }) {
      if (typeof port !== "number" || spec.initContainers?.some(({ name }) => name === NAME)) return;
      const env = [{ name: "SCRAPE_URL", value: `http://127.0.0.1:${port}/metrics` }, {
        name: "GATEWAY",
        value: gateway,
      }];
      spec.initContainers = [{ name: NAME, image, restartPolicy: "Always", env }, ...spec.initContainers ?? []];
    },
  };
}

if (import.meta.main) {
  const need = (name: string) => Deno.env.get(name) ?? Deno.exit(console.error(`set ${name}`) ?? 2);
  serveHooks(metricsSidecar({ image: need("IMAGE"), gateway: need("GATEWAY") }), { port: 9104 });
}
