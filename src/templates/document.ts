/** Reads documents that people write: JSON, or YAML as `kubectl` reads it. Refuses sizes and shapes that would take long. */

/** The longest document, in characters. JSON: a third of what the cluster would store; YAML: a second of parsing at worst. */
const LARGEST_JSON = 512 * 1024;
const LARGEST_YAML = 64 * 1024;

/** How many brackets may be open at once. Beyond that the YAML parser fails as well, but only after a long time. */
const MOST_OPEN = 500;

/**
 * What YAML 1.1 reads in its own way, and with it `kubectl` and the legacy plug-in: modes such as 0644, and words for true
 * and false (source: yaml.org, "Integer" and "Boolean Language-Independent Type").
 */
const YAML_1_1 = [
  { tag: "tag:yaml.org,2002:int", default: true, test: /^[-+]?0[0-7]+$/, resolve: (text: string) => parseInt(text, 8) },
  { tag: "tag:yaml.org,2002:bool", default: true, test: /^([Yy]es|YES|[Oo]n|ON)$/, resolve: () => true },
  { tag: "tag:yaml.org,2002:bool", default: true, test: /^([Nn]o|NO|[Oo]ff|OFF)$/, resolve: () => false },
] as const;

/**
 * Reads a document, YAML or JSON.
 * @throws Error whose message is one line that says what is wrong, and shows nothing of the text
 */
export async function readDocument(text: string): Promise<unknown> {
  try {
    checkSize("JSON", text.length, LARGEST_JSON);
    if (text.trimStart().startsWith("{")) {
      try {
        return JSON.parse(text);
      } catch {
        // A flow mapping of YAML starts the same way.
      }
    }
    checkSize("YAML", text.length, LARGEST_YAML);
    checkOpen(text);
    const { parseDocument } = await import("yaml");
    // Its own words show lines of the file, which may be anything, and take it time without end.
    const document = parseDocument(text, {
      prettyErrors: false,
      merge: true,
      customTags: (tags) => [...YAML_1_1, ...tags],
    });
    const [error] = document.errors;
    if (error) throw new Error(`${error.message} in line ${text.slice(0, error.pos[0]).split("\n").length}`);
    const content = document.toJS();
    // Aliases can make a document larger than its text, or hold itself.
    checkSize("JSON", (JSON.stringify(content) ?? "").length, LARGEST_JSON);
    return content;
  } catch (error) {
    throw new Error((error as Error).message.split("\n", 1)[0], { cause: error });
  }
}

function checkSize(format: string, length: number, most: number): void {
  if (length > most) throw new Error(`it has ${length} characters, and may have ${most} as ${format}`);
}

function checkOpen(text: string): void {
  let open = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === "[" || bracket === "{" ? 1 : -1;
    if (open > MOST_OPEN) throw new Error(`it has more than ${MOST_OPEN} levels`);
  }
}
