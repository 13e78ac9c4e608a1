/**
 * Ships the files that a machine logs to: every container gets a shared directory, and a sidecar reads it. `IMAGE` is the
 * sidecar's image, `LOG_DIRECTORY` the directory (default /var/log/grid). A template opts out by `{ "enabled": false }`.
 *
 * The sidecar is an init container that is always restarted (Kubernetes 1.29 and later): it ends with the machine.
 */
import { type Hooks, serveHooks } from "./hook.ts";

const NAME = "log-shipper";

export function logShipper({ image, directory }: { image: string; directory: string }): Hooks {
  return {
    preCreate({ pod: { spec }, configuration }) {
      if (configuration.enabled === false || spec.initContainers?.some(({ name }) => name === NAME)) return;
      const mount = { name: NAME, mountPath: directory };
      for (const container of spec.containers) container.volumeMounts = [...container.volumeMounts ?? [], mount];
      spec.volumes = [...spec.volumes ?? [], { name: NAME, emptyDir: { sizeLimit: "1Gi" } }];
      const sidecar = { name: NAME, image, restartPolicy: "Always", volumeMounts: [mount] };
      spec.initContainers = [sidecar, ...spec.initContainers ?? []];
    },
  };
}

if (import.meta.main) {
  const image = Deno.env.get("IMAGE") ?? "fluent/fluent-bit:4.0";
  serveHooks(logShipper({ image, directory: Deno.env.get("LOG_DIRECTORY") ?? "/var/log/grid" }), { port: 9103 });
}
