import { type Exchange, get, pod, pods } from "./golden_exchange.ts";

const yaml =
  "apiVersion: v1\nkind: Pod\nmetadata: {name: y1}\nspec: {schedulerName: none, containers: [{name: c, image: b}]}\n";

/** What clients and the server speak. */
export const mediaExchanges: Exchange[] = [
  { ...get("JSON as second choice", `${pods}/nope`), accept: "text/html, application/json;q=0.5" },
  { ...get("what is not spoken", `${pods}?fieldSelector=metadata.name=none`), accept: "text/html" },
  { ...get("anything", `${pods}/nope`), accept: "*/*" },
  { name: "a body in YAML", method: "POST", path: pods, contentType: "application/yaml", body: yaml },
  { name: "the end of the pod from YAML", method: "DELETE", path: `${pods}/y1` },
  {
    name: "a body that is not understood",
    method: "POST",
    path: pods,
    contentType: "text/html",
    body: pod({ name: "y2" }),
  },
];
