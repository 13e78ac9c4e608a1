import type { Explanation } from "../admin/explanation.ts";
import { plainLine } from "../plain_text.ts";
import { ageText, agoText } from "./age.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { wrapText } from "./layout.ts";
import { type DocumentFormat, documentFormatOption, writeDocument } from "./listing.ts";
import { givenDatabase, sharedOption } from "./options.ts";
import { proposed } from "./proposed.ts";
import { isPlain, outputColumns, type StyledText, writeStyled } from "./output.ts";

interface Options {
  output: DocumentFormat;
  dbfile?: string;
}

export const explain: CommandBody = {
  declare(command) {
    command.argument("<name>", "a machine, request, return request or node")
      .addOption(documentFormatOption())
      .addOption(sharedOption.dbfile());
  },
  async run(call: Call<Options>) {
    const { args: [name = ""], options: { output, dbfile } } = call;
    const config = configure(call, { defaultLogLevel: "warning" });
    const [{ explain, unknownName }, { openForReading }] = await Promise.all([
      import("../admin/explain.ts"),
      import("../admin/open_picture.ts"),
    ]);
    const source = givenDatabase(call.cli.files, dbfile);
    const access = openForReading(config, call.cli, { mayLack: dbfile !== undefined });
    const found = await explain(access, name, source);
    if (!found) throw unknownName(access, name);
    const explanation = { ...found, next: found.next.map((command) => proposed(command, call.options)) };
    if (output !== "text") return await writeDocument(output, explanation);
    writeStyled(explanationText(explanation, outputColumns()), { plain: isPlain(call.cli.environment) });
  },
};

/** What `hostfactory explain` prints. @param width characters that a line holds */
export function explanationText(explanation: Explanation, width: number): StyledText[] {
  const { kind, name, at, now, matter, until, facts, timeline, next, doubt, gap } = explanation;
  const parts: StyledText[] = [
    { text: `${kind} ${plainLine(name)}\n`, style: "bold" },
    { text: wrapText(plainLine(now), { width }), ...(matter === undefined ? {} : { style: "yellow" as const }) },
  ];
  if (until !== undefined) parts.push({ text: untilText(explanation, until) });
  if (matter !== undefined) parts.push({ text: wrapText(`Whose matter that is: ${matter}`, { width }) });
  if (doubt !== undefined) {
    parts.push({ text: wrapText(`This may be old. ${plainLine(doubt)}`, { width }), style: "red" });
  }
  if (gap !== undefined) {
    parts.push({ text: wrapText(`The timeline lacks what events tell. ${plainLine(gap)}`, { width }), style: "red" });
  }
  const longest = Math.max(0, ...Object.keys(facts).map((fact) => fact.length));
  const factLines = Object.entries(facts).map(([fact, value]) =>
    wrapText(plainLine(value), { width, indent: `${fact.padEnd(longest)}  `, hanging: " ".repeat(longest + 2) })
  );
  parts.push({ text: `\n${factLines.join("")}` });
  if (timeline.length > 0) parts.push({ text: "\n" });
  for (const step of timeline) {
    const words = step.words === "" ? "" : `: ${plainLine(step.words)}`;
    const time = `${timeText(step.at)}  ${agoText(at, step.at).padStart(6)}  `;
    const isNarrow = width < 60;
    const hanging = isNarrow ? "  " : " ".repeat(time.length);
    parts.push({ text: isNarrow ? `${time.trimEnd()}\n` : time, style: "faint" });
    const text = wrapText(`${step.what}${words}`, { width, indent: hanging, hanging });
    parts.push({ text: isNarrow ? text : text.slice(hanging.length) });
  }
  parts.push({ text: "\nTry next:\n" }, ...next.map((command) => ({ text: `  ${command}\n`, style: "bold" as const })));
  return parts;
}

function untilText({ at, waitsFor, kind }: Explanation, until: number): string {
  const left = until - at;
  const which = { machine: "It", node: "The node", request: "The last of them", "return request": "The last of them" };
  const what = waitsFor === undefined ? "gone" : "given up";
  if (left < 0) return `${which[kind]} should have been ${what} ${ageText(-left)} ago\n`;
  return `${which[kind]} is ${what} in ${ageText(left)} at the latest\n`;
}

/** `2026-11-22 08:30:12`, in UTC. */
function timeText(at: number): string {
  return new Date(at * 1_000).toISOString().slice(0, 19).replace("T", " ");
}
