import type { Picture } from "../admin/picture.ts";
import type { PicturedTemplate } from "../admin/picture_of_templates.ts";
import type { GridStatus, Trouble } from "../admin/status.ts";
import { ExitCode } from "../errors.ts";
import { plainLine } from "../plain_text.ts";
import { agoText } from "./age.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { cutText, tableText, wrapText } from "./layout.ts";
import { type DocumentFormat, documentFormatOption, writeDocument } from "./listing.ts";
import { proposed } from "./proposed.ts";
import { isPlain, outputColumns, type StyledText, writeStyled } from "./output.ts";

interface Options {
  output: DocumentFormat;
}

export const status: CommandBody = {
  declare(command) {
    command.addOption(documentFormatOption());
  },
  async run(call: Call<Options>) {
    const config = configure(call, { defaultLogLevel: "warning" });
    const [{ openPicture, openForReading }, { statusOf }] = await Promise.all([
      import("../admin/open_picture.ts"),
      import("../admin/status.ts"),
    ]);
    const picture = await openPicture(openForReading(config, call.cli, { mayLack: true }), {
      isBrief: true,
      isOnly: true,
    })
      .take();
    const { verdict, troubles } = statusOf(picture);
    const found = { verdict, troubles: troubles.map((trouble) => withCommand(trouble, call.options)) };
    const { output } = call.options;
    if (output === "text") {
      const plain = isPlain(call.cli.environment);
      writeStyled(statusText(picture, found, outputColumns()), { plain });
    } else {
      const { at, service, templates } = picture;
      await writeDocument(output, { verdict: found.verdict, at, service, templates, troubles: found.troubles });
    }
    return EXIT_CODES[found.verdict];
  },
};

function withCommand({ command, ...trouble }: Trouble, options: { workdir?: string }): Trouble {
  return command === undefined ? trouble : { ...trouble, command: proposed(command, options) };
}

const EXIT_CODES = { well: ExitCode.ok, trouble: ExitCode.failure, "not served": ExitCode.notServed } as const;

const VERDICTS = {
  well: { text: "All is well", style: "bold" },
  trouble: { text: "Trouble", style: "yellow" },
  "not served": { text: "Not served", style: "red" },
} as const;

/** The screen of `hostfactory status`. @param width characters in a line */
export function statusText(picture: Picture, { verdict, troubles }: GridStatus, width: number): StyledText[] {
  const { at, templates, machines } = picture;
  const count = machines.length === 1 ? "1 machine" : `${machines.length} machines`;
  const open = [...picture.requests, ...picture.returns].filter(({ status }) => status === "running").length;
  const asked = open === 0 ? "" : `, ${open} ${open === 1 ? "request" : "requests"} under way`;
  return [
    VERDICTS[verdict],
    { text: `: ${count}${asked}\n\n` },
    { text: serviceLines(picture, width) },
    { text: templates.length === 0 ? "" : `\n${templatesText(templates, { at, width })}` },
    ...troubles.flatMap((trouble) => troubleText(trouble, { at, width })),
  ];
}

function serviceLines({ at, service }: Picture, width: number): string {
  const { workdir, instance, server, lease, cluster, heardAt } = service;
  const lines: [string, string][] = [["Directory", instance === undefined ? workdir : `${workdir} (${instance})`]];
  if (server) {
    const { command, host, pid, since, seenAt } = server;
    const who = `${command} on ${host}, process ${pid}, for ${agoText(at, since)}`;
    lines.push(["Served by", `${who}; seen ${agoText(at, seenAt)} ago`]);
  } else lines.push(["Served by", "no process so far"]);
  if (lease !== undefined) lines.push(["Lease", lease]);
  if (cluster) lines.push(["Cluster", `${cluster.server}, namespace ${cluster.namespace}`]);
  const heard = heardAt === undefined ? "never" : `${agoText(at, heardAt)} ago`;
  lines.push(["Heard from", heard]);
  return lines.map(([name, value]) => fieldText(name, value, width)).join("");
}

/** A name and what it stands for, aligned with those of the other lines. */
function fieldText(name: string, value: string, width: number): string {
  return wrapText(plainLine(value), { width, indent: `${name.padEnd(10)}  `, hanging: " ".repeat(12) });
}

function templatesText(templates: readonly PicturedTemplate[], { at, width }: { at: number; width: number }): string {
  const isNarrow = width < 60;
  const head = isNarrow ? ["TEMPLATE", "RUN", "WAIT", "FAIL", "ROOM"] : [
    "TEMPLATE",
    "RUNNING",
    "WAITING",
    "FAILED (1H)",
    "ROOM",
  ];
  const rows = templates.map(({ templateId, running, waiting, failed, room }) => [
    plainLine(templateId),
    ...[running, waiting, failed].map(String),
    room === undefined ? "-" : String(room),
  ]);
  // However long a name is, the numbers can be seen.
  const numbers = head.slice(1).map((_, i) => 2 + Math.max(...[head, ...rows].map((row) => row[i + 1]!.length)));
  const room = Math.max(8, width - numbers.reduce((sum, one) => sum + one));
  const cut = rows.map(([name = "", ...others]) => [cutText(name, room), ...others]);
  const lines = tableText([head, ...cut], { width }).split(/(?<=\n)/);
  const reasons = templates.map(({ reason }) => {
    if (!reason) return "";
    const { what, machines, oldest, text } = reason;
    const said = `${machines} ${what === "waits" ? (machines === 1 ? "waits" : "wait") : "failed"}, ${
      what === "waits" ? `the oldest for ${agoText(at, oldest)}` : `the first ${agoText(at, oldest)} ago`
    }: ${plainLine(text)}`;
    return wrapText(said, { width, indent: "  " });
  });
  return lines[0]! + templates.map((_, i) => lines[i + 1]! + reasons[i]!).join("");
}

function troubleText(
  { what, since, advice, command }: Trouble,
  { at, width }: { at: number; width: number },
): StyledText[] {
  const age = since === undefined ? "" : ` (${agoText(at, since)})`;
  const lines: StyledText[] = [{
    text: `\n${wrapText(`${plainLine(what)}${age}`, { width, indent: "! ", hanging: "  " })}`,
    style: "yellow",
  }];
  if (advice !== undefined) lines.push({ text: wrapText(advice, { width, indent: "  " }) });
  if (command !== undefined) lines.push({ text: `  ${command}\n`, style: "bold" });
  return lines;
}
