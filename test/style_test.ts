/** Rules on files as such: how large they grow, what they are called, which test belongs to which, what tests quote. */
import assert from "node:assert/strict";
import { basename } from "node:path";
import { BREAKAGES, quotesOnce } from "./simulation/breakages.ts";
import { filesBelow, readFromTree } from "./support/tree.ts";

const longestLines = 350;
const sources = filesBelow("src", ".ts");
const ofPage = filesBelow("page", ".ts");
const everything = [...sources, ...filesBelow("test", ".ts"), ...filesBelow("scripts", ".ts")];

/** Tests that belong to no one module: they look at the whole of it. */
const testsOfTheWhole = ["test/e2e/", "test/bench/", "test/simulation/", "test/soak/", "test/chaos/", "test/scripts/"];
const testsOfTheTree = ["docs", "edges", "layers", "schemas", "style"].map((name) => `test/${name}_test.ts`);

Deno.test(`a source file of more than ${longestLines} lines says why at its top`, () => {
  const offences = sources.filter((file) => {
    const text = readFromTree(file);
    return text.split("\n").length > longestLines + 1 && !/^(\/\/|\/\*\*?)[^]*?\blong\b/i.test(text.slice(0, 600));
  });
  assert.deepEqual(offences, [], "split it, or say at its top why it is this long");
});

Deno.test("a file is named after what it holds", () => {
  const offences = everything.filter((file) =>
    /^(utils?|helpers?|commons?|misc|shared|stuff)(_test)?$/.test(basename(file, ".ts")) ||
    !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(basename(file, ".ts"))
  );
  assert.deepEqual(offences, []);
});

Deno.test("a test stands where its module does: test/hf/names_test.ts for src/hf/names.ts, test/browser for page", () => {
  const offences = filesBelow("test", "_test.ts").filter((file) => {
    if (testsOfTheTree.includes(file) || testsOfTheWhole.some((directory) => file.startsWith(directory))) return false;
    const module = file.replace(/_test\.ts$/, ".ts");
    return !sources.includes(module.replace(/^test\//, "src/")) &&
      !ofPage.includes(module.replace(/^test\/browser\//, "page/"));
  });
  assert.deepEqual(offences, []);
});

Deno.test("a planted breakage quotes what stands in its file exactly once", () => {
  const offences = BREAKAGES.filter((breakage) => !quotesOnce(breakage, readFromTree(breakage.file)));
  assert.deepEqual(offences.map(({ what }) => what), [], "quote the current line in test/simulation/breakages.ts");
});
