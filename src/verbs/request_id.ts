import { ExitCode, HostFactoryError } from "../errors.ts";
import { isRequestId, newRequestId } from "../hf/names.ts";
import type { Provider } from "./provider.ts";

/**
 * The id for a new request: the one that was given, else one that no one has.
 * @throws HostFactoryError with exit code 2 if the given one cannot be an id
 */
export function freshRequestId({ config, workdir, random }: Provider): string {
  const { requestId } = config;
  if (requestId !== undefined) {
    if (isRequestId(requestId)) return requestId;
    throw new HostFactoryError(`Cannot use '${requestId.slice(0, 80)}' as a request id`, {
      hint: "give --request-id at most 56 lower-case letters, digits and '-', a letter or digit at each end",
      exitCode: ExitCode.usage,
    });
  }
  while (true) {
    const id = newRequestId(random);
    if (!workdir.kind(workdir.layout.request(id)) && !workdir.kind(workdir.layout.returnRequest(id))) return id;
  }
}
