import assert from "node:assert/strict";
import type { Environment } from "../../src/config.ts";
import { type Credentials, findCredentials } from "../../src/upload/credentials.ts";
import { systemNetwork } from "../../src/kube/transport/network.ts";
import { memoryDependencies } from "../support/memory_dependencies.ts";

interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

/** What is found with these variables and files, and what a server that answers by path was asked. */
async function find(
  { variables = () => ({}), files = {}, answers = {} }: {
    variables?: (url: string) => Environment;
    files?: Record<string, string>;
    answers?: Record<string, string | number>;
  },
): Promise<{ credentials: Credentials; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname: path } = new URL(request.url);
    asked.push({ method: request.method, path, headers: request.headers, body: await request.text() });
    const answer = answers[path] ?? 404;
    return typeof answer === "number" ? new Response(null, { status: answer }) : new Response(answer);
  });
  const { workdir, clock } = memoryDependencies();
  for (const [path, text] of Object.entries(files)) {
    workdir.files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    workdir.files.writeText(path, text);
  }
  const transport = systemNetwork({});
  const url = `http://127.0.0.1:${server.addr.port}`;
  try {
    const environment = { HOME: "/home/grid", AWS_EC2_METADATA_SERVICE_ENDPOINT: url, ...variables(url) };
    const sources = { environment, files: workdir.files, clock, transport, region: "eu-west-1" };
    return { credentials: await findCredentials(sources), asked };
  } finally {
    transport.close();
    await server.shutdown();
  }
}

const given = JSON.stringify({ AccessKeyId: "A", SecretAccessKey: "S", Token: "T" });
const expected: Credentials = { accessKeyId: "A", secretAccessKey: "S", sessionToken: "T" };

Deno.test("credentials come from variables first", async () => {
  const variables = () => ({ AWS_ACCESS_KEY_ID: "A", AWS_SECRET_ACCESS_KEY: "S", AWS_SESSION_TOKEN: "T" });
  const { credentials, asked } = await find({ variables, files: { "/home/grid/.aws/credentials": "[default]" } });
  assert.deepEqual([credentials, asked], [expected, []]);
});

Deno.test("a service account takes its role", async () => {
  const xml = "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>" +
    "<SessionToken>T</SessionToken></Credentials></R>";
  const { credentials, asked } = await find({
    variables: (url) => ({
      AWS_ENDPOINT_URL_STS: url,
      AWS_ROLE_ARN: "arn:role",
      AWS_WEB_IDENTITY_TOKEN_FILE: "/var/token",
    }),
    files: { "/var/token": "jwt\n" },
    answers: { "/": xml },
  });
  assert.deepEqual(credentials, expected);
  const form = new URLSearchParams(asked[0]?.body);
  assert.deepEqual([form.get("RoleArn"), form.get("WebIdentityToken"), form.get("Action")], [
    "arn:role",
    "jwt",
    "AssumeRoleWithWebIdentity",
  ]);
});

Deno.test("a profile of the shared file is read, and no other", async () => {
  const text = "[default]\naws_access_key_id = X\naws_secret_access_key = Y\n\n[grid]\n" +
    "aws_access_key_id=A\naws_secret_access_key = S\naws_session_token = T\n";
  const files = { "/home/grid/.aws/credentials": text };
  assert.deepEqual((await find({ files, variables: () => ({ AWS_PROFILE: "grid" }) })).credentials, expected);
  assert.equal((await find({ files })).credentials.accessKeyId, "X");
});

Deno.test("a container is given them for its token, a virtual machine for its session", async () => {
  const container = await find({
    variables: (url) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/c`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/t",
    }),
    files: { "/var/t": "secret" },
    answers: { "/c": given },
  });
  assert.deepEqual(container.credentials, expected);
  assert.equal(container.asked[0]?.headers.get("authorization"), "secret");
  const roles = "/latest/meta-data/iam/security-credentials/";
  const machine = await find({
    answers: { "/latest/api/token": "session", [roles]: "grid\n", [`${roles}grid`]: given },
  });
  assert.deepEqual(machine.credentials, expected);
  assert.equal(machine.asked.at(-1)?.headers.get("x-aws-ec2-metadata-token"), "session");
});

Deno.test("where there are none, it is said what to set", async () => {
  await assert.rejects(find({}), { message: "Cannot find credentials for S3" });
});
