import assert from "node:assert/strict";
import { openForReading } from "../../src/admin/open_picture.ts";
import { loadConfig } from "../../src/config.ts";
import { memoryProvider } from "../support/memory_provider.ts";

Deno.test("a work directory that this user may not read is not for this user", () => {
  const provider = memoryProvider();
  const { files } = provider;
  const info = files.info.bind(files);
  files.info = (path) => {
    if (path === "/work/requests") throw new Deno.errors.PermissionDenied("Permission denied: '/work/requests'");
    return info(path);
  };
  assert.throws(() => openForReading(provider.config, provider), {
    message: "Cannot read the work directory: Permission denied: '/work/requests'",
    hint: "run this as the user of serve",
  });
});

Deno.test("a work directory that there is not is an error, unless there may be none", () => {
  const provider = memoryProvider();
  const config = loadConfig({ workdir: "/wrok" }, {});
  assert.throws(() => openForReading(config, provider), /There is no work directory '\/wrok'/);
  assert.ok(openForReading(config, provider, { mayLack: true }));
});
