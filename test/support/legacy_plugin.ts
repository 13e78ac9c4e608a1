import { runToEnd } from "./process.ts";
import type { Site } from "./site.ts";
import { root } from "./tree.ts";

/** The names of what is in the fixture. */
export interface LegacyPlugin {
  /** 3 machines, of which -0 was given back by the return request. */
  running: string;
  /** 6 machines, all running. */
  sixRunning: string;
  /** 2 machines that no watcher has picked up. */
  notPickedUp: string;
  /** The return request, which is done. */
  returned: string;
}

/** Puts a work directory, as the legacy plug-in left it on a real cluster, in place of the site's own. */
export async function installLegacyPlugin(site: Site): Promise<LegacyPlugin> {
  const { code, stderr } = await runToEnd({
    program: "tar",
    args: ["-xzf", `${root}test/fixtures/legacy-plugin-workdir.tgz`],
    environment: { PATH: site.environment.PATH ?? "" },
    directory: site.directory,
  });
  if (code !== 0) throw new Error(stderr);
  const ids = JSON.parse(Deno.readTextFileSync(`${site.directory}/ids.json`));
  // Its links lead to where its configuration lay.
  const moved = (path: string) => path.replace("/opt/hf/conf", site.confdir);
  const templates = `${site.confdir}/k8sprov_templates.json`;
  Deno.writeTextFileSync(templates, moved(Deno.readTextFileSync(templates)));
  const pending = `${site.workdir}/requests/${ids.notPickedUp}`;
  for (const { name, isSymlink } of Deno.readDirSync(pending)) {
    if (!isSymlink) continue;
    const target = moved(Deno.readLinkSync(`${pending}/${name}`));
    Deno.removeSync(`${pending}/${name}`);
    Deno.symlinkSync(target, `${pending}/${name}`);
  }
  return {
    running: ids.running,
    sixRunning: ids.partlyUnschedulable,
    notPickedUp: ids.notPickedUp,
    returned: ids.return,
  };
}

/** A pod as the legacy plug-in makes it: none of our own labels. */
export function legacyPluginPod(requestId: string, index: number) {
  const name = `${requestId}-${index}`;
  const labels: Record<string, string> = { app: name, "symphony/hostfactory-reqid": requestId };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "sym", image: "symphony:7.3.2" }],
    },
  };
}
