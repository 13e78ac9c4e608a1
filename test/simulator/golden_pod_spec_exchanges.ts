import {
  container,
  create,
  type Exchange,
  get,
  mergePatch,
  pod,
  pods,
  remove,
  strategicPatch,
} from "./golden_exchange.ts";

function withResources(name: string, pod: string, resources: unknown): Exchange {
  return create(name, { name: pod }, { containers: [{ ...container, resources }] });
}

function validated(name: string, level: string, spec: Record<string, unknown>): Exchange {
  return { name, method: "POST", path: `${pods}?fieldValidation=${level}&dryRun=All`, body: pod({ name: "f1" }, spec) };
}

const unknown = { bogus: 1, containers: [{ ...container, imagePolicy: "Always" }] };

/** What a pod's spec may hold, and what of it may change. */
export const podSpecExchanges: Exchange[] = [
  // Fields that do not exist
  create("fields that do not exist", { name: "f1" }, unknown),
  remove("the end of the pod with fields that do not exist", "f1"),
  validated("fields that do not exist, strictly", "Strict", unknown),
  validated("fields that do not exist, ignored", "Ignore", unknown),
  validated("a level of validation that there is not", "Bogus", {}),
  create("a string for a number", { name: "f2" }, { terminationGracePeriodSeconds: "soon" }),
  create("a number for a string", { name: "f2" }, { containers: [{ name: "c", image: 5 }] }),
  create("a string for a list", { name: "f2" }, { containers: "none" }),
  create("a string for an object", { name: "f2" }, { securityContext: "none" }),
  create("a number for a flag", { name: "f2" }, { hostNetwork: 1 }),
  create("a fraction for a whole number", { name: "f2" }, { priority: 1.5 }),
  create("an object for a map's string", { name: "f2" }, { nodeSelector: { a: {} } }),
  // Quantities
  withResources("a quantity that is none", "r1", { requests: { cpu: "abc" } }),
  withResources("a quantity with a blank", "r1", { requests: { memory: "1 Gi" } }),
  withResources("an empty quantity", "r1", { requests: { memory: "" } }),
  withResources("a quantity that is an object", "r1", { requests: { memory: {} } }),
  withResources("a negative quantity", "r1", { requests: { cpu: "-1" } }),
  withResources("a limit below the request", "r1", { requests: { cpu: "2" }, limits: { cpu: "1500m" } }),
  withResources("two limits below their requests", "r1", {
    requests: { cpu: "2", memory: "1Gi" },
    limits: { cpu: "1", memory: "1G" },
  }),
  withResources("a resource that does not exist", "r1", { requests: { gold: "1" } }),
  withResources("an extended resource in fractions", "r1", {
    requests: { "example.com/gpu": "1500m" },
    limits: { "example.com/gpu": "1500m" },
  }),
  withResources("an extended resource without a limit", "r1", { requests: { "example.com/gpu": "1" } }),
  withResources("an extended resource beyond its request", "r1", {
    requests: { "example.com/gpu": "1" },
    limits: { "example.com/gpu": "2" },
  }),
  withResources("quantities in other forms", "r2", {
    requests: { cpu: 0.5, memory: "0.5Gi", "ephemeral-storage": "1500000k" },
    limits: { cpu: "1000m", memory: "1024Mi", "ephemeral-storage": "2e9" },
  }),
  withResources("quantities with many digits", "r3", {
    requests: { cpu: "1.0005", memory: "1.5", "ephemeral-storage": "100E" },
  }),
  withResources("quantities that are numbers", "r4", { requests: { cpu: 2, memory: 1000000 } }),
  // Numbers out of bounds
  create("a negative grace in the spec", { name: "r5" }, { terminationGracePeriodSeconds: -1 }),
  remove("the end of the pod with a negative grace", "r5"),
  create("a deadline of nothing", { name: "r5" }, { activeDeadlineSeconds: 0 }),
  // What may change
  create("a pod to be changed", { name: "u1" }, { tolerations: [{ key: "a", operator: "Exists" }] }),
  strategicPatch("another image", `${pods}/u1`, { spec: { containers: [{ name: "c", image: "other:1" }] } }),
  strategicPatch("no image", `${pods}/u1`, { spec: { containers: [{ name: "c", image: "" }] } }),
  mergePatch("a deadline where there was none", `${pods}/u1`, { spec: { activeDeadlineSeconds: 50 } }),
  mergePatch("a later deadline", `${pods}/u1`, { spec: { activeDeadlineSeconds: 60 } }),
  mergePatch("no deadline any more", `${pods}/u1`, { spec: { activeDeadlineSeconds: null } }),
  mergePatch("a sooner deadline", `${pods}/u1`, { spec: { activeDeadlineSeconds: 40 } }),
  mergePatch("another toleration", `${pods}/u1`, {
    spec: {
      tolerations: [
        { key: "a", operator: "Exists" },
        { key: "b", operator: "Exists" },
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      ],
    },
  }),
  mergePatch("a toleration less", `${pods}/u1`, { spec: { tolerations: [] } }),
  mergePatch("another node", `${pods}/u1`, { spec: { nodeName: "node-0001" } }),
  mergePatch("another restart policy", `${pods}/u1`, { spec: { restartPolicy: "Never" } }),
  mergePatch("another grace", `${pods}/u1`, { spec: { terminationGracePeriodSeconds: 5 } }),
  mergePatch("another priority", `${pods}/u1`, { spec: { priority: 5 } }),
  mergePatch("other resources", `${pods}/u1`, {
    spec: { containers: [{ ...container, resources: { requests: { cpu: "1" } } }] },
  }),
  strategicPatch("a container more", `${pods}/u1`, { spec: { containers: [{ name: "d", image: "d" }] } }),
  mergePatch("a container less", `${pods}/u1`, { spec: { containers: [] } }),
  mergePatch("an unknown field in a patch", `${pods}/u1`, { spec: { bogus: 1 } }),
  mergePatch("an unknown field in a strict patch", `${pods}/u1?fieldValidation=Strict`, { spec: { bogus: 1 } }),
  mergePatch("a string for a number in a patch", `${pods}/u1`, { spec: { activeDeadlineSeconds: "x" } }),
  get("the pod after its changes", `${pods}/u1`),
  remove("the end of the pod that was changed", "u1"),
];
