import assert from "node:assert/strict";
import { systemFiles } from "../../../src/files.ts";
import { seededRandom } from "../../../src/random.ts";
import { systemLocks } from "../../../src/workdir/store/lock.ts";
import { type LockHolder, noteHolder } from "../../../src/workdir/store/lock_holder.ts";
import { Workdir } from "../../../src/workdir/store/workdir.ts";
import { root } from "../../support/tree.ts";

const holder: LockHolder = { host: "mgmt1", pid: 42, command: "hostfactory serve", since: "2026-11-20T00:00:00.000Z" };

/** A real work directory of our own, for as long as the test runs. */
async function withWorkdir(test: (workdir: Workdir) => Promise<void> | void): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const workdir = new Workdir(`${directory}/work`, { files: systemFiles, random: seededRandom(1) });
    await workdir.prepare();
    await test(workdir);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Another process that takes the lock, says what came of it, and holds it until its input ends or it is killed. */
function holdElsewhere(workdir: Workdir, watcher: string): { process: Deno.ChildProcess; said: Promise<string> } {
  const program = `
    import { systemFiles } from ${JSON.stringify(new URL("src/files.ts", `file://${root}`).href)};
    import { systemRandom } from ${JSON.stringify(new URL("src/random.ts", `file://${root}`).href)};
    import { systemLocks } from ${JSON.stringify(new URL("src/workdir/store/lock.ts", `file://${root}`).href)};
    import { noteHolder } from ${JSON.stringify(new URL("src/workdir/store/lock_holder.ts", `file://${root}`).href)};
    import { Workdir } from ${JSON.stringify(new URL("src/workdir/store/workdir.ts", `file://${root}`).href)};
    const workdir = new Workdir(${JSON.stringify(workdir.layout.root)}, { files: systemFiles, random: systemRandom });
    const holder = { host: "other", pid: Deno.pid, command: "hostfactory watch pods", since: "then" };
    try {
      systemLocks.take(workdir, ${JSON.stringify(watcher)});
      noteHolder(workdir, ${JSON.stringify(watcher)}, holder);
      console.log("taken");
    } catch (error) {
      console.log(error.message);
    }
    for await (const _ of Deno.stdin.readable);
  `;
  const path = `${workdir.layout.root}/hold.ts`;
  Deno.writeTextFileSync(path, program);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", "--no-check", `--config=${root}deno.json`, path],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  return { process, said: firstLine(process.stdout) };
}

async function firstLine(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of output.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.trimEnd();
}

Deno.test("what a lock is made of is no one else's to read", async () => {
  await withWorkdir((workdir) => {
    const release = systemLocks.take(workdir, "pods");
    noteHolder(workdir, "pods", holder);
    for (const name of ["pods.lock", "pods.json"]) {
      assert.equal(systemFiles.info(`${workdir.layout.locks}/${name}`).mode, 0o600, name);
    }
    release();
  });
});

Deno.test("a lock that is held is refused with exit code 3 and who holds it; released, it can be taken", async () => {
  await withWorkdir((workdir) => {
    const release = systemLocks.take(workdir, "pods");
    noteHolder(workdir, "pods", holder);
    assert.throws(
      () => systemLocks.take(workdir, "pods"),
      (error: Error & { exitCode?: number; hint?: string }) => {
        assert.equal(error.exitCode, 3);
        assert.equal(
          error.message,
          `Cannot watch pods in '${workdir.layout.root}': 'hostfactory serve', process 42 on mgmt1, since ` +
            "2026-11-20T00:00:00.000Z does so already",
        );
        assert.match(error.hint ?? "", /^wait until that one has ended/);
        return true;
      },
    );
    release();
    systemLocks.take(workdir, "pods")();
  });
});

Deno.test("each watcher has a lock of its own", async () => {
  await withWorkdir((workdir) => {
    const release = systemLocks.take(workdir, "pods");
    const releaseOther = systemLocks.take(workdir, "expiry");
    release();
    systemLocks.take(workdir, "pods")();
    assert.throws(() => systemLocks.take(workdir, "expiry"), /another process does so already/);
    releaseOther();
  });
});

Deno.test("a holder that cannot be read is another process", async () => {
  await withWorkdir(async (workdir) => {
    const release = systemLocks.take(workdir, "pods");
    await Deno.writeTextFile(workdir.layout.lockHolder("pods"), "torn");
    assert.throws(() => systemLocks.take(workdir, "pods"), /another process does so already/);
    release();
  });
});

Deno.test("a lock that another process holds is refused, and is free once that was killed", async () => {
  await withWorkdir(async (workdir) => {
    const { process, said } = holdElsewhere(workdir, "pods");
    try {
      assert.equal(await said, "taken");
      assert.throws(
        () => systemLocks.take(workdir, "pods"),
        new RegExp(`'hostfactory watch pods', process ${process.pid} on other, since then does so already`),
      );
    } finally {
      process.kill("SIGKILL");
      await process.stdin.close();
      await process.status;
    }
    systemLocks.take(workdir, "pods")();
  });
});

Deno.test("a lock that is no file is not opened: what a link leads to stays as it is", async () => {
  await withWorkdir((workdir) => {
    const { layout } = workdir;
    Deno.symlinkSync(`${layout.root}/made`, layout.lock("pods"));
    Deno.mkdirSync(layout.lock("expiry"));
    for (const watcher of ["pods", "expiry"]) {
      assert.throws(() => systemLocks.take(workdir, watcher), /Cannot open the lock '.*': it is not a file/);
    }
    assert.equal(workdir.kind(`${layout.root}/made`), undefined);
  });
});

Deno.test("a lock that holds something else is named, and can be moved away", async () => {
  await withWorkdir((workdir) => {
    const path = workdir.layout.lock("pods");
    Deno.writeTextFileSync(path, "x".repeat(5_000));
    assert.throws(() => systemLocks.take(workdir, "pods"), {
      message: `Cannot open the lock '${path}': file is not a database`,
      hint: "move it away",
    });
    Deno.renameSync(path, `${path}.old`);
    systemLocks.take(workdir, "pods")();
  });
});

Deno.test("a lock of a process that is fenced is taken from it, though that process lives", async () => {
  await withWorkdir(async (workdir) => {
    const { process, said } = holdElsewhere(workdir, "pods");
    try {
      assert.equal(await said, "taken");
      const release = systemLocks.take(workdir, "pods", { isFenced: true });
      assert.throws(() => systemLocks.take(workdir, "pods"), { exitCode: 3 }, "it is ours, and no one else's");
      release();
    } finally {
      process.kill("SIGKILL");
      await process.stdin.close();
      await process.status;
    }
  });
});
