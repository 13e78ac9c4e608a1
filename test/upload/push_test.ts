/** Uploads, to a real S3 server; without one those are skipped. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/clock.ts";
import type { Environment } from "../../src/config.ts";
import { openEventStore } from "../../src/events/database.ts";
import { systemFiles } from "../../src/files.ts";
import { systemNetwork } from "../../src/kube/transport/network.ts";
import { systemRandom } from "../../src/random.ts";
import { compressed, dump } from "../../src/upload/dump.ts";
import { pushEvents, type PushOptions, type PushResult } from "../../src/upload/push.ts";
import { legacyEvents, sorted } from "../support/legacy_events.ts";
import { s3IsThere, S3Server } from "../support/s3_server.ts";

const options: PushOptions = {
  platform: "EKS",
  cluster: "grid-london",
  region: "eu-west-1",
  namespace: "symphony",
  bucket: "grid",
  dryRun: false,
};

/** Calls `act` with a work directory that has the legacy plug-in's events. */
async function inWorkdir(act: (workdir: string) => Promise<void>): Promise<void> {
  const workdir = Deno.makeTempDirSync();
  try {
    const events = openEventStore(`${workdir}/events.db`);
    events.begin();
    for (const row of legacyEvents.before) events.insert(row);
    events.commit();
    events.close();
    await act(workdir);
  } finally {
    Deno.removeSync(workdir, { recursive: true });
  }
}

async function push(workdir: string, environment: Environment, more: Partial<PushOptions> = {}): Promise<PushResult> {
  const transport = systemNetwork({});
  try {
    const context = { files: systemFiles, clock: systemClock, random: systemRandom, environment, transport };
    const signal = new AbortController().signal;
    return await pushEvents({ ...context, signal }, { workdir }, { ...options, ...more });
  } finally {
    transport.close();
  }
}

/** The rows of a database that a dump makes. */
async function restored(gzip: Uint8Array<ArrayBuffer>): Promise<unknown[][]> {
  const text = await new Response(new Blob([gzip]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  using database = new DatabaseSync(":memory:");
  database.exec(text);
  return database.prepare("SELECT * FROM events").all().map((row) => Object.values(row));
}

Deno.test("a dump makes the database again, whatever is stored meanwhile", async () => {
  await inWorkdir(async (workdir) => {
    const texts = dump(`${workdir}/events.db`);
    const parts = [texts.next().value as string, texts.next().value as string];
    const events = openEventStore(`${workdir}/events.db`);
    events.begin();
    events.insert(["", "", "pod", "late", 1, "status", "ready"]);
    events.commit();
    events.close();
    const rows = await restored(await compressed([...parts, ...texts]));
    assert.deepEqual(sorted(rows), sorted(legacyEvents.before));
  });
});

function s3Test(name: string, body: (server: S3Server, environment: Record<string, string>) => Promise<void>): void {
  const ignore = !s3IsThere;
  Deno.test(ignore ? `${name} (SKIPPED: no S3 server)` : name, { ignore }, async () => {
    await using server = await S3Server.start();
    await body(server, {
      AWS_ENDPOINT_URL_S3: server.url,
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
    });
  });
}

s3Test(
  "the database is uploaded under the legacy plug-in's name, and makes the same one again",
  async (server, environment) => {
    await inWorkdir(async (workdir) => {
      const { status, path } = await push(workdir, environment);
      assert.equal(status, "success");
      const place = /^s3:\/\/grid\/(eventsdb\/grid-london\/eu-west-1\/symphony\/\d{4}(?:-\d\d){4}\/(.*))$/.exec(
        path ?? "",
      );
      assert.match(place?.[2] ?? "", /^events_bkp_[0-9a-f]{8}_\d{14}_dump\.sql\.gz$/);
      assert.deepEqual(server.keys(), [place?.[1]]);
      assert.deepEqual(sorted(await restored(server.object(place?.[1] ?? ""))), sorted(legacyEvents.before));
    });
  },
);

s3Test("a wrong key is refused, and nothing uploaded; the secret is not told", async (server, environment) => {
  await inWorkdir(async (workdir) => {
    const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: "another-secret" };
    await assert.rejects(push(workdir, wrong), (error: Error) => {
      return /^Cannot upload to bucket 'grid': the answer was 403, SignatureDoesNotMatch/.test(error.message) &&
        !error.message.includes("another-secret");
    });
    await assert.rejects(push(workdir, environment, { bucket: "nowhere" }), /the answer was 404, NoSuchBucket/);
    assert.deepEqual(server.keys(), []);
  });
});

s3Test("a dry run, and another platform, upload nothing", async (server, environment) => {
  await inWorkdir(async (workdir) => {
    assert.equal((await push(workdir, environment, { dryRun: true })).status, "success");
    assert.deepEqual(await push(workdir, environment, { platform: "openshift" }), { status: "no-op", path: null });
    assert.deepEqual(server.keys(), []);
  });
});

Deno.test("a work directory without a database has nothing to be uploaded", async () => {
  const workdir = Deno.makeTempDirSync();
  try {
    await assert.rejects(push(workdir, {}), /events\.db': it does not exist/);
  } finally {
    Deno.removeSync(workdir, { recursive: true });
  }
});

Deno.test("an answer that may pass is waited for, each time signed; one that will not is told at once", async () => {
  const answers = [503, 500, 200, 400];
  const signatures: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    signatures.push(request.headers.get("authorization") ?? "");
    await request.bytes();
    return new Response("<Error><Code>SlowDown</Code><Message>Later</Message></Error>", {
      status: answers.shift() ?? 200,
    });
  });
  const environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${server.addr.port}`,
    AWS_ACCESS_KEY_ID: "key",
    AWS_SECRET_ACCESS_KEY: "secret",
  };
  try {
    await inWorkdir(async (workdir) => {
      await push(workdir, environment);
      assert.equal(signatures.length, 3);
      assert.ok(signatures.every((signature) => signature.startsWith("AWS4-HMAC-SHA256 Credential=key/")));
      await assert.rejects(push(workdir, environment), /the answer was 400, SlowDown: Later/);
    });
  } finally {
    await server.shutdown();
  }
});
