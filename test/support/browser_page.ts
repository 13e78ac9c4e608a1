import assert from "node:assert/strict";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { startBrowser } from "./chromium.ts";
import { eventually } from "./deadline.ts";
import { freePort } from "./free_port.ts";
import type { Running } from "./process.ts";
import type { Site } from "./site.ts";

/** What page and list both say of a machine. */
export interface Shown {
  state: string;
  template: string;
  node: string;
  zone: string;
}

/** By its name. */
export type Machines = Record<string, Shown>;

/** The one that all tests of a file share: to start one takes longer than most of them. */
let browser: Promise<Browser> | undefined;

/** Ends what the tests of this file have started to look at pages. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

/**
 * A `serve` with a page, and a context of its own in the browser that looks at it, as another user's. All that the browser
 * complains of is kept. A file that opens one calls `closeBrowser` at its end.
 */
export class BrowserPage implements AsyncDisposable {
  readonly site: Site;
  readonly port: number;
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;
  serve: Running;
  page!: Page;

  private constructor(site: Site, context: BrowserContext, options: { port: number; serve: Running }) {
    this.site = site;
    this.port = options.port;
    this.serve = options.serve;
    this.#context = context;
  }

  /** @param options `args` of serve; `context` in the browser */
  static async open(
    site: Site,
    options: { args?: string[]; context?: BrowserContextOptions } = {},
  ): Promise<BrowserPage> {
    const { args = [], context = {} } = options;
    const port = freePort();
    const serve = site.serve("--prometheus-port", String(port), ...args);
    await serve.says(/Metrics and health are served/);
    browser ??= startBrowser();
    const opened = new BrowserPage(site, await (await browser).newContext(context), { port, serve });
    opened.page = await opened.tab();
    return opened;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Another tab. */
  async tab(hash = ""): Promise<Page> {
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      // That serve is away is told like this, too.
      const isAway = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
      if (message.type() === "error" && !isAway.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(`${this.url}${hash}`);
    return page;
  }

  /** The same `serve`, started again on the same port. */
  async restart(): Promise<void> {
    this.serve = this.site.serve("--prometheus-port", String(this.port));
    await this.serve.says(/Metrics and health are served/);
  }

  /** What the table of the page says of the machines. */
  async table(page = this.page): Promise<Machines> {
    await page.selectOption("#view", "table");
    const rows = await page.locator("#table tbody tr").evaluateAll((all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent ?? ""))
    );
    return Object.fromEntries(
      rows.map(([name = "", state = "", _since, template = "", node = "", zone = ""]) => [
        name,
        { state, template, node, zone },
      ]),
    );
  }

  /** What `hostfactory admin list-machines` says of them. */
  async list(): Promise<Machines> {
    const { stdout } = await this.site.run(["admin", "list-machines", "--output", "json"]);
    const { machines } = JSON.parse(stdout) as { machines: (Shown & { name: string; templateId: string })[] };
    return Object.fromEntries(
      machines.map(({ name, state, templateId: template, node, zone }) => [name, { state, template, node, zone }]),
    );
  }

  /** Waits until page and list agree, and the states fit. */
  async agrees(what: string, fits: (states: string[]) => boolean): Promise<void> {
    await eventually(what, async () => {
      const [listed, shown] = [await this.list(), await this.table()];
      if (!fits(Object.values(listed).map(({ state }) => state))) {
        throw new Error(`Listed are ${JSON.stringify(listed)}`);
      }
      assert.deepEqual(shown, listed);
      return true;
    }, { everyMs: 300 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
