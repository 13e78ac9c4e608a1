import { type Exchange, get, pod } from "./golden_exchange.ts";

const namespaces = "/api/v1/namespaces";
const going = `${namespaces}/going`;
const hold = ["example.com/hold"];

/** Namespaces, and one that is being deleted but held up by a pod. */
export const namespaceExchanges: Exchange[] = [
  get("the namespace of the system", `${namespaces}/kube-system`),
  { ...get("alice gets a namespace", `${namespaces}/default`), as: "alice" },
  { ...get("alice gets a namespace that is not there", `${namespaces}/nope`), as: "alice" },
  { ...get("alice lists namespaces", namespaces), as: "alice" },
  { name: "a delete of the default namespace", method: "DELETE", path: `${namespaces}/default` },
  { name: "a delete of the system's namespace", method: "DELETE", path: `${namespaces}/kube-system` },
  { name: "a delete of a namespace that is not there", method: "DELETE", path: `${namespaces}/nope` },
  {
    name: "a pod that holds up its namespace",
    method: "POST",
    path: `${going}/pods`,
    body: pod({ name: "held", finalizers: hold }),
  },
  { name: "a delete of a namespace", method: "DELETE", path: going },
  { name: "a second delete of a namespace", method: "DELETE", path: going },
  {
    name: "a namespace in place of the one that goes",
    method: "POST",
    path: namespaces,
    body: { metadata: { name: "going" } },
  },
  { name: "a pod in a namespace that goes", method: "POST", path: `${going}/pods`, body: pod({ name: "late" }) },
  {
    name: "a lease in a namespace that goes",
    method: "POST",
    path: "/apis/coordination.k8s.io/v1/namespaces/going/leases",
    body: { metadata: { name: "late" } },
  },
  {
    name: "a quota in a namespace that goes",
    method: "POST",
    path: `${going}/resourcequotas`,
    body: { metadata: { name: "late" }, spec: { hard: { pods: "1" } } },
  },
];
