import { applyPatch, create, type Exchange, get, jsonPatch, pods, remove, strategicPatch } from "./golden_exchange.ts";

const applied = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "j2", labels: { a: "1", b: "2" } },
  spec: { schedulerName: "none", containers: [{ name: "c", image: "busybox" }] },
};
const configMaps = "/api/v1/namespaces/default/configmaps";
const configMap = (data: unknown, metadata = { name: "m1" }) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata,
  data,
});

/** The ways to patch. */
export const patchExchanges: Exchange[] = [
  create("a pod to be patched", { name: "j1", labels: { a: "1" } }),
  jsonPatch("a JSON patch that adds", `${pods}/j1`, [{ op: "add", path: "/metadata/labels/b~1c", value: "2" }]),
  jsonPatch("a JSON patch that tests and replaces", `${pods}/j1`, [
    { op: "test", path: "/metadata/labels/a", value: "1" },
    { op: "replace", path: "/metadata/labels/a", value: "3" },
  ]),
  jsonPatch("a JSON patch that moves and copies", `${pods}/j1`, [
    { op: "move", from: "/metadata/labels/a", path: "/metadata/labels/d" },
    { op: "copy", from: "/metadata/labels/d", path: "/metadata/labels/e" },
  ]),
  jsonPatch("a JSON patch whose test fails", `${pods}/j1`, [{ op: "test", path: "/metadata/labels/d", value: "1" }]),
  jsonPatch("a JSON patch that removes", `${pods}/j1`, [{ op: "remove", path: "/metadata/labels/e" }]),
  jsonPatch("a JSON patch that removes what is not there", `${pods}/j1`, [{
    op: "remove",
    path: "/metadata/labels/z",
  }]),
  jsonPatch("a JSON patch that replaces what is not there", `${pods}/j1`, [
    { op: "replace", path: "/metadata/labels/z", value: "1" },
  ]),
  jsonPatch("a JSON patch into what is not there", `${pods}/j1`, [{ op: "add", path: "/metadata/x/y", value: "1" }]),
  jsonPatch("a JSON patch of a kind that does not exist", `${pods}/j1`, [{ op: "spoil", path: "/metadata" }]),
  jsonPatch("a JSON patch into a list", `${pods}/j1`, [
    { op: "add", path: "/spec/tolerations/-", value: { key: "x", operator: "Exists" } },
  ]),
  jsonPatch("a JSON patch that is no list", `${pods}/j1`, { op: "remove" }),
  jsonPatch("a JSON patch of what is not there", `${pods}/nope`, []),
  strategicPatch("a strategic patch that deletes a container", `${pods}/j1`, {
    spec: { containers: [{ name: "c", $patch: "delete" }] },
  }),
  strategicPatch("a strategic patch of what has no key", `${pods}/j1`, {
    spec: { containers: [{ image: "other" }] },
  }),
  remove("the end of the patched pod", "j1"),
  // Server-side apply
  applyPatch("an apply without a manager", `${pods}/j2`, applied),
  applyPatch("an apply that creates", `${pods}/j2?fieldManager=one`, applied),
  applyPatch("an apply that changes nothing", `${pods}/j2?fieldManager=one`, applied),
  applyPatch("an apply without a label", `${pods}/j2?fieldManager=one`, {
    ...applied,
    metadata: { name: "j2", labels: { a: "1" } },
  }),
  applyPatch("an apply by another manager", `${pods}/j2?fieldManager=two`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "j2", labels: { c: "3" } },
  }),
  applyPatch("an apply that conflicts", `${pods}/j2?fieldManager=two`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "j2", labels: { a: "3" } },
  }),
  applyPatch("an apply by force", `${pods}/j2?fieldManager=two&force=true`, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "j2", labels: { a: "3" } },
  }),
  applyPatch("an apply under another name", `${pods}/j2?fieldManager=one`, { ...applied, metadata: { name: "j3" } }),
  applyPatch("an apply of no kind", `${pods}/j2?fieldManager=one`, { metadata: { name: "j2" } }),
  get("the pod after all applies", `${pods}/j2`),
  remove("the end of the applied pod", "j2"),
  applyPatch("an apply that creates a config map", `${configMaps}/m1?fieldManager=one`, configMap({ a: "1", b: "2" })),
  applyPatch("an apply of a config map without an entry", `${configMaps}/m1?fieldManager=one`, configMap({ a: "1" })),
  applyPatch("an apply that conflicts about an entry", `${configMaps}/m1?fieldManager=two`, configMap({ a: "2" })),
  { name: "the end of the config map", method: "DELETE", path: `${configMaps}/m1` },
];
