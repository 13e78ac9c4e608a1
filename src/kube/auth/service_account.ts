import type { CredentialFiles } from "./credential_files.ts";
import type { Login } from "../transport/login.ts";

/** Where the kubelet puts what a pod needs to talk to its cluster. */
const DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** True if we run in a pod that was given a service account. */
export function inPod(files: CredentialFiles, environment: Record<string, string | undefined>): boolean {
  return Boolean(environment.KUBERNETES_SERVICE_HOST && environment.KUBERNETES_SERVICE_PORT) &&
    files.readIfThere(`${DIRECTORY}/token`, "the token of the service account") !== undefined;
}

/**
 * The login of the pod's service account.
 * @throws KubeError `unauthorised` if a file is missing
 */
export function serviceAccountLogin(
  files: CredentialFiles,
  environment: Record<string, string | undefined>,
): Login {
  const host = environment.KUBERNETES_SERVICE_HOST ?? "";
  const token = files.read(`${DIRECTORY}/token`, "the token of the service account").trim();
  const caFile = `${DIRECTORY}/ca.crt`;
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${environment.KUBERNETES_SERVICE_PORT}`,
    namespace: files.readIfThere(`${DIRECTORY}/namespace`, "the namespace of the service account")?.trim() || "default",
    headers: [["authorization", `Bearer ${token}`]],
    transport: {
      ca: files.read(caFile, "the certificate authority of the cluster"),
      origin: { ca: `'${caFile}'` },
    },
    source: `the service account in '${DIRECTORY}'`,
  };
}
