/**
 * Reads a work directory as the legacy plug-in does (source: `interface.md`, "Work directory" and "Status words to
 * answers"), with nothing of our own readers: what it cannot read here, it cannot read there.
 */
export function legacyPlugin(workdir: string) {
  return {
    /** What its requests' watcher would create when it is started: from links in requests that are not handled. */
    toCreate: () =>
      unhandled(`${workdir}/requests`).flatMap((path) =>
        namesIn(path).filter((machine) => Deno.lstatSync(`${path}/${machine}`).isSymlink).map((machine) => {
          const pod = JSON.parse(Deno.readTextFileSync(`${path}/${machine}`));
          // It sets labels in what the manifest has, and fails where that has none.
          pod.metadata.labels.app = machine;
          return { machine, pod };
        })
      ),
    /** What its return requests' watcher would delete when it is started. */
    toReturn: () =>
      unhandled(`${workdir}/return-requests`).flatMap(namesIn).filter((machine) => {
        const state = stateOf(machine);
        return state !== undefined && state !== "deleted";
      }).sort(),
    machine: (machine: string) => ({ state: stateOf(machine), pod: podOf(machine) }),
    /** What it says of a request or return request. */
    status(id: string): string {
      const isRequest = exists(`${workdir}/requests/${id}`);
      const results = namesIn(`${workdir}/${isRequest ? "requests" : "return-requests"}/${id}`)
        .map((machine) => resultOf(stateOf(machine), isRequest));
      if (results.includes("executing")) return "running";
      return results.includes("fail") ? "complete_with_error" : "complete";
    },
    /** Of the machines that Symphony has, those that it says are to be returned. */
    claimed: (machines: string[]) => {
      const there = namesIn(`${workdir}/pods`).filter((machine) => stateOf(machine) !== "deleted");
      return machines.filter((machine) => !there.includes(machine));
    },
  };

  function stateOf(machine: string): string | undefined {
    const path = `${workdir}/pods-status/${machine}`;
    return isLink(path) ? Deno.readLinkSync(path).split("/").pop() : undefined;
  }

  function podOf(machine: string) {
    const path = `${workdir}/pods/${machine}`;
    if (!exists(path)) return undefined;
    const { metadata, spec, status } = JSON.parse(Deno.readTextFileSync(path));
    return {
      uid: metadata.uid,
      name: metadata.name,
      createdAt: metadata.creation_timestamp,
      address: status.pod_ip,
      node: spec.node_name,
    };
  }
}

const RESULTS: Record<string, [request: string, returned: string]> = {
  creating: ["executing", "executing"],
  pending: ["executing", "executing"],
  running: ["succeed", "executing"],
  succeeded: ["succeed", "succeed"],
};

function resultOf(state: string | undefined, isRequest: boolean): string {
  if (state === undefined) return "fail";
  return (RESULTS[state] ?? ["fail", "succeed"])[isRequest ? 0 : 1] ?? "";
}

/** The directories that do not say that they were handled. */
function unhandled(parent: string): string[] {
  return namesIn(parent).map((name) => `${parent}/${name}`).filter((path) => !exists(`${path}/.processed`));
}

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => !name.startsWith(".")).sort();
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function isLink(path: string): boolean {
  return exists(path) && Deno.lstatSync(path).isSymlink;
}
