import assert from "node:assert/strict";
import { HostFactoryError } from "../../../src/errors.ts";
import { parseStages } from "../../../src/simulator/behaviour/stages.ts";

function problemWith(document: unknown): string {
  try {
    parseStages(document, { source: "s.yaml", defaults: [] });
  } catch (error) {
    assert.ok(error instanceof HostFactoryError);
    return error.message;
  }
  throw new Error("nothing is wrong with it");
}

Deno.test("what is wrong with a file of stages is said with file, field and stage", () => {
  const stage = { name: "x", match: {} };
  for (
    const [document, problem] of [
      [{ stages: [{ ...stage, delayMs: -1 }] }, "stages.0.delayMs (stage 'x') must not be negative"],
      [
        { stages: [{ ...stage, match: { phase: ["Up"] } }] },
        "stages.0.match.phase.0 (stage 'x') must be a phase of a pod",
      ],
      [{ stages: [stage, { ...stage, name: "y", delay: 5 }] }, "stages.1.delay (stage 'y') is not known here"],
      [{ stages: [{ name: "x" }] }, "stages.0.match (stage 'x') is missing"],
      [{ stages: {} }, "stages must be a list"],
      [null, "the document must be an object"],
      [{ stages: [stage, stage] }, "two stages are named 'x'"],
    ] as const
  ) assert.equal(problemWith(document), `Cannot read stages in 's.yaml': ${problem}`);
});

Deno.test("stages may replace and join the default ones", () => {
  const defaults = parseStages({ stages: [{ name: "a", match: {} }, { name: "b", match: {} }] }, {
    source: "d",
    defaults: [],
  });
  const document = { defaults: true, stages: [{ name: "a", match: {}, delayMs: 5 }] };
  const stages = parseStages(document, { source: "s", defaults });
  assert.deepEqual(stages.map(({ name, delayMs }) => [name, delayMs]), [["b", 0], ["a", 5]]);
});
