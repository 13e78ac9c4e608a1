import { versionLine } from "../version.ts";
import type { Finding } from "./finding.ts";
import { type Rule, RULES, SEVERITIES, type Severity } from "./rules.ts";
import { CLUSTER } from "./server_rules.ts";

/** The formats of findings. */
export type Output = "text" | "json" | "sarif" | "github";

/** A part of a text, with its style on a terminal. */
export interface ReportPart {
  text: string;
  style?: "bold" | "faint" | "red" | "yellow" | "blue";
}

const STYLE_OF = { error: "red", warning: "yellow", info: "blue" } as const satisfies Record<Severity, string>;

/** The report for people: by file, each finding with its place, what is wrong, the rule, and how to mend it. */
export function textReport(findings: readonly Finding[]): ReportPart[] {
  return [...Map.groupBy(findings, ({ file }) => file)].flatMap(([file, found]) => [
    { text: oneLine(file), style: "bold" as const },
    { text: "\n" },
    ...found.flatMap(partsOf),
    { text: "\n" },
  ]);
}

function partsOf({ line, column, severity, message, rule, mend }: Finding): ReportPart[] {
  return [
    { text: `  ${`${line}:${column}`.padEnd(8)}` },
    { text: severity.padEnd(8), style: STYLE_OF[severity] },
    { text: ` ${oneLine(message)}  ` },
    { text: oneLine(rule), style: "faint" },
    { text: `\n${" ".repeat(19)}→ ${oneLine(mend)}\n` },
  ];
}

/** `2 errors, 1 warning`, without severities that have no findings. */
export function countsOf(findings: readonly Finding[]): string {
  return SEVERITIES.map((severity) => [severity, findings.filter((one) => one.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${count} ${severity}${count === 1 ? "" : "s"}`).join(", ");
}

/** True if a run with these findings fails. */
export function isFailure(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== "info");
}

/** The report for programs, which `docs/lint.md` describes. */
export function jsonReport(findings: readonly Finding[], files: readonly string[]): object {
  return { version: 1, files, findings };
}

/** Workflow commands of GitHub Actions, one line each (source: GitHub documentation, "Workflow commands"). */
export function githubReport(findings: readonly Finding[]): string {
  const text = (value: string) => value.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  const property = (value: string) => text(value).replaceAll(":", "%3A").replaceAll(",", "%2C");
  return findings.map(({ severity, file, line, column, rule, message, mend }) => {
    const command = severity === "info" ? "notice" : severity;
    const place = file === CLUSTER ? "" : `file=${property(file)},line=${line},col=${column},`;
    return `::${command} ${place}title=${property(rule)}::${text(`${message}: ${mend}`)}\n`;
  }).join("");
}

/** The report for code scanning (source: OASIS, "Static Analysis Results Interchange Format Version 2.1.0"). */
export function sarifReport(findings: readonly Finding[]): object {
  const ids = [...new Set([...Object.keys(RULES), ...findings.map(({ rule }) => rule)])];
  const rules = ids.map((id) => {
    const { severity, what, mend } = (RULES as Record<string, Rule>)[id] ?? ofExtension(id);
    return {
      id,
      shortDescription: { text: what },
      help: { text: mend },
      defaultConfiguration: { level: levelOf(severity) },
    };
  });
  const results = findings.map((finding) => ({
    ruleId: finding.rule,
    ruleIndex: ids.indexOf(finding.rule),
    level: levelOf(finding.severity),
    message: { text: `${finding.message}: ${finding.mend}` },
    locations: finding.file === CLUSTER ? [] : [locationOf(finding)],
  }));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [{
      tool: { driver: { name: "hostfactory", fullName: versionLine, rules } },
      columnKind: "utf16CodeUnits",
      results,
    }],
  };
}

function locationOf({ file, line, column, path }: Finding): object {
  const uri = file.split("/").map(encodeURIComponent).join("/");
  return {
    physicalLocation: {
      artifactLocation: { uri: file.startsWith("/") ? `file://${uri}` : uri },
      region: { startLine: line, startColumn: column },
    },
    ...(path === "" ? {} : { logicalLocations: [{ fullyQualifiedName: path }] }),
  };
}

function levelOf(severity: Severity): string {
  return severity === "info" ? "note" : severity;
}

function ofExtension(id: string): Rule {
  const [name = ""] = id.split("/");
  return {
    severity: "warning",
    what: `a rule of extension '${name}'`,
    mend: `see what is known of extension '${name}'`,
  };
}

function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}
