import assert from "node:assert/strict";
import { Ajv } from "ajv";
import type { Finding } from "../../src/lint/finding.ts";
import { countsOf, githubReport, isFailure, jsonReport, sarifReport, textReport } from "../../src/lint/report.ts";
import { RULES } from "../../src/lint/rules.ts";
import { CLUSTER } from "../../src/lint/server_rules.ts";

const finding: Finding = {
  rule: "image-tag",
  severity: "warning",
  file: "conf/my pod.yaml",
  line: 7,
  column: 3,
  path: "/spec/containers/0/image",
  message: "100% of it\nis wrong",
  mend: "mend it, now",
};
const ofExtension: Finding = { ...finding, rule: "slo/objective", severity: "info", file: "/etc/pod.yaml" };
const ofCluster: Finding = { ...finding, rule: "right-missing", severity: "error", file: CLUSTER, path: "" };
const all = [finding, ofExtension, ofCluster];

Deno.test("the text is grouped by file, each finding on a line, and how to mend it on the next", () => {
  const text = textReport([...all, finding]).map(({ text }) => text).join("");
  assert.equal(
    text,
    `conf/my pod.yaml
  7:3     warning  100% of it is wrong  image-tag
                   → mend it, now
  7:3     warning  100% of it is wrong  image-tag
                   → mend it, now

/etc/pod.yaml
  7:3     info     100% of it is wrong  slo/objective
                   → mend it, now

the cluster
  7:3     error    100% of it is wrong  right-missing
                   → mend it, now

`,
  );
});

Deno.test("annotations of GitHub are one line each, with what would end them escaped", () => {
  assert.deepEqual(githubReport([{ ...finding, file: "a,b:c" }, ofExtension, ofCluster]).split("\n"), [
    "::warning file=a%2Cb%3Ac,line=7,col=3,title=image-tag::100%25 of it%0Ais wrong: mend it, now",
    "::notice file=/etc/pod.yaml,line=7,col=3,title=slo/objective::100%25 of it%0Ais wrong: mend it, now",
    "::error title=right-missing::100%25 of it%0Ais wrong: mend it, now",
    "",
  ]);
});

/** As much of the schema of SARIF 2.1.0 (OASIS) as concerns what we write, closed. */
const message = { type: "object", required: ["text"], properties: { text: { type: "string", minLength: 1 } } };
const level = { enum: ["none", "note", "warning", "error"] };
const closed = (properties: object, required: string[]) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const list = (items: object) => ({ type: "array", items });
const SARIF = closed({
  $schema: { type: "string" },
  version: { const: "2.1.0" },
  runs: list(closed({
    columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
    tool: closed({
      driver: closed({
        name: { type: "string" },
        fullName: { type: "string" },
        rules: list(closed({
          id: { type: "string" },
          shortDescription: message,
          help: message,
          defaultConfiguration: closed({ level }, []),
        }, ["id"])),
      }, ["name"]),
    }, ["driver"]),
    results: list(closed({
      ruleId: { type: "string" },
      ruleIndex: { type: "integer", minimum: -1 },
      level,
      message,
      locations: list(closed({
        physicalLocation: closed({
          artifactLocation: closed({ uri: { type: "string", pattern: "^[\\w%./:~-]+$" } }, []),
          region: closed({
            startLine: { type: "integer", minimum: 1 },
            startColumn: { type: "integer", minimum: 1 },
          }, []),
        }, []),
        logicalLocations: list(closed({ fullyQualifiedName: { type: "string" } }, [])),
      }, [])),
    }, ["message"])),
  }, ["tool"])),
}, ["version", "runs"]);

Deno.test("SARIF has the structure of 2.1.0, and each result its rule", () => {
  const report = sarifReport(all) as {
    runs: [{
      tool: { driver: { rules: { id: string }[] } };
      results: { ruleId: string; ruleIndex: number; locations: { physicalLocation: { artifactLocation: object } }[] }[];
    }];
  };
  const validate = new Ajv({ allErrors: true }).compile(SARIF);
  assert.ok(validate(report), JSON.stringify(validate.errors));
  const [{ tool: { driver: { rules } }, results }] = report.runs;
  for (const { ruleId, ruleIndex } of results) assert.equal(rules[ruleIndex]?.id, ruleId);
  assert.equal(rules.length, Object.keys(RULES).length + 1);
  assert.deepEqual(results.map(({ locations }) => locations[0]?.physicalLocation.artifactLocation), [
    { uri: "conf/my%20pod.yaml" },
    { uri: "file:///etc/pod.yaml" },
    undefined,
  ]);
});

Deno.test("errors and warnings fail a run, infos do not", () => {
  assert.deepEqual([[], [ofExtension], [finding], [ofCluster]].map(isFailure), [false, false, true, true]);
  assert.equal(countsOf([...all, finding]), "1 error, 2 warnings, 1 info");
  assert.deepEqual(jsonReport([finding], ["f"]), { version: 1, files: ["f"], findings: [finding] });
});
