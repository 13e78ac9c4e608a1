import * as v from "valibot";
import type { Clock } from "../clock.ts";
import type { Environment } from "../config.ts";
import { HostFactoryError } from "../errors.ts";
import { type Files, ifThere } from "../files.ts";
import { withDeadline } from "../kube/transport/deadline.ts";
import type { Transport } from "../kube/transport/transport.ts";
import { xmlField } from "./xml_field.ts";

/** Credentials of AWS, which sign requests. Secret. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** What is needed to find credentials. */
export interface Sources {
  environment: Environment;
  files: Files;
  clock: Clock;
  transport: Pick<Transport, "fetch">;
  region: string;
}

/**
 * Where containers and virtual machines get credentials (source: AWS documentation, "Container credential provider" and
 * "IMDS").
 */
const CONTAINER_HOST = "http://169.254.170.2";
const MACHINE_HOST = "http://169.254.169.254";

/** How long getting the credentials of a virtual machine may take, in milliseconds. */
const MOST_MS = 2_000;

/** The answer to a container or virtual machine that asks for its credentials. */
const RoleCredentialsSchema = v.object({
  AccessKeyId: v.string(),
  SecretAccessKey: v.string(),
  Token: v.optional(v.string()),
});

/**
 * The credentials of this process, from the first of the places where AWS's own programs look for them: environment
 * variables, a web identity, the shared file, the container, the virtual machine.
 * @throws HostFactoryError if there are none
 */
export async function findCredentials(sources: Sources): Promise<Credentials> {
  for (const source of [ofVariables, ofWebIdentity, ofSharedFile, ofContainer, ofMachine]) {
    const credentials = await source(sources);
    if (credentials) return credentials;
  }
  throw new HostFactoryError("Cannot find credentials for S3", {
    hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this host or pod a role",
  });
}

function ofVariables({ environment }: Sources): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: environment["AWS_SESSION_TOKEN"] || undefined };
}

/** The role of a Kubernetes service account (source: AWS documentation, "AssumeRoleWithWebIdentity"). */
async function ofWebIdentity({ environment, files, transport, region }: Sources): Promise<Credentials | undefined> {
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: path } = environment;
  if (!role || !path) return undefined;
  const endpoint = environment["AWS_ENDPOINT_URL_STS"] || environment["AWS_ENDPOINT_URL"] ||
    `https://sts.${region}.amazonaws.com`;
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: environment["AWS_ROLE_SESSION_NAME"] || "hostfactory",
    WebIdentityToken: files.readText(path).trim(),
  });
  const answer = await transport.fetch(endpoint, { method: "POST", body });
  const text = await answer.text();
  const of = (name: string) => xmlField(text, name);
  const [accessKeyId, secretAccessKey] = [of("AccessKeyId"), of("SecretAccessKey")];
  if (answer.ok && accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: of("SessionToken") };
  }
  throw new HostFactoryError(`Cannot take the role '${role}': ${of("Message") ?? `the answer was ${answer.status}`}`, {
    hint: "see that the role trusts this service account",
  });
}

/** The credentials of a profile in the file that AWS's own programs share. */
function ofSharedFile({ environment, files }: Sources): Credentials | undefined {
  const path = environment["AWS_SHARED_CREDENTIALS_FILE"] || `${environment["HOME"] ?? ""}/.aws/credentials`;
  const profile = environment["AWS_PROFILE"] || "default";
  const text = ifThere(() => files.readText(path));
  if (text === undefined) return undefined;
  const [, section = ""] = text.split(/^\s*\[/m).map((part) => part.split(/\]\s*$/m))
    .find(([name]) => name?.trim() === profile) ?? [];
  const of = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, "mi").exec(section)?.[1];
  const [accessKeyId, secretAccessKey] = [of("aws_access_key_id"), of("aws_secret_access_key")];
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: of("aws_session_token") };
}

async function ofContainer({ environment, files, transport }: Sources): Promise<Credentials | undefined> {
  const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
  const url = relative ? `${CONTAINER_HOST}${relative}` : environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
  if (!url) return undefined;
  const tokenFile = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
  const token = tokenFile ? files.readText(tokenFile).trim() : environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
  return await roleCredentials(await transport.fetch(url, token ? { headers: { authorization: token } } : {}));
}

/** Outside AWS, nothing answers at that address; then this waits for `MOST_MS`. */
async function ofMachine({ environment, clock, transport }: Sources): Promise<Credentials | undefined> {
  if (environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  const host = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"]?.replace(/\/$/, "") || MACHINE_HOST;
  const roles = `${host}/latest/meta-data/iam/security-credentials/`;
  const lifetime = { "x-aws-ec2-metadata-token-ttl-seconds": "300" };
  try {
    return await withDeadline({ clock, timeoutMs: MOST_MS, expired: () => new Error("no answer") }, async (signal) => {
      const token = await answered(
        await transport.fetch(`${host}/latest/api/token`, { method: "PUT", headers: lifetime, signal }),
      );
      const headers = { "x-aws-ec2-metadata-token": token };
      const [role = ""] = (await answered(await transport.fetch(roles, { headers, signal }))).split("\n");
      return await roleCredentials(await transport.fetch(`${roles}${role}`, { headers, signal }));
    });
  } catch {
    return undefined; // It is not a virtual machine of AWS, or it has no role.
  }
}

async function roleCredentials(answer: Response): Promise<Credentials> {
  const { AccessKeyId, SecretAccessKey, Token } = v.parse(RoleCredentialsSchema, JSON.parse(await answered(answer)));
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
}

async function answered(answer: Response): Promise<string> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the answer was ${answer.status}`);
  return text.trim();
}
