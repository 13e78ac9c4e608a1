/** The life of machines: asked for, created, followed, given back or taken away. */
import assert from "node:assert/strict";
import type { RequestStatusAnswer } from "../../src/hf/answers.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest } from "../support/e2e.ts";
import { machinesOf, manifest } from "../support/site.ts";

clusterTest("machines are asked for, run, are given back, and are gone", async (site) => {
  const { templates } = await site.tell("getAvailableTemplates", {});
  assert.deepEqual(templates.map(({ templateId }: { templateId: string }) => templateId), ["small"]);
  const startedAt = Math.floor(Date.now() / 1000);
  site.serve();
  const id = await site.request(3);
  const machines = await site.allRunning(id);

  const pods = await site.cluster.pods();
  assert.deepEqual(machines.map(({ name }) => name), machinesOf(id, 3));
  for (const { name, machineId, privateIpAddress, launchtime, publicIpAddress, result } of machines) {
    const pod = pods.get(name);
    assert.equal(machineId, pod?.metadata.uid);
    assert.equal(privateIpAddress, pod?.status?.podIP);
    assert.match(privateIpAddress, /^\d+\.\d+\.\d+\.\d+$/);
    assert.equal(launchtime, Date.parse(pod?.metadata.creationTimestamp ?? "") / 1000);
    assert.ok(launchtime >= startedAt - 1 && launchtime <= Date.now() / 1000);
    assert.deepEqual({ publicIpAddress, result }, { publicIpAddress: "", result: "succeed" });
    const { labels } = pod?.metadata ?? {};
    assert.equal(labels?.app, name);
    assert.equal(labels?.site, "test");
    assert.equal(labels?.["symphony/hostfactory-reqid"], id);
    assert.equal(labels?.["symphony/hostfactory-instance"], "k8s-hf");
  }
  assert.deepEqual((await eventually("a view", () => viewed(() => site.returnRequests()))).requests, []);

  const returned = await site.giveBack(machines.map(({ name }) => name));
  const gone = await site.settled(returned);
  assert.equal(gone.status, "complete");
  assert.deepEqual(
    gone.machines.map(({ result, status }) => `${result} ${status}`),
    Array(3).fill("succeed terminated"),
  );
  assert.deepEqual(await site.cluster.podNames(), []);
  for (const directory of [`requests/${id}`, `return-requests/${returned}`]) {
    await eventually(`${directory}/.processed`, () => site.entries(directory).includes(".processed"));
  }
  await eventually("no pod file is left", () => site.entries("pods").length === 0);

  const after = await site.status(id);
  assert.equal(after.status, "complete", "giving machines back is no error of the request");
  assert.deepEqual(
    after.machines.map(({ result, status }) => `${result} ${status}`),
    Array(3).fill("succeed terminated"),
  );
  assert.deepEqual((await site.returnRequests()).requests, [], "what Symphony gave back itself is not reported to it");
});

clusterTest("machines that the cluster takes away are named, with the reason, and no others", async (site) => {
  site.serve();
  const id = await site.request(4);
  await site.allRunning(id);
  await site.cluster.deletePod(`${id}-1`);
  await site.cluster.evictPod(`${id}-2`);
  const named = await eventually("both are named", async () => {
    const { requests } = await site.returnRequests();
    return requests.length >= 2 && requests;
  });
  assert.deepEqual(named.map(({ machine }) => machine).sort(), [`${id}-1`, `${id}-2`]);
  for (const { gracePeriod } of named) {
    assert.ok(Number.isInteger(gracePeriod) && gracePeriod >= 0 && gracePeriod <= 30);
  }

  const asked = await site.returnRequests([`${id}-0`, `${id}-2`]);
  assert.deepEqual(asked.requests.map(({ machine }) => machine), [`${id}-2`]);

  const bothFailed = ({ machines }: RequestStatusAnswer) =>
    machines.filter(({ result }) => result === "fail").length === 2;
  const status = await site.statusOnce(id, bothFailed);
  assert.equal(status.status, "complete_with_error");
  assert.match(status.message, /^2 of 4 machine\(s\) failed/);
  const [kept, deleted, evicted, keptToo] = status.machines;
  assert.deepEqual([kept?.result, keptToo?.result], ["succeed", "succeed"]);
  assert.match(deleted?.message ?? "", /deleted, and not because Symphony returned/);
  assert.match(evicted?.message ?? "", /cluster took the pod away.*evict/i);
  assert.notEqual(evicted?.machineId, "", "a machine keeps its id after its end");
});

clusterTest("a machine in two return requests is gone for both", async (site) => {
  site.serve();
  const id = await site.request(2);
  await site.allRunning(id);
  const first = await site.giveBack([`${id}-0`]);
  const second = await site.giveBack([`${id}-0`, `${id}-1`, `${id}-1`, "zzzzneverwas-7"]);
  assert.equal((await site.settled(first)).status, "complete");
  const both = await site.settled(second);
  assert.equal(both.status, "complete");
  assert.deepEqual(both.machines.map(({ name }) => name).sort(), [`${id}-0`, `${id}-1`, "zzzzneverwas-7"]);
  assert.deepEqual(await site.cluster.podNames(), []);
});

clusterTest("a machine is given back by its id where it has no name", async (site) => {
  site.serve();
  const id = await site.request(2);
  const [first] = await site.allRunning(id);
  const { requestId } = await site.tell("requestReturnMachines", { machines: [{ machineId: first?.machineId }] });
  await site.settled(requestId);
  assert.deepEqual(await site.cluster.podNames(), [`${id}-1`]);
});

clusterTest("a change of template and manifest does not touch a request that was accepted", async (site) => {
  const id = await site.request(2);
  site.writeTemplates({ other: { ...manifest, metadata: { labels: { site: "changed" } } } });
  Deno.removeSync(`${site.confdir}/small.json`);
  site.serve();
  await site.allRunning(id);
  for (const pod of (await site.cluster.pods()).values()) {
    assert.equal(pod.metadata.labels?.site, "test");
    assert.equal(pod.metadata.labels?.["symphony/hostfactory-template"], "small");
  }
});

clusterTest("machines over the quota fail with the server's words, and the others run", async (site) => {
  await site.cluster.limitPods(3);
  site.serve();
  const id = await site.request(5);
  const { status, machines } = await site.settled(id);
  assert.equal(status, "complete_with_error");
  const failed = machines.filter(({ result }) => result === "fail");
  assert.equal(failed.length, 2);
  for (const { message } of failed) {
    assert.match(message, /exceeded quota: pods, requested: pods=1, used: pods=3, limited/);
  }
  assert.equal((await site.cluster.podNames()).length, 3);
  await eventually(".processed", () => site.entries(`requests/${id}`).includes(".processed"));

  const returned = await site.giveBack(machinesOf(id, 5));
  assert.equal((await site.settled(returned)).status, "complete");
  assert.deepEqual(await site.cluster.podNames(), []);
});

clusterTest("a pod of the machine's name that is not ours fails that machine, and is never touched", async (site) => {
  const foreign = { ...manifest, metadata: { name: "taken-0", labels: { owner: "somebody" } } };
  const { metadata: { uid } } = await site.cluster.createPod(foreign);
  site.serve();
  const id = await site.request(2, { id: "taken" });
  const { status, machines } = await site.settled(id);
  assert.equal(status, "complete_with_error");
  assert.deepEqual(machines.map(({ result }) => result), ["fail", "succeed"]);
  assert.match(machines[0]?.message ?? "", /'taken-0'.*exists and is not ours/);
  await site.settled(await site.giveBack(["taken-0", "taken-1"]));
  const left = await site.cluster.pods();
  assert.deepEqual([...left.keys()], ["taken-0"]);
  assert.equal(left.get("taken-0")?.metadata.uid, uid);
  assert.equal(left.get("taken-0")?.metadata.deletionTimestamp, undefined);
});

clusterTest("a pod that exists and is ours counts as created", async (site) => {
  const labels = {
    app: "made-0",
    "symphony/hostfactory-reqid": "made",
    "symphony/hostfactory-instance": "k8s-hf",
  };
  const { metadata: { uid } } = await site.cluster.createPod({ ...manifest, metadata: { name: "made-0", labels } });
  await site.request(2, { id: "made" });
  site.serve();
  const machines = await site.allRunning("made");
  assert.equal(machines[0]?.machineId, uid);
  assert.equal((await site.cluster.podNames()).length, 2);
});

const pulls = { ...manifest, metadata: { labels: { "hostfactory.test/behaviour": "image-pull-fails" } } };
const nowhere = { ...manifest, spec: { ...manifest.spec, nodeSelector: { "no.such/label": "x" } } };

clusterTest("pods that are pending too long fail with the cluster's reason, and are deleted", async (site) => {
  site.writeTemplates({ small: manifest, pulls, nowhere });
  const first = site.serve();
  const [good, pulling, unschedulable] = [
    await site.request(1),
    await site.request(2, { templateId: "pulls" }),
    await site.request(1, { templateId: "nowhere" }),
  ];
  await site.allRunning(good);
  await eventually("the cluster says why the others do not run", async () => {
    const pods = await site.cluster.pods();
    const { conditions = [] } = pods.get(`${unschedulable}-0`)?.status ?? {};
    return conditions.some(({ reason }) => reason === "Unschedulable") &&
      machinesOf(pulling, 2).every((machine) => {
        const [container] = pods.get(machine)?.status?.containerStatuses ?? [];
        return /ImagePull/.test(container?.state?.waiting?.reason ?? "");
      });
  });
  await first.stop();
  site.serve("--pod-timeout", "1");
  const pulled = await site.settled(pulling);
  assert.deepEqual(pulled.machines.map(({ result }) => result), ["fail", "fail"]);
  for (const { message } of pulled.machines) {
    assert.match(message, /Not running after 1 s.*(ErrImagePull|ImagePullBackOff)/);
  }
  const [lost] = (await site.settled(unschedulable)).machines;
  assert.equal(lost?.result, "fail");
  assert.match(lost?.message ?? "", /Not running after 1 s.*Unschedulable: 0\/\d+ nodes are available/);
  await eventually("only the good pod is left", async () => {
    return (await site.cluster.podNames()).join() === `${good}-0`;
  });
});

clusterTest("a pod that fails is reported, with its container's reason", async (site) => {
  const crashes = { ...manifest, metadata: { labels: { "hostfactory.test/behaviour": "crashes" } } };
  site.writeTemplates({ small: crashes });
  site.serve();
  const id = await site.request(1);
  const { requests } = await eventually("it is named", async () => {
    const answer = await site.returnRequests();
    return answer.requests.length > 0 && answer;
  });
  assert.deepEqual(requests, [{ machine: `${id}-0`, gracePeriod: 0 }]);
  const { machines: [machine], status } = await site.status(id);
  assert.equal(status, "complete_with_error");
  assert.match(machine?.message ?? "", /OOMKilled.*exit code 137/);
});

clusterTest(
  "pods that ended and that no one gives back go after an hour, and what was said of them stays",
  async (site) => {
    const behaves = (behaviour: string) => ({
      ...manifest,
      metadata: { labels: { "hostfactory.test/behaviour": behaviour } },
    });
    site.writeTemplates({ crashes: behaves("crashes"), completes: behaves("completes") });
    const first = site.serve();
    const ids = [
      await site.request(1, { templateId: "crashes" }),
      await site.request(2, { templateId: "completes" }),
    ];
    const machines = ids.flatMap((id, i) => machinesOf(id, i + 1));
    const told = async () => await Promise.all(ids.map((id) => site.settled(id)));
    const before = await eventually("all ended", async () => {
      const answers = await told();
      return answers.every(({ machines }) => machines.every(({ status }) => status === "terminated")) && answers;
    });
    assert.deepEqual(before.map(({ status }) => status), ["complete_with_error", "complete"]);
    const others = machines.pop() ?? "";
    await site.cluster.deletePod(others);
    await eventually("what others deleted is gone", () => !site.entries("pods").includes(others));
    await first.stop();
    for (const machine of machines) {
      const pod = JSON.parse(Deno.readTextFileSync(`${site.workdir}/pods/${machine}`));
      // By the cluster's clock and by ours: both have to say so.
      for (const when of ["endedAt", "endedSeenAt"]) {
        assert.ok(Math.abs(pod.hostfactory[when] - Date.now() / 1000) < 900, "when it ended stands in its file");
        pod.hostfactory[when] -= 3_660;
      }
      site.write(`work/pods/${machine}`, JSON.stringify(pod));
    }
    site.serve();
    await eventually("their pods are gone", async () => (await site.cluster.podNames()).length === 0);
    await eventually("and their files", () => site.entries("pods").length === 0);
    assert.deepEqual(await told(), before);
  },
);

clusterTest("machines given back before serve ever ran are never created", async (site) => {
  const id = await site.request(3);
  const returned = await site.giveBack([`${id}-0`, `${id}-2`]);
  site.serve();
  assert.equal((await site.settled(returned)).status, "complete");
  const { machines } = await site.settled(id);
  assert.deepEqual(machines.map(({ result }) => result), ["fail", "succeed", "fail"]);
  for (const machine of [machines[0], machines[2]]) assert.match(machine?.message ?? "", /before its pod was created/);
  assert.deepEqual(await site.cluster.podNames(), [`${id}-1`]);
});

clusterTest("a small request gets its share beside a large one that came first", async (site) => {
  // Creates stop for good at the quota: what a small request gets before, it has got in time.
  await site.cluster.limitPods(60);
  const large = await site.request(200);
  await eventually("the next second", () => Date.now() % 1000 < 200); // A request's age is in seconds.
  const small = await site.request(3);
  site.serve("--create-concurrency", "2");
  await site.allRunning(small);
  const { machines } = await site.settled(large);
  assert.equal(machines.filter(({ result }) => result === "succeed").length, 57);
});

clusterTest("two instances in one namespace never touch each other's machines", async (site) => {
  const [a, b] = ["a", "b"].map((instance) => ["--instance", instance, "--workdir", `${site.directory}/${instance}`]);
  site.start(["serve", ...a ?? []]);
  site.start(["serve", ...b ?? []]);
  const input = { template: { templateId: "small", machineCount: 2 } };
  const ofA = (await site.tell("requestMachines", input, { args: a ?? [] })).requestId;
  const ofB = (await site.tell("requestMachines", input, { args: b ?? [] })).requestId;
  const settled = async (id: string, args: string[] = []) =>
    await eventually(`${id} settled`, async () => {
      const { requests: [one] } = await site.tell("getRequestStatus", { requests: { requestId: id } }, { args });
      return one.status !== "running" && one.status;
    });
  assert.deepEqual([await settled(ofA, a), await settled(ofB, b)], ["complete", "complete"]);
  const known = (instance: string) =>
    [...Deno.readDirSync(`${site.directory}/${instance}/pods`)].map(({ name }) => name)
      .filter((name) => !name.startsWith(".")).sort();
  assert.deepEqual(known("a"), machinesOf(ofA, 2));
  assert.deepEqual(known("b"), machinesOf(ofB, 2));

  const machines = [...machinesOf(ofA, 2), ...machinesOf(ofB, 2)].map((name) => ({ name }));
  const { requestId } = await site.tell("requestReturnMachines", { machines }, { args: a ?? [] });
  assert.equal(await settled(requestId, a), "complete", "what is another instance's is none of ours, and so gone");
  assert.deepEqual(await site.cluster.podNames(), machinesOf(ofB, 2));
  for (const pod of (await site.cluster.pods()).values()) assert.equal(pod.metadata.deletionTimestamp, undefined);
});

clusterTest("run-cron deletes what is pending too long, and with --dry-run only says so", async (site) => {
  site.writeTemplates({ small: nowhere });
  site.start(["watch", "request-machines"]);
  site.start(["watch", "pods"]);
  const id = await site.request(2);
  await eventually("both pods are known", () => site.entries("pods").length === 2);
  const cron = ["run-cron", "--run-once", "--pod-timeout", "1"];
  const said = await eventually("a pass that would delete both", async () => {
    const ran = await site.run([...cron, "--dry-run"]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stderr.match(/Would give up/g)?.length === 2 && ran;
  });
  assert.equal(said.stdout, "");
  assert.equal((await site.status(id)).status, "running");
  assert.deepEqual(await site.cluster.podNames(), machinesOf(id, 2));

  const { code, stderr } = await site.run(cron);
  assert.equal(code, 0, stderr);
  assert.equal((await site.settled(id)).status, "complete_with_error");
  await eventually("both are gone", async () => (await site.cluster.podNames()).length === 0);
  await eventually("both are seen gone", () => site.entries("pods").length === 0);
});

async function viewed<T extends { message: string }>(ask: () => Promise<T>): Promise<T | undefined> {
  const answer = await ask();
  return /not been listed/.test(answer.message) ? undefined : answer;
}

clusterTest("a machine of a request that is not here is asked for before its return is complete", async (site) => {
  const returned = await site.giveBack(["lostrequest1-0"]);
  assert.equal((await site.status(returned)).status, "running");
  site.serve();
  const { status, machines } = await site.settled(returned);
  assert.deepEqual([status, machines[0]?.result, machines[0]?.status], ["complete", "succeed", "terminated"]);
});
