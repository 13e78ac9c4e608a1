/** What `deno test` reports of its tests. */

/** The tests of one file, or of one function of `test/support` that declares them. */
export interface Suite {
  /** From the top of the checkout. */
  file: string;
  cases: { name: string; result: "passed" | "failed" | "skipped" }[];
}

/** What Deno's JUnit report says; its text and attributes are escaped, so that tags can be told by their look. */
export function readReport(xml: string, fileOf: (name: string) => string): Suite[] {
  return xml.split("<testsuite ").slice(1).map((suite) => ({
    file: fileOf(attribute(suite, "name")),
    cases: suite.split("<testcase ").slice(1).map((testcase) => ({
      name: attribute(testcase, "name"),
      result: testcase.includes("<failure") ? "failed" : testcase.includes("<skipped") ? "skipped" : "passed",
    })),
  }));
}

function attribute(tag: string, name: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
  const value = new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return value.replace(/&(\w+);/g, (all, entity) => entities[entity] ?? all);
}
