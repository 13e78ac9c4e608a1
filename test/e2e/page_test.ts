/** The live page of the built executable in a real browser: what it shows is what the work directory says. */
import assert from "node:assert/strict";
import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import type { HistorySection } from "../../src/page/messages.ts";
import { BrowserPage, closeBrowser } from "../support/browser_page.ts";
import { chromium } from "../support/chromium.ts";
import { eventually } from "../support/deadline.ts";
import { clusterTest, type OnCluster } from "../support/e2e.ts";
import { manifest } from "../support/site.ts";

Deno.test.afterAll(closeBrowser);

/** On the simulator: what of this is of one cluster, other tests compare. */
function pageTest(name: string, body: OnCluster): void {
  clusterTest(name, body, { on: ["simulator"], lacks: chromium ? undefined : "Chromium" });
}

/** A manifest whose pods behave so, as the simulator's default stages have it. */
const behaving = (behaviour: string) => ({
  ...manifest,
  metadata: { labels: { "hostfactory.test/behaviour": behaviour } },
});

pageTest("the page shows what list-machines says, through all that happens to machines", async (site) => {
  site.writeTemplates({ small: manifest, crashes: behaving("crashes") });
  await using shown = await BrowserPage.open(site);
  const { page } = shown;
  const requestId = await site.request(5);
  await shown.agrees("five machines run", (states) => states.filter((state) => state === "running").length === 5);
  await site.request(2, { templateId: "crashes" });
  await shown.agrees("two have failed", (states) => states.filter((state) => state === "failed").length === 2);
  assert.match(await page.innerText("#failures"), /out of memory: 2 machines/);
  await site.cluster.evictPod(`${requestId}-0`);
  await shown.agrees("one was evicted", (states) => states.includes("deleted"));
  const back = [1, 2].map((index) => `${requestId}-${index}`);
  const returnId = await site.giveBack(back);
  await shown.agrees("two were given back", (states) => states.filter((state) => state === "deleted").length >= 3);
  await eventually("the return request is shown", async () => (await page.innerText("#requests")).includes(returnId));
  await shown.serve.stop();
  await eventually("the page says that it is cut off", async () => {
    return /^Cut off: .*what is shown is \d+ s old/.test((await page.textContent("#link")) ?? "");
  });
  const stoppedAt = Date.now() / 1_000;
  await shown.restart();
  await eventually("the page is live again", async () => /^Live/.test((await page.textContent("#link")) ?? ""));
  await eventually("the graphs show what was before the restart", async () => {
    const { machines, starts } = await page.evaluate("hostfactory.model.sections.history") as HistorySection;
    // Machines that crash at once may not have been seen to run.
    const started = starts.reduce((sum, { machines }) => sum + machines, 0);
    return started >= 5 && machines.some(({ at }) => at < stoppedAt);
  });
  await site.request(1);
  await shown.agrees("a new machine runs", (states) => states.filter((state) => state === "running").length === 3);
  assert.deepEqual(shown.complaints, []);
});

pageTest("an outage of the API server is told with the age of what is shown", async (site) => {
  await using shown = await BrowserPage.open(site);
  await site.allRunning(await site.request(2));
  await shown.agrees("two machines run", (states) => states.length === 2);
  const heard = async () => Number(/cluster heard (\d+) s ago/.exec(await shown.page.innerText("#where"))?.[1] ?? NaN);
  await site.cluster.call("PUT", "/simulator/faults/failing", { status: 503 });
  await site.cluster.call("POST", "/simulator/watches/drop");
  await eventually("the age of what the cluster said grows", async () => await heard() >= 12);
  assert.match(await shown.page.innerText("#shown"), /2 running/);
  assert.match((await shown.page.textContent("#link")) ?? "", /^Live/);
  await site.cluster.call("DELETE", "/simulator/faults/failing");
  await site.request(1); // A cluster in which nothing happens is heard once a minute.
  await eventually("the cluster is heard again", async () => await heard() < 10);
  assert.deepEqual(shown.complaints, []);
});

pageTest("a screen reader hears what changes, and not each second how old that is", async (site) => {
  await using shown = await BrowserPage.open(site);
  const { page } = shown;
  await site.allRunning(await site.request(2));
  await shown.agrees("two machines run", (states) => states.length === 2);
  const spoken = () => page.locator("[aria-live], [role=status], [role=alert]").allTextContents();
  const [before, link] = [await spoken(), await page.textContent("#link")];
  assert.ok(before.includes("Live"), before.join());
  await eventually("it becomes older", async () => (await page.textContent("#link")) !== link);
  assert.deepEqual(await spoken(), before);
  await page.fill("#search", "nosuch");
  await eventually("what is found is said", async () => (await spoken()).includes("None of 2 machines is found."));
  assert.deepEqual(shown.complaints, []);
});

pageTest("one machine can be linked to, opened and left by the keyboard alone", async (site) => {
  await using shown = await BrowserPage.open(site);
  const { page } = shown;
  const requestId = await site.request(3);
  await shown.agrees("three machines run", (states) => states.length === 3 && states.every((one) => one === "running"));
  await page.selectOption("#view", "cells");
  await page.focus("#canvas");
  for (const key of ["ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key);
  assert.equal(await page.textContent("#machine-title"), `${requestId}-1`);
  assert.equal(new URL(page.url()).hash, `#machine=${requestId}-1`);
  await eventually("its life is told", async () => /Symphony asked for it/.test(await page.innerText("#machine")));
  await page.keyboard.press("Escape");
  assert.equal(await page.isVisible("#machine"), false);
  assert.equal(await page.evaluate("document.activeElement.id"), "canvas");
  await page.keyboard.press("/");
  await page.keyboard.type(`${requestId}-2`);
  await eventually(
    "one is found",
    async () => (await page.textContent("#shown"))?.startsWith("Of 3 machines: 1 machine: 1 running"),
  );
  const linked = await shown.tab(`#group=node&machine=${requestId}-2`);
  await eventually(
    "the link leads to the machine",
    async () => (await linked.textContent("#machine-title")) === `${requestId}-2`,
  );
  assert.equal(await linked.inputValue("#group"), "node");
  assert.deepEqual(shown.complaints, []);
});

pageTest("all tabs of a browser share one stream, and the next one takes it over", async (site) => {
  await using shown = await BrowserPage.open(site);
  await eventually("the first tab has the stream", async () => /^Live/.test(await shown.page.innerText("#link")));
  const tabs: Page[] = [shown.page];
  /** Tabs that have asked for a stream, but for the first, whose own may break off on a busy machine. */
  const others = new Set<Page>();
  const context = shown.page.context();
  context.on("request", (request) => {
    const tab = request.frame().page();
    if (request.url().endsWith("/page/stream") && tab !== tabs[0]) others.add(tab);
  });
  for (let i = 0; i < 8; i++) tabs.push(await shown.tab());
  await site.allRunning(await site.request(2));
  for (const tab of tabs) {
    await eventually("each tab shows both machines", async () => Object.keys(await shown.table(tab)).length === 2);
  }
  assert.equal(others.size, 0);
  await shown.page.close();
  shown.page = tabs[1]!;
  await eventually("another tab has the stream", () => others.size === 1);
  await site.request(1);
  for (const tab of tabs.slice(1)) {
    await eventually("each tab shows the third", async () => Object.keys(await shown.table(tab)).length === 3);
  }
  assert.equal(others.size, 1);
  assert.deepEqual(shown.complaints, []);
});

pageTest("what is named with markup is text", async (site) => {
  const markup = `<img src=x onerror="document.title='taken'">`;
  const hostile = `${markup}\u202e`;
  const plain = `${markup}\\u202e`;
  site.writeTemplates({ small: manifest });
  Deno.writeTextFileSync(
    `${site.confdir}/k8sprov_templates.json`,
    Deno.readTextFileSync(`${site.confdir}/k8sprov_templates.json`).replaceAll(
      '"templateId":"small"',
      `"templateId":${JSON.stringify(hostile)}`,
    ),
  );
  await using shown = await BrowserPage.open(site);
  const { page } = shown;
  await site.tell("requestMachines", { template: { templateId: hostile, machineCount: 2 } });
  await eventually("two machines run", async () => {
    const states = Object.values(await shown.table()).map(({ state, template }) => `${state} ${template}`);
    return states.length === 2 && states.every((one) => one === `running ${plain}`);
  });
  assert.ok((await page.innerText("#templates")).includes(plain), "what reorders text is shown as an escape");
  await page.goto(`${shown.url}#machine=${encodeURIComponent(hostile)}`);
  await eventually("nothing is known of it", async () => /No machine, request/.test(await page.innerText("#machine")));
  assert.equal(await page.textContent("#machine-title"), plain);
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.title(), "hostfactory");
  // What the browser tells of an answer that is no success is no trouble of the page.
  assert.deepEqual(shown.complaints.filter((text) => !/status of 404/.test(text)), []);
});

pageTest("a tab whose token is not right leaves the stream to one that has it", async (site) => {
  await using shown = await BrowserPage.open(site, { args: ["--http-token-file", site.write("token", "s3cret\n")] });
  await eventually("it asks", async () => (await shown.page.innerText("#link")) === "A token is wanted");
  const tab = await shown.tab();
  await tab.evaluate("sessionStorage.setItem('hostfactory token', 's3cret')");
  await tab.reload();
  for (const page of [tab, shown.page]) {
    await eventually("both are live", async () => /^Live/.test(await page.innerText("#link")));
    assert.equal(await page.isVisible("#login"), false);
  }
  assert.deepEqual(shown.complaints.filter((text) => !/status of 401/.test(text)), []);
});

pageTest("with a token, the page asks for it before it shows anything", async (site) => {
  await using shown = await BrowserPage.open(site, { args: ["--http-token-file", site.write("token", "s3cret\n")] });
  const { page } = shown;
  await site.allRunning(await site.request(2));
  for (const [token, asked] of [["wrong", "A token is wanted"], ["s3cret", "That token is not right"]] as const) {
    await eventually("it asks", async () => (await page.innerText("#link")) === asked);
    for (const part of ["#machines", "#panels", "#waiting"]) assert.equal(await page.isVisible(part), false, part);
    await page.fill("#token", token);
    await page.click("#login button");
  }
  await shown.agrees("two machines run", (states) => states.length === 2);
  assert.equal(await page.isVisible("#login"), false);
  assert.deepEqual(shown.complaints.filter((text) => !/status of 401/.test(text)), []);
});

for (
  const [name, context] of Object.entries({
    light: { colorScheme: "light" as const },
    dark: { colorScheme: "dark" as const },
    phone: { viewport: { width: 360, height: 740 }, isMobile: true, colorScheme: "light" as const },
  })
) {
  pageTest(`axe finds nothing serious: ${name}`, async (site) => {
    site.writeTemplates({ small: manifest, crashes: behaving("crashes"), waits: behaving("unschedulable") });
    await using shown = await BrowserPage.open(site, { context: { ...context, bypassCSP: true } });
    const { page } = shown;
    await eventually("nothing is there", async () => (await page.textContent("#shown")) === "There are no machines.");
    assert.equal(await page.isVisible("#cells"), false);
    assert.deepEqual(await offences(page), [], "nothing is there");
    const requestId = await site.request(5);
    await site.request(2, { templateId: "crashes" });
    await site.request(2, { templateId: "waits" });
    await shown.agrees("all kinds are there", (states) => new Set(states).size === 3);
    for (const view of ["cells", "table"]) {
      await page.selectOption("#view", view);
      assert.deepEqual(await offences(page), [], view);
    }
    const letters = page.locator("#chart-starts text").first();
    await eventually("letters of graphs are as large as others", async () => {
      const { height = 0 } = await letters.boundingBox() ?? {};
      return height >= 11;
    });
    await page.goto(`${shown.url}#machine=${requestId}-1`);
    await eventually("its life is told", async () => /Symphony asked for it/.test(await page.innerText("#machine")));
    assert.deepEqual(await offences(page), [], "machine");
    for (const part of ["html", "#templates", "#api", "#events"]) {
      const isWider = await page.evaluate(
        `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector("${part}"))`,
      );
      assert.equal(isWider, false, `${part} is no wider than its place`);
    }
  });
}

/** What axe finds that is serious or critical. */
async function offences(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations }: AxeResults = await page.evaluate(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'best-practice'] })",
  );
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
