import assert from "node:assert/strict";
import { type ExecCredential, runExecPlugin } from "../../../src/kube/auth/exec_plugin.ts";
import type { Exec } from "../../../src/kube/auth/kubeconfig.ts";
import type { PluginCall, PluginResult, RunPlugin } from "../../../src/kube/auth/plugin_process.ts";
import { ManualClock } from "../fakes.ts";

const MIB = 1024 * 1024;

/** A plug-in that ends at once. */
const ends = (result: Partial<PluginResult>): RunPlugin => () =>
  Promise.resolve({ exitStatus: 0, stdout: "", stderr: "", isOverLimit: false, ...result });

const prints = (status: object) => ends({ stdout: JSON.stringify({ status }) });

function ask(
  run: RunPlugin,
  { exec = {}, clock = new ManualClock() }: { exec?: Partial<Exec>; clock?: ManualClock } = {},
) {
  return runExecPlugin({ command: "./plug", ...exec }, {
    command: "/etc/plug",
    source: "user 'u' of '/etc/kubeconfig'",
    cluster: { server: "https://api.example" },
    environment: { HOME: "/home/hf", UNSET: undefined, E: "ours" },
    clock,
    run,
  });
}

Deno.test("A plug-in is run with our environment, its own on top, and limits", async () => {
  let call: PluginCall | undefined;
  const exec = { args: ["-x"], env: [{ name: "E", value: "its own" }] };
  await ask((given) => prints({ token: "t" })(call = given), { exec });
  const { environment: { KUBERNETES_EXEC_INFO: info = "", ...environment }, signal, ...rest } = call!;
  assert.deepEqual(rest, {
    command: "/etc/plug",
    args: ["-x"],
    stdoutLimitBytes: MIB,
    stderrLimitBytes: 64 * 1024,
  });
  assert.deepEqual(environment, { HOME: "/home/hf", E: "its own" });
  assert.deepEqual(JSON.parse(info), {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false },
  });
  assert.ok(signal instanceof AbortSignal);
});

const now = new ManualClock().now();
const inSeconds = (seconds: number) => new Date(now + seconds * 1000).toISOString();
const given: [what: string, status: object, credential: ExecCredential][] = [
  ["a token", { token: "t" }, { token: "t" }],
  [
    "a certificate",
    { clientCertificateData: "CERT", clientKeyData: "KEY", token: null },
    { cert: "CERT", key: "KEY" },
  ],
  [
    "a token for an hour, renewed a minute before its end",
    { token: "t", expirationTimestamp: inSeconds(3_600) },
    { token: "t", expiresMs: now + 3_540_000 },
  ],
  [
    "a token for ten seconds, renewed at nine tenths of them",
    { token: "t", expirationTimestamp: inSeconds(10) },
    { token: "t", expiresMs: now + 9_000 },
  ],
];
for (const [what, status, credential] of given) {
  Deno.test(`A plug-in gives ${what}`, async () => {
    assert.deepEqual(await ask(prints(status)), credential);
  });
}

const failures: [what: string, run: RunPlugin, why: RegExp][] = [
  ["does not exist", () => Promise.reject(new Deno.errors.NotFound("ENOENT")), /^does not exist$/],
  ["may not be run", () => Promise.reject(new Error("EACCES")), /^cannot be run: EACCES$/],
  ["prints too much", ends({ isOverLimit: true, exitStatus: 137, stdout: "{" }), /^printed more than 1 MiB$/],
  [
    "prints too much and exits in time",
    ends({ isOverLimit: true, stdout: JSON.stringify({ status: { token: "t" } }) }),
    /^printed more than 1 MiB$/,
  ],
  [
    "fails",
    ends({ exitStatus: 1, stderr: `at first\nlog in again, ${"x".repeat(40)} is over \n\n` }),
    /^failed with exit status 1: log in again, … is over$/,
  ],
  ["fails in silence", ends({ exitStatus: 2 }), /^failed with exit status 2: it does not say why$/],
  ["prints a secret", ends({ stdout: "secret" }), /^did not print JSON$/],
  ["prints other JSON", ends({ stdout: "[]" }), /^printed no credential: 'status' is not right$/],
  ["gives a number as token", prints({ token: 4711 }), /^printed no credential: 'status.token' is not right$/],
  ["gives nothing", prints({}), /^printed neither a token nor a certificate$/],
  [
    "gives a time that is none",
    prints({ token: "secret", expirationTimestamp: "soon" }),
    /^printed an expirationTimestamp that is not a time$/,
  ],
];
for (const [what, run, why] of failures) {
  Deno.test(`What is wrong with a plug-in is reported without secrets: it ${what}`, async () => {
    await assert.rejects(ask(run, { exec: { installHint: "install\nit" } }), ({ name, kind, hint, message }) => {
      assert.deepEqual([name, kind, hint], ["KubeError", "unauthorised", "install it"]);
      const [, said = ""] =
        /^The credential plug-in '.\/plug' of user 'u' of '\/etc\/kubeconfig' (.*)$/.exec(message) ?? [];
      assert.match(said, why);
      assert.doesNotMatch(said, /secret|4711/);
      return true;
    });
  });
}

for (
  const [how, run] of [
    ["and cannot be killed", () => new Promise(() => {})],
    [
      "and fails once it is killed",
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("it was killed")))),
    ],
  ] as [string, RunPlugin][]
) {
  Deno.test(`A plug-in that takes longer than a minute ${how} is killed and reported as late`, async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    const asked = ask((call) => {
      signal = call.signal;
      return run(call);
    }, { clock });
    const failed = assert.rejects(asked, {
      message: "The credential plug-in './plug' of user 'u' of '/etc/kubeconfig' did not end within 60 s",
    });
    await clock.advance(59_999);
    assert.equal(signal?.aborted, false);
    await clock.advance(1);
    await failed;
    assert.equal(signal?.aborted, true);
  });
}

Deno.test("A plug-in that has to ask a person is not run", async () => {
  const run = () => assert.fail("it was run");
  await assert.rejects(ask(run, { exec: { interactiveMode: "Always" } }), /has to ask a person/);
});

Deno.test("Nothing waits any more for a plug-in that has ended", async () => {
  const clock = new ManualClock();
  await ask(prints({ token: "t" }), { clock });
  await assert.rejects(ask(ends({ exitStatus: 1 }), { clock }));
  assert.equal(clock.sleepers, 0);
});
