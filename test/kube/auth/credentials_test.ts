import assert from "node:assert/strict";
import { Credentials, type CredentialsOptions } from "../../../src/kube/auth/credentials.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { PluginCall, PluginResult } from "../../../src/kube/auth/plugin_process.ts";
import { ManualClock, memoryFiles } from "../fakes.ts";

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

function kubeconfig(user: Record<string, unknown>, cluster: Record<string, unknown> = {}, context = {}): string {
  return JSON.stringify({
    "current-context": "x",
    clusters: [{ name: "c", cluster: { server: "https://api.example:6443/", ...cluster } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", ...context } }],
  });
}

function setUp(
  contents: Record<string, string>,
  options: Partial<CredentialsOptions> & { stdout?: () => string } = {},
) {
  const clock = new ManualClock();
  const pluginCalls: PluginCall[] = [];
  const credentials = new Credentials({
    environment: { HOME: "/home/hf" },
    files: memoryFiles(contents),
    clock,
    runPlugin: (call) => {
      pluginCalls.push(call);
      return Promise.resolve({ exitStatus: 0, stdout: options.stdout?.() ?? "{}", stderr: "", isOverLimit: false });
    },
    ...options,
  });
  return { clock, credentials, pluginCalls };
}

const CONFIG = "/home/hf/.kube/config";
const authorization = async (credentials: Credentials) =>
  new Headers((await credentials.current()).headers.map((pair) => [...pair])).get("authorization");

Deno.test("In a pod the service account logs in, and its token is read again when it changes", async () => {
  const contents: Record<string, string> = {
    [`${SERVICE_ACCOUNT}/token`]: "one\n",
    [`${SERVICE_ACCOUNT}/ca.crt`]: "CA",
    [`${SERVICE_ACCOUNT}/namespace`]: "grid\n",
    [CONFIG]: kubeconfig({ token: "other" }),
  };
  const environment = { HOME: "/home/hf", KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  const { clock, credentials } = setUp(contents, { environment });
  const login = await credentials.current();
  assert.equal(login.server, "https://[fd00::1]:443");
  assert.equal(login.namespace, "grid");
  assert.equal(login.transport.ca, "CA");
  assert.equal(await authorization(credentials), "Bearer one");
  contents[`${SERVICE_ACCOUNT}/token`] = "two\n";
  await clock.advance(1000);
  assert.equal(await authorization(credentials), "Bearer two");
});

Deno.test("A certificate is left unchecked only where the server has one", async () => {
  for (
    const [server, insecure] of [["https://api.example:6443", true], ["http://api.example:8001", undefined]] as const
  ) {
    const config = kubeconfig({ token: "t" }, { server, "insecure-skip-tls-verify": true });
    const { credentials } = setUp({ [CONFIG]: config });
    assert.equal((await credentials.current()).transport.insecure, insecure, server);
  }
});

Deno.test("The namespace and kubeconfig that were asked for win, even in a pod", async () => {
  const { credentials } = setUp({
    [`${SERVICE_ACCOUNT}/token`]: "one",
    "/etc/k": kubeconfig({ token: "t" }, {}, { namespace: "context" }),
  }, {
    environment: { KUBERNETES_SERVICE_HOST: "h", KUBERNETES_SERVICE_PORT: "1" },
    kubeconfig: "/etc/k",
    namespace: "asked",
  });
  const login = await credentials.current();
  assert.equal(login.server, "https://api.example:6443");
  assert.equal(login.namespace, "asked");
});

Deno.test("Several kubeconfigs are one: the first to name a thing wins, and paths are relative to their own file", async () => {
  const { credentials } = setUp({
    "/a/one": JSON.stringify({
      "current-context": "x",
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      users: null,
    }),
    "/b/two": kubeconfig({ tokenFile: "secrets/token" }, {}, { namespace: "not me" }),
    "/b/secrets/token": " from-a-file \n",
  }, { environment: { KUBECONFIG: "/nowhere:/a/one::/b/two" } });
  const login = await credentials.current();
  assert.equal(login.namespace, "default");
  assert.equal(await authorization(credentials), "Bearer from-a-file");
});

Deno.test("What a login is made of is read again when a file changes, once a second at most", async () => {
  const contents = {
    [CONFIG]: kubeconfig({ "client-certificate": "crt", "client-key-data": btoa("KEY") }),
    "/home/hf/.kube/crt": "one",
  };
  const { clock, credentials } = setUp(contents);
  const first = await credentials.current();
  assert.equal(first.transport.cert, "one");
  assert.equal(first.transport.key, "KEY");
  contents["/home/hf/.kube/crt"] = "two";
  assert.equal(await credentials.current(), first);
  await clock.advance(1000);
  assert.equal((await credentials.current()).transport.cert, "two");
  await clock.advance(1000);
  assert.equal(await credentials.current(), await credentials.current(), "already right: nothing changes");
});

Deno.test("After a rejection everything is read again at once", async () => {
  const contents = { [CONFIG]: kubeconfig({ token: "old" }) };
  const { credentials } = setUp(contents);
  const login = await credentials.current();
  contents[CONFIG] = kubeconfig({ token: "new" });
  credentials.rejected(login);
  assert.equal(await authorization(credentials), "Bearer new");
});

Deno.test("A kubeconfig that does not exist yet is found once it does", async () => {
  const contents: Record<string, string> = {};
  const { clock, credentials } = setUp(contents);
  await assert.rejects(credentials.current(), {
    name: "KubeError",
    kind: "unauthorised",
    message: /'\/home\/hf\/.kube\/config' does not exist$/,
  });
  contents[CONFIG] = kubeconfig({ token: "t" });
  await clock.advance(1000);
  assert.equal(await authorization(credentials), "Bearer t");
});

const exec = (more = {}) => ({
  exec: {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "./plug",
    args: ["-x"],
    env: [{ name: "E", value: "v" }],
    ...more,
  },
});

Deno.test("A plug-in is told what it needs, and asked once for as long as its credential lasts", async () => {
  let count = 0;
  const { clock, credentials, pluginCalls } = setUp({ [CONFIG]: kubeconfig(exec({ provideClusterInfo: true })) }, {
    stdout: () =>
      JSON.stringify({
        status: { token: `t${++count}`, expirationTimestamp: new Date(clock.now() + 600_000).toISOString() },
      }),
  });
  assert.equal(await authorization(credentials), "Bearer t1");
  await clock.advance(500_000);
  assert.equal(await authorization(credentials), "Bearer t1");
  await clock.advance(50_000);
  assert.equal(await authorization(credentials), "Bearer t2");
  const [call] = pluginCalls;
  assert.equal(call?.command, "/home/hf/.kube/./plug");
  assert.equal(call?.environment.E, "v");
  assert.deepEqual(JSON.parse(call?.environment.KUBERNETES_EXEC_INFO ?? ""), {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    kind: "ExecCredential",
    spec: { interactive: false, cluster: { server: "https://api.example:6443" } },
  });
});

Deno.test("A plug-in whose credential never expires is asked again when the server rejects it, but not all the time", async () => {
  let count = 0;
  const { clock, credentials } = setUp({ [CONFIG]: kubeconfig(exec()) }, {
    stdout: () => JSON.stringify({ status: { token: `t${++count}`, expirationTimestamp: null } }),
  });
  await authorization(credentials);
  await clock.advance(86_400_000);
  const login = await credentials.current();
  assert.equal(count, 1);
  credentials.rejected(login);
  assert.equal(await authorization(credentials), "Bearer t2");
  credentials.rejected(await credentials.current());
  assert.equal(await authorization(credentials), "Bearer t2");
  await clock.advance(5000);
  credentials.rejected(await credentials.current());
  assert.equal(await authorization(credentials), "Bearer t3");
});

const plugInFailures: [name: string, fail: () => Promise<PluginResult>, takesMs: number][] = [
  ["fails", () => Promise.resolve({ exitStatus: 1, stdout: "", stderr: "", isOverLimit: false }), 0],
  ["prints too much", () => Promise.resolve({ exitStatus: 137, stdout: "", stderr: "", isOverLimit: true }), 0],
  ["does not end", () => new Promise(() => {}), 60_000],
];
for (const [name, fail, takesMs] of plugInFailures) {
  Deno.test(`A plug-in that ${name} is run again five seconds after its failure, and no sooner`, async () => {
    let runs = 0;
    let broken = true;
    const contents = { [CONFIG]: kubeconfig(exec()) };
    const { clock, credentials } = setUp(contents, {
      runPlugin: () => {
        runs++;
        const stdout = JSON.stringify({ status: { token: `t${runs}` } });
        return broken ? fail() : Promise.resolve({ exitStatus: 0, stdout, stderr: "", isOverLimit: false });
      },
    });
    const refused = async () => {
      const failed = assert.rejects(credentials.current(), /^KubeError: The credential plug-in/);
      await clock.advance(takesMs);
      await failed;
    };
    await refused();
    for (let ms = 0; ms < 4_500; ms += 500) {
      await assert.rejects(credentials.current());
      await clock.advance(500);
    }
    assert.equal(runs, 1);
    await clock.advance(500);
    await refused();
    assert.equal(runs, 2);

    broken = false;
    contents[CONFIG] = kubeconfig(exec({ args: ["-y"] }));
    await clock.advance(1_000);
    assert.equal(await authorization(credentials), "Bearer t3", "another configuration waits for nothing");
  });
}

Deno.test("A plug-in whose credentials have expired when it gives them is not run all the time", async () => {
  let count = 0;
  const { clock, credentials } = setUp({ [CONFIG]: kubeconfig(exec()) }, {
    stdout: () =>
      JSON.stringify({
        status: { token: `t${++count}`, expirationTimestamp: new Date(clock.now() - 600_000).toISOString() },
      }),
  });
  const first = await credentials.current();
  await clock.advance(4_999);
  assert.equal(await credentials.current(), first);
  await clock.advance(1);
  assert.equal(await authorization(credentials), "Bearer t2");
});

const MISTAKES: [name: string, files: Record<string, string>, message: RegExp][] = [
  [
    "not YAML",
    { [CONFIG]: "users:\n- {a: [\nsecret" },
    /^Cannot read kubeconfig '\/home\/hf\/.kube\/config': line \d is not YAML/,
  ],
  ["empty", { [CONFIG]: "" }, /^Kubeconfig '\/home\/hf\/.kube\/config' is empty$/],
  ["a list", { [CONFIG]: "- secret" }, /has no current-context$/],
  [
    "a token that is a number",
    { [CONFIG]: "users: [{name: u, user: {token: 4711}}]" },
    /'users\.0\.user\.token' is not/,
  ],
  ["no context", { [CONFIG]: "{clusters: []}" }, /has no current-context$/],
  ["an unknown context", { [CONFIG]: "current-context: x" }, /names the context 'x', which does not exist$/],
  ["an unknown user", { [CONFIG]: kubeconfig({}, {}, { user: "w" }) }, /names the user 'w', which does not exist$/],
  [
    "an unknown cluster",
    { [CONFIG]: kubeconfig({}, {}, { cluster: "w" }) },
    /names the cluster 'w', which does not exist$/,
  ],
  ["a server that is no URL", { [CONFIG]: kubeconfig({}, { server: "api" }) }, /is not a URL: 'api'$/],
  [
    "a missing key",
    { [CONFIG]: kubeconfig({ "client-key": "k" }) },
    /the client-key of user 'u' of '.*': '\/home\/hf\/.kube\/k' does not exist$/,
  ],
  [
    "data that is not base64",
    { [CONFIG]: kubeconfig({ "client-key-data": "secret!" }) },
    /The client-key-data of user 'u' of '.*' is not base64$/,
  ],
  ["a token of several lines", { [CONFIG]: kubeconfig({ token: "secret\nsecret" }) }, /The token of user 'u'/],
];
for (const [name, files, message] of MISTAKES) {
  Deno.test(`What is wrong with credentials is said in one sentence, without secrets: ${name}`, async () => {
    const { credentials } = setUp(files);
    await assert.rejects(credentials.current(), (error: unknown) => {
      assert.ok(error instanceof KubeError);
      assert.equal(error.kind, "unauthorised");
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret|4711|\n/);
      return true;
    });
  });
}
