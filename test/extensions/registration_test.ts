import assert from "node:assert/strict";
import { credentialProblems, type ReadRegistration, readRegistration } from "../../src/extensions/registration.ts";
import { MemoryFiles } from "../support/memory_files.ts";

const url = "https://annotater.example.com/pre-create";
const least = { name: "annotater", hooks: { "pre-create": url } };
const most = {
  name: "annotater",
  maintainer: "grid-team@example.com",
  repository: "https://git.example.com/annotater",
  category: "metadata",
  hooks: { "pre-create": url, lint: "http://127.0.0.1:9/lint?a=b" },
  before: ["log-shipper"],
  after: ["category:network"],
  priority: -3,
  failurePolicy: "ignore",
  timeoutSeconds: 60,
  retrySeconds: 0,
  drainSeconds: 3600,
  batch: 1000,
  mayChange: ["/metadata/annotations", "/spec/containers/0/a~1b"],
  caBundle: "-----BEGIN CERTIFICATE-----\n",
  credentials: { tokenFile: "/etc/token", hmacKeyFile: "key", clientCertificateFile: "a.crt", clientKeyFile: "a.key" },
  allowAddresses: ["loopback", "link-local"],
};
const file = { kind: "file", path: "/conf/extensions.d/a.yaml" } as const;

function fromFile(document: unknown): ReadRegistration {
  return readRegistration(document, { registration: file, called: "a.yaml", directory: "/conf/extensions.d" });
}

function fromResource(spec: unknown, name = "annotater"): ReadRegistration {
  const registration = { kind: "resource", name, uid: "1" } as const;
  return readRegistration(spec, { registration, called: name, directory: "/conf/extensions.d/credentials" });
}

function messages({ problems }: ReadRegistration): string[] {
  return problems.map(({ severity, message }) => `${severity}: ${message}`);
}

Deno.test("name and hooks are enough: the rest has defaults", () => {
  const { extension, problems, name } = fromFile(least);
  assert.deepEqual({ extension, problems, name }, {
    extension: {
      name: "annotater",
      registration: file,
      maintainer: undefined,
      repository: undefined,
      category: undefined,
      hooks: { "pre-create": url },
      unknownHooks: [],
      before: [],
      after: [],
      priority: 0,
      failurePolicy: "fail",
      timeoutMs: 5_000,
      retryMs: 30_000,
      drainMs: 60_000,
      batch: 1,
      mayChange: ["/metadata/labels", "/metadata/annotations", "/spec"],
      caBundle: undefined,
      credentials: {},
      allowAddresses: [],
    },
    problems: [],
    name: "annotater",
  });
});

Deno.test("every field is taken, times in milliseconds, paths relative to the file's directory", () => {
  const { extension, problems } = fromFile(most);
  assert.deepEqual(problems, []);
  const { timeoutSeconds: _t, retrySeconds: _r, drainSeconds: _d, ...same } = most;
  assert.deepEqual(extension, {
    ...same,
    registration: file,
    unknownHooks: [],
    timeoutMs: 60_000,
    retryMs: 0,
    drainMs: 3_600_000,
    credentials: {
      tokenFile: "/etc/token",
      hmacKeyFile: "/conf/extensions.d/key",
      clientCertificateFile: "/conf/extensions.d/a.crt",
      clientKeyFile: "/conf/extensions.d/a.key",
    },
  });
});

const wrong: [change: Record<string, unknown>, says: string][] = [
  [{ timeoutSecond: 5 }, "timeoutSecond is not known"],
  [{ name: undefined }, "name is missing"],
  [{ hooks: undefined }, "hooks is missing"],
  [{ hooks: {} }, "hooks must name at least one"],
  [{ hooks: [url] }, "hooks must be an object"],
  [{ hooks: null }, "hooks must be an object"],
  [{ hooks: { lint: 5 } }, "hooks.lint must be a URL"],
  [{ hooks: { lint: "ftp://a" } }, "hooks.lint must be a URL that begins with https://"],
  [{ hooks: { lint: "https://me:secret@a/" } }, "hooks.lint must be a URL that begins"],
  [{ hooks: { lint: "https://a/#b" } }, "hooks.lint must be a URL that begins"],
  [{ hooks: { lint: "https://a b/" } }, "hooks.lint must be a URL that begins"],
  [{ hooks: { lint: "https://a:99999/" } }, "hooks.lint must be a URL that can be used"],
  [{ hooks: { lint: `https://a/${"a".repeat(2048)}` } }, "hooks.lint must have at most 2048"],
  [{ hooks: { lint: "https://127.1/" } }, "hooks.lint leads to a loopback address"],
  [{ hooks: { lint: "https://[::ffff:a9fe:a9fe]/" } }, "hooks.lint leads to a link-local address"],
  [{ hooks: { lint: "https://127.1/" }, allowAddresses: ["link-local"] }, "hooks.lint leads to a loopback address"],
  [{ category: "Net" }, "category must be"],
  [{ before: "a" }, "before must be a list"],
  [{ before: ["a", "Category:b"] }, "before.1 must be the name"],
  [{ after: ["category:"] }, "after.0 must be the name"],
  [{ priority: 1.5 }, "priority must be a whole number"],
  [{ failurePolicy: "Fail" }, "failurePolicy must be 'fail' or 'ignore'"],
  [{ timeoutSeconds: 0 }, "timeoutSeconds must be a whole number from 1 to 60"],
  [{ timeoutSeconds: "5" }, "timeoutSeconds must be a whole number"],
  [{ retrySeconds: 601 }, "retrySeconds must be a whole number from 0 to 600"],
  [{ drainSeconds: -1 }, "drainSeconds must be"],
  [{ batch: 1001 }, "batch must be"],
  [{ mayChange: ["/metadata/name"] }, "mayChange.0 must be a JSON pointer"],
  [{ mayChange: ["/spec~2"] }, "mayChange.0 must be a JSON pointer"],
  [{ mayChange: ["/specs"] }, "mayChange.0 must be a JSON pointer"],
  [{ mayChange: ["/spec/~2"] }, "mayChange.0 must be a JSON pointer"],
  [{ caBundle: "/etc/ca.pem" }, "caBundle must be certificates"],
  [{ credentials: { token: "x" } }, "credentials.token is not known"],
  [{ credentials: { tokenFile: "" } }, "credentials.tokenFile must not be empty"],
  [{ credentials: { clientKeyFile: "a" } }, "credentials must have both clientCertificateFile and clientKeyFile"],
  [{ allowAddresses: ["private"] }, "allowAddresses.0 must be 'loopback' or 'link-local'"],
];

for (const [change, says] of wrong) {
  Deno.test(`with ${JSON.stringify(change).slice(0, 70)}, the extension is refused: ${says}`, () => {
    const read = fromFile(JSON.parse(JSON.stringify({ ...least, ...change })));
    assert.equal(read.extension, undefined);
    assert.equal(messages(read).length, 1);
    const called = "name" in change ? "a.yaml" : "annotater";
    assert.ok(
      messages(read)[0]!.startsWith(`error: Cannot use extension '${called}' in '${file.path}': ${says}`),
      messages(read)[0],
    );
  });
}

for (const name of ["A", "-a", "a-", "a.b", "", "a".repeat(64), 5]) {
  Deno.test(`the name ${JSON.stringify(name)} is refused`, () => {
    assert.equal(fromFile({ ...least, name }).extension, undefined);
    assert.equal(fromFile({ ...least, name }).name, "a.yaml");
  });
}

for (const document of [null, "text", 5, [], undefined]) {
  Deno.test(`${JSON.stringify(document)} is no registration, and the file is named`, () => {
    assert.match(messages(fromFile(document))[0]!, /Cannot use extension 'a.yaml' in '.*a.yaml': it must be an object/);
  });
}

Deno.test("all that is wrong is told at once", () => {
  assert.equal(messages(fromFile({ ...least, batch: 0, priority: "x", bogus: 1 })).length, 3);
});

Deno.test("a hook that is not known is kept and warned of, and so is http that leaves the host", () => {
  const read = fromFile({
    ...least,
    hooks: { "post-create": "anything", lint: "http://a/", notify: "http://localhost/" },
    allowAddresses: ["loopback"],
  });
  assert.deepEqual(read.extension?.unknownHooks, ["post-create"]);
  assert.deepEqual(read.extension?.hooks, { lint: "http://a/", notify: "http://localhost/" });
  assert.deepEqual(messages(read).map((text) => text.replace(/.*': (hook\S*).*/, "$1")), ["hook", "hooks.lint"]);
  assert.ok(messages(read).every((text) => text.startsWith("warning: ")));
});

Deno.test("the name of a resource is the extension's, and its credentials lie in their directory", () => {
  const { name: _, ...spec } = least;
  const read = fromResource({ ...spec, credentials: { tokenFile: "token" } });
  assert.deepEqual(read.problems, []);
  assert.equal(read.extension?.name, "annotater");
  assert.equal(read.extension?.credentials.tokenFile, "/conf/extensions.d/credentials/token");
});

for (
  const [change, says] of [
    [{ name: "annotater" }, "name is the name of the resource"],
    [{ allowAddresses: ["loopback"] }, "allowAddresses may be given by a file"],
    [{ credentials: { tokenFile: "/etc/shadow" } }, "credentials.tokenFile must be the plain name"],
    [{ credentials: { tokenFile: "../token" } }, "credentials.tokenFile must be the plain name"],
    [{ credentials: { tokenFile: ".." } }, "credentials.tokenFile must be the plain name"],
    [{ credentials: { tokenFile: "a/b" } }, "credentials.tokenFile must be the plain name"],
    [{ hooks: { lint: "http://169.254.169.254/" } }, "hooks.lint leads to a link-local address"],
  ] as [Record<string, unknown>, string][]
) {
  Deno.test(`in a resource, ${JSON.stringify(change)} is refused: ${says}`, () => {
    const read = fromResource({ hooks: { lint: url }, ...change });
    assert.equal(read.extension, undefined);
    assert.match(messages(read)[0]!, new RegExp(`in resource HostFactoryExtension 'annotater': ${says}`));
  });
}

Deno.test("a resource whose name cannot be an extension's is refused", () => {
  assert.match(messages(fromResource({ hooks: { lint: url } }, "a.b"))[0]!, /give the resource another name/);
});

Deno.test("credentials that are missing, no files, or open to others are warned of", () => {
  const files = new MemoryFiles();
  files.makeDirectory("/conf/extensions.d/dir");
  files.writeText("/conf/extensions.d/good", "x", { mode: 0o600 });
  files.writeText("/conf/extensions.d/open", "x", { mode: 0o640 });
  const names = { tokenFile: "dir", hmacKeyFile: "good", clientCertificateFile: "open", clientKeyFile: "none" };
  const { extension } = fromFile({ ...least, credentials: names });
  const told = credentialProblems(files, extension!);
  assert.deepEqual(told.map(({ message }) => /credentials\.(\w+) '\S+' (.*):/.exec(message)?.slice(1)), [
    ["tokenFile", "is not a file"],
    ["clientCertificateFile", "may be read or changed by other users"],
    ["clientKeyFile", "does not exist"],
  ]);
});
