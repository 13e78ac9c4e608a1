import type { Clock } from "../clock.ts";
import type { Config, Environment } from "../config.ts";
import { HostFactoryError } from "../errors.ts";
import { type Files, ifThere } from "../files.ts";
import type { Transport } from "../kube/transport/transport.ts";
import { logger } from "../log.ts";
import { integerBetween, type Random } from "../random.ts";
import { eventsDatabase } from "../workdir/events.ts";
import { findCredentials } from "./credentials.ts";
import { compressed, dump } from "./dump.ts";
import { putObject } from "./s3.ts";

/** What an upload needs. */
export interface UploadContext {
  files: Files;
  clock: Clock;
  random: Random;
  environment: Environment;
  transport: Pick<Transport, "fetch">;
  signal: AbortSignal;
}

/** Whose events are uploaded, and where to. */
export interface PushOptions {
  platform: string;
  cluster: string;
  region: string;
  namespace: string;
  bucket: string;
  /** Do all but the upload. */
  dryRun: boolean;
}

/** There are no events to upload. */
export class NoEvents extends HostFactoryError {}

/** Where it was put; `null` if nothing is uploaded from this platform. */
export interface PushResult {
  status: "success" | "no-op";
  path: string | null;
}

const log = logger("utils");

/**
 * Uploads a copy of the events database, as SQL that recreates it, under a name like the legacy plug-in's.
 * @throws NoEvents if there is no database; HostFactoryError if it cannot be read or uploaded
 */
export async function pushEvents(
  context: UploadContext,
  config: Pick<Config, "workdir">,
  options: PushOptions,
): Promise<PushResult> {
  const { files, clock, random, environment, transport } = context;
  const { platform, bucket, dryRun, region } = options;
  if (platform.toLowerCase() !== "eks") return { status: "no-op", path: null };
  const dbfile = eventsDatabase(config, undefined);
  if (ifThere(() => files.info(dbfile, { followLinks: true }))?.kind !== "file") {
    throw new NoEvents(`Cannot upload '${dbfile}': it does not exist`, { hint: "see that serve stores events there" });
  }
  const key = keyOf(options, { nowMs: clock.now(), id: integerBetween(random, 0, 2 ** 32 - 1) });
  const body = await compressed(dump(dbfile));
  const path = `s3://${bucket}/${key}`;
  if (dryRun) log.info("Nothing is uploaded in a dry run", { path, bytes: body.length });
  else {
    const awsRegion = environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || region;
    const endpoint = environment["AWS_ENDPOINT_URL_S3"] || environment["AWS_ENDPOINT_URL"] || undefined;
    const credentials = await findCredentials({ environment, files, clock, transport, region: awsRegion });
    await putObject(context, { bucket, key, region: awsRegion, endpoint }, { body, credentials });
    log.info("Events database uploaded", { path, bytes: body.length });
  }
  return { status: "success", path };
}

/**
 * The key, in the legacy plug-in's form: a directory for the minute in this host's time zone, and a name with the
 * second in UTC.
 */
function keyOf(
  { cluster, region, namespace }: PushOptions,
  { nowMs, id }: { nowMs: number; id: number },
): string {
  const now = new Date(nowMs);
  const stamp = now.toISOString().replace(/\..*|[-:T]/g, "");
  const minute = [now.getFullYear(), now.getMonth() + 1, now.getDate(), now.getHours(), now.getMinutes()]
    .map((number) => String(number).padStart(2, "0")).join("-");
  const name = `events_bkp_${id.toString(16).padStart(8, "0")}_${stamp}_dump.sql.gz`;
  return ["eventsdb", cluster, region, namespace, minute, name].join("/");
}
