/**
 * The names of keys, by the escape sequences that terminals send (source: ECMA-48 and xterm, "Alt and Meta Keys, Cursor
 * Keys").
 */
const NAMES: Readonly<Record<string, string>> = {
  "\x1b[A": "up",
  "\x1b[B": "down",
  "\x1bOA": "up",
  "\x1bOB": "down",
  "\x1b[5~": "page up",
  "\x1b[6~": "page down",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x1b": "escape",
  "\x03": "interrupt",
};

/** The keys in a terminal's input: their names if they have one, else the characters themselves. */
export function keysIn(text: string): string[] {
  const keys: string[] = [];
  // deno-lint-ignore no-control-regex -- this is what a terminal sends
  for (const [sequence] of text.matchAll(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[^]/gu)) {
    const name = NAMES[sequence];
    // Unknown sequences are dropped.
    if (name !== undefined) keys.push(name);
    else if (!sequence.startsWith("\x1b")) keys.push(sequence);
  }
  return keys;
}

/**
 * Yields each key that is pressed, until standard input ends. Meanwhile the terminal is in raw mode: it shows no keys
 * and makes no signals of them. Disposing restores it.
 */
export function readKeys(pressed: (key: string) => void, ended: () => void): Disposable {
  if (!Deno.stdin.isTerminal()) return { [Symbol.dispose]() {} };
  Deno.stdin.setRaw(true);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1_024);
  let isOver = false;
  const read = async () => {
    try {
      for (let count: number | null; (count = await Deno.stdin.read(buffer)) !== null && !isOver;) {
        keysIn(decoder.decode(buffer.subarray(0, count), { stream: true })).forEach(pressed);
      }
    } catch {
      // The terminal has gone.
    }
    if (!isOver) ended();
  };
  void read();
  return {
    [Symbol.dispose]() {
      isOver = true;
      try {
        Deno.stdin.setRaw(false);
      } catch {
        // The terminal has gone.
      }
    },
  };
}
