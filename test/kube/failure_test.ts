import assert from "node:assert/strict";
import type { KubeErrorKind } from "../../src/kube/errors.ts";
import { sortFailure } from "../../src/kube/failure.ts";

interface Case {
  name: string;
  code: number;
  body?: Record<string, unknown> | string;
  method?: string;
  retryAfter?: string;
  kind: KubeErrorKind;
  retryAfterMs?: number;
}

const status = (reason: string, message: string, more = {}) => ({ kind: "Status", reason, message, ...more });

const CASES: Case[] = [
  { name: "bad credentials", code: 401, body: status("Unauthorized", "Unauthorized"), kind: "unauthorised" },
  {
    name: "a missing right",
    code: 403,
    body: status(
      "Forbidden",
      'pods is forbidden: User "alice" cannot create resource "pods" in API group "" in the namespace "x"',
    ),
    kind: "unauthorised",
  },
  {
    name: "an exceeded quota",
    code: 403,
    body: status(
      "Forbidden",
      'pods "a" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
    ),
    kind: "quota",
  },
  {
    name: "a quota that wants limits",
    code: 403,
    body: status("Forbidden", 'pods "a" is forbidden: failed quota: q: must specify limits.cpu for: main'),
    kind: "quota",
  },
  {
    name: "a quota that is not counted yet",
    code: 403,
    body: status("Forbidden", 'pods "a" is forbidden: status unknown for quota: q, resources: pods'),
    kind: "unavailable",
  },
  {
    name: "a webhook that cannot be called",
    code: 500,
    method: "POST",
    body: status(
      "InternalError",
      'Internal error occurred: failed calling webhook "w": failed to call webhook: Post "https://w": connection refused',
    ),
    kind: "unavailable",
  },
  {
    name: "a webhook that denies without a status of its own",
    code: 400,
    method: "POST",
    body: status("", 'admission webhook "w" denied the request: no'),
    kind: "invalid",
  },
  {
    name: "an admission policy",
    code: 422,
    method: "POST",
    body: status("Invalid", "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"),
    kind: "invalid",
  },
  {
    name: "a namespace that does not exist",
    code: 404,
    method: "POST",
    body: status("NotFound", 'namespaces "x" not found', { details: { name: "x", kind: "namespaces" } }),
    kind: "notFound",
  },
  {
    name: "a priority class that does not exist",
    code: 403,
    method: "POST",
    body: status("Forbidden", 'pods "a" is forbidden: no PriorityClass with name x was found'),
    kind: "forbidden",
  },
  {
    name: "a limit range",
    code: 403,
    body: status("Forbidden", 'pods "a" is forbidden: maximum cpu usage per Container is 500m, but limit is 1'),
    kind: "quota",
  },
  {
    name: "Pod Security",
    code: 403,
    body: status("Forbidden", 'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged'),
    kind: "forbidden",
  },
  {
    name: "a namespace that goes away",
    code: 403,
    body: status(
      "Forbidden",
      'pods "a" is forbidden: unable to create new content in namespace x because it is being terminated',
    ),
    kind: "forbidden",
  },
  {
    name: "a webhook that uses the words of RBAC",
    code: 403,
    body: status("", 'admission webhook "w" denied the request: this user cannot create resource "pods"'),
    kind: "forbidden",
  },
  {
    name: "a webhook with a status of its own",
    code: 418,
    body: status("", 'admission webhook "w" denied the request: no'),
    kind: "forbidden",
  },
  { name: "a proxy that does not let us through", code: 403, body: "<html>Blocked</html>", kind: "unauthorised" },
  { name: "a pod that does not exist", code: 404, body: status("NotFound", 'pods "a" not found'), kind: "notFound" },
  { name: "a load balancer without a server", code: 404, body: "404 page not found", kind: "unavailable" },
  {
    name: "an unknown path",
    code: 404,
    body: status("NotFound", "the server could not find the requested resource"),
    kind: "unavailable",
  },
  {
    name: "a name that is taken",
    code: 409,
    method: "POST",
    body: status("AlreadyExists", 'pods "a" already exists'),
    kind: "alreadyExists",
  },
  {
    name: "another uid",
    code: 409,
    method: "DELETE",
    body: status("Conflict", "the UID in the precondition does not match"),
    kind: "conflict",
  },
  {
    name: "a quota that was written to at the same time",
    code: 409,
    method: "POST",
    body: status("Conflict", "Operation cannot be fulfilled on resourcequotas"),
    kind: "conflict",
  },
  {
    name: "an old resource version",
    code: 410,
    body: status("Expired", "too old resource version: 1 (2)"),
    kind: "gone",
  },
  {
    name: "a resource version from before a restore of etcd",
    code: 504,
    body: status("Timeout", "Too large resource version: 9, current: 2", {
      details: { causes: [{ reason: "ResourceVersionTooLarge" }] },
    }),
    kind: "gone",
  },
  { name: "an invalid pod", code: 422, body: status("Invalid", 'Pod "A" is invalid: metadata.name'), kind: "invalid" },
  { name: "a bad request", code: 400, body: status("BadRequest", "unknown field"), kind: "invalid" },
  {
    name: "HTTP where TLS is spoken",
    code: 400,
    body: "Client sent an HTTP request to an HTTPS server.",
    kind: "unavailable",
  },
  {
    name: "a pod that is too large",
    code: 413,
    body: status("RequestEntityTooLarge", "limit is 3145728"),
    kind: "invalid",
  },
  {
    name: "a limit on the rate, in the header",
    code: 429,
    body: "Too many requests",
    retryAfter: "7",
    kind: "throttled",
    retryAfterMs: 7000,
  },
  {
    name: "a limit on the rate, in the details",
    code: 429,
    body: status("TooManyRequests", "wait", { details: { retryAfterSeconds: 3 } }),
    kind: "throttled",
    retryAfterMs: 3000,
  },
  { name: "a limit on the rate that does not say how long", code: 429, kind: "throttled", retryAfterMs: 1000 },
  {
    name: "an etcd that is away",
    code: 500,
    body: status("InternalError", "etcdserver: request timed out"),
    kind: "unavailable",
  },
  { name: "a gateway that waited in vain", code: 504, kind: "unavailable" },
  {
    name: "a server that starts",
    code: 503,
    body: status("ServiceUnavailable", "starting"),
    retryAfter: "2",
    kind: "unavailable",
    retryAfterMs: 2000,
  },
  { name: "a page that wants a login", code: 302, kind: "unavailable" },
];

for (const { name, code, body = "", method = "GET", retryAfter = null, kind, retryAfterMs } of CASES) {
  Deno.test(`An answer is sorted by kind: ${name}`, () => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const error = sortFailure({ code, body: text, method, retryAfter, source: "user 'x' of 'y'" });
    assert.equal(error.kind, kind);
    assert.equal(error.retryAfterMs, retryAfterMs);
    if (typeof body !== "string" && code !== 401) assert.equal(error.message, body.message);
  });
}

Deno.test("A missing right comes with a hint at the Role", () => {
  const body = JSON.stringify(status("Forbidden", 'pods is forbidden: User "a" cannot list resource "pods"'));
  const error = sortFailure({ code: 403, body, method: "GET", source: "user 'x' of '/k'" });
  assert.equal(error.hint, "grant it by a Role and a RoleBinding to user 'x' of '/k'");
});

Deno.test("A missing right to see nodes comes with a hint at what to apply", () => {
  const message = 'nodes is forbidden: User "a" cannot list resource "nodes" in API group "" at the cluster scope';
  const body = JSON.stringify(status("Forbidden", message));
  const error = sortFailure({ code: 403, body, method: "GET", source: "x" });
  assert.equal(error.kind, "unauthorised");
  assert.match(error.hint ?? "", /scripts\/rbac\/nodes\.yaml.*or do without/);
});

Deno.test("A page made for browsers is not quoted", () => {
  const error = sortFailure({ code: 502, body: "<html>secrets</html>", method: "GET", source: "x" });
  assert.equal(error.message, "The API server answered 502: it does not say why");
});
