import type { Call, CommandBody } from "./command.ts";
import { writeOutput } from "./output.ts";

/** The completion scripts by shell. They ask this program for the words that fit. */
const SCRIPTS = {
  bash: `_hostfactory() {
  local IFS=$'\\n'
  COMPREPLY=($(hostfactory completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null))
}
complete -o default -F _hostfactory hostfactory
`,
  zsh: `#compdef hostfactory
_hostfactory() {
  local -a found
  found=("\${(@f)$(hostfactory completion words -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n "\${found[*]}" ]]; then compadd -a found; else _files; fi
}
if [[ "\${funcstack[1]}" = _hostfactory ]]; then _hostfactory "$@"; else compdef _hostfactory hostfactory; fi
`,
  fish: `function __hostfactory_words
  set -l given (commandline -opc) (commandline -ct)
  set -l found (hostfactory completion words -- $given[2..-1] 2> /dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c hostfactory -f -a '(__hostfactory_words)'
`,
} as const;

export const completion: CommandBody = {
  declare(command) {
    for (const shell of Object.keys(SCRIPTS)) {
      command.command(shell).description(`Print the script that completes command lines in ${shell}`);
    }
    // Answered before anything is called: see `readCommandLine`.
    command.command("words", { hidden: true }).argument("[words...]");
  },
  run(call: Call) {
    writeOutput(SCRIPTS[call.path.at(-1) as keyof typeof SCRIPTS]);
    return Promise.resolve();
  },
};
