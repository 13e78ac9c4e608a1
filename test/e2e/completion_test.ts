/** The completion scripts in the shells that they are for: each completes what is begun, and names files where nothing else fits. */
import assert from "node:assert/strict";
import { siteTest } from "../support/e2e.ts";
import { isOnPath } from "../support/programs.ts";
import type { Site } from "../support/site.ts";

/** A shell: what it makes of a line that is begun, in the order in which it has them. */
type Completes = (site: Site, line: string) => Promise<string[]>;

const bash: Completes = async (site, line) => {
  const words = line.split(" ");
  return await said(site, "bash", [
    "-c",
    `source <(hostfactory completion bash); COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _hostfactory
     printf '%s\\n' "\${COMPREPLY[@]:-$(compgen -f -- '${words.at(-1)}')}"`, // As `-o default` has it.
  ]);
};

const fish: Completes = async (site, line) =>
  await said(site, "fish", ["--no-config", "-c", `hostfactory completion fish | source; complete -C '${line}'`]);

/** It completes in a terminal alone: there the line is typed, completed, and then printed in place of being run. */
const zsh: Completes = async (site, line) => {
  const [completed = ""] = await said(site, "zsh", ["-f", "-c", IN_TERMINAL, "zsh", line]);
  return [completed.trimEnd().split(" ").at(-1) ?? ""];
};

/** What the terminal shows of what is typed must not pass for what comes of it: hence the two quotation marks. */
const IN_TERMINAL = String.raw`
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal 'PS1=; bindkey -e; autoload -Uz compinit; compinit -u -D; source <(hostfactory completion zsh)'
zpty -w terminal $'print -r -- REA\'\'DY'
zpty -r -m terminal seen '*READY*'
zpty -w -n terminal "$1"$'\t'
zpty -w terminal $'\x01print -r -- COM\'\'PLETED: '
zpty -r -m terminal seen '*COMPLETED: *'$'\n'
seen=${"$"}{seen##*COMPLETED: }
print -r -- "${"$"}{seen%%[[:cntrl:]]*}"
`;

async function said(site: Site, program: string, args: string[]): Promise<string[]> {
  const bin = `${site.directory}/bin`;
  Deno.mkdirSync(bin, { recursive: true });
  await Deno.symlink(Deno.env.get("HF_BINARY") ?? "", `${bin}/hostfactory`).catch(() => {});
  const environment = { PATH: `${bin}:${site.environment["PATH"]}`, TERM: "dumb" };
  const { stdout, stderr, code } = await site.run(args, { program, environment });
  assert.equal(code, 0, stderr);
  return stdout.split("\n").filter((text) => text !== "");
}

for (const [name, completes] of Object.entries({ bash, zsh, fish })) {
  const lacks = isOnPath(name) ? undefined : name;
  siteTest(`${name} completes commands, options, and the names that there are`, async (site) => {
    const id = await site.request(2);
    const last = (line: string) => completes(site, line);
    assert.deepEqual(await last("hostfactory admin list-m"), ["list-machines"]);
    assert.deepEqual(await last("hostfactory admin list-machines --templ"), ["--template"]);
    assert.deepEqual(await last("hostfactory admin list-machines --template sm"), ["small"]);
    assert.deepEqual(await last(`hostfactory explain ${id}-1`), [`${id}-1`]);
    const file = site.write("an-input-of-ours", "{}");
    assert.deepEqual(await last(`hostfactory request-machines -f ${file.slice(0, -3)}`), [file]);
  }, { lacks });
}
