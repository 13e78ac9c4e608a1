import assert from "node:assert/strict";
import { HostFactoryError } from "../../src/errors.ts";
import { systemFiles } from "../../src/files.ts";
import { age, duration, givenDatabase, sharedOption, watchTimeout, wholeNumber, words } from "../../src/cli/options.ts";

for (const text of ["", "-1", "1.5", "0x10", "1e3", " 1", "abc", "0", "11"]) {
  Deno.test(`'${text}' is no whole number from 1 to 10`, () => {
    assert.throws(() => wholeNumber(1, 10)(text), /whole number, from 1 to 10/);
  });
}

Deno.test("a whole number within its range is itself", () => {
  assert.deepEqual(["1", "7", "10", "007"].map(wholeNumber(1, 10)), [1, 7, 10, 7]);
  assert.throws(() => wholeNumber(5)("4"), /whole number, 5 or more/);
});

for (const [seconds, used] of [[0, 60], [5, 5], [60, 60], [3_600, 60]] as const) {
  Deno.test(`a watch that may last ${seconds} s is ended after ${used} s, so that it can be believed`, () => {
    assert.equal(watchTimeout(seconds), used);
  });
}

for (
  const [text, seconds] of [["7", 604_800], ["2d", 172_800], ["12h", 43_200], ["90m", 5_400], ["30s", 30]] as const
) {
  Deno.test(`'${text}' is ${seconds} s`, () => assert.equal(duration(text), seconds));
}

for (const text of ["", "0", "0h", "-1", "1.5d", "1w", "d", "1 d", "1d2h"]) {
  Deno.test(`'${text}' is no time`, () => assert.throws(() => duration(text), /number of days/));
}

for (const [text, seconds] of [["90s", 90], ["4m10s", 250], ["3d4h", 273_600], ["0s", 0]] as const) {
  Deno.test(`'${text}' is an age of ${seconds} s`, () => assert.equal(age(text), seconds));
}

for (const text of ["", "5", "5x", "1.5h", "-1s", "1h 30m", "m"]) {
  Deno.test(`'${text}' is no age: that of lists has units`, () => assert.throws(() => age(text), /followed by s, m/));
}

Deno.test("a list of words is not empty: what narrows nothing down, or everything, was meant to be something", () => {
  assert.deepEqual(words("a, b,"), ["a", "b"]);
  for (const text of ["", " , "]) assert.throws(() => words(text), /one or several words/);
});

Deno.test("metrics are served where the environment says, if what it says can be a port", () => {
  const port = (text: string) => sharedOption.prometheusPort({ HF_K8S_PROMETHEUS_PORT: text }).defaultValue;
  assert.deepEqual(["0", "9100", "65536", "x", ""].map(port), [0, 9_100, 8_080, 8_080, 8_080]);
  assert.equal(sharedOption.prometheusAddress({}).defaultValue, "127.0.0.1");
  assert.equal(sharedOption.prometheusAddress({ HF_K8S_PROMETHEUS_ADDR: "" }).defaultValue, "");
});

Deno.test("an events database that a question names has to be there", () => {
  assert.deepEqual(givenDatabase(systemFiles, undefined), {});
  assert.deepEqual(givenDatabase(systemFiles, "/dev/null"), { dbfile: "/dev/null" });
  assert.throws(
    () => givenDatabase(systemFiles, "/nonexistent"),
    (error) => error instanceof HostFactoryError && /'\/nonexistent': there is no such file/.test(error.message),
  );
});
