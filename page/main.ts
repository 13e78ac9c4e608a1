import type { Explained } from "../src/page/messages.ts";
import { plainLine } from "../src/plain_text.ts";
import { type PageAddress, readAddress, writeAddress } from "./address.ts";
import { Cells, summary } from "./cells.ts";
import { chartOfStarts, chartOfStates } from "./charts.ts";
import { byId, element, remark, table } from "./element.ts";
import { type Grouping, GROUPINGS, type Machine, type State, STATES, stateText } from "./machine.ts";
import { machinePanel } from "./machine_panel.ts";
import { readColours, swatch } from "./marks.ts";
import { Model } from "./model.ts";
import {
  apiPanel,
  eventsPanel,
  extensionsPanel,
  failuresPanel,
  nameButton,
  nodesPanel,
  requestsPanel,
  templatesPanel,
} from "./panels.ts";
import { SILENCE_MS } from "./stream.ts";
import { followTogether } from "./tabs.ts";
import { ago, amount, count, lengthOf } from "./words.ts";

/** The key of the token in the tab's session storage, which lasts until the tab is closed. */
const TOKEN = "hostfactory token";

/** How many machines the table shows. */
const MOST_ROWS = 300;

/** The page: what it knows, which part of that it shows, and how it reacts to the user. */
class Page {
  readonly #model = new Model();
  readonly #cells: Cells;
  #address: PageAddress = readAddress();
  #heardMs = 0;
  #cut: string | undefined;
  #details: Explained | string | undefined;
  /** Which machine the details are of, and in which state it was when they were fetched, as JSON. */
  #detailsOf = "";
  #isDue = false;
  /** What had the keyboard focus before a machine was opened. */
  #before: Element | null = null;
  /**
   * The connection to serve. A screen reader announces a change of `state`, but not `age`, which changes each second.
   */
  readonly #link = { state: element("span", { role: "status" }), age: element("span") };
  /** The search, as JSON, whose result was last announced to screen readers. */
  #saidOf = "";
  /** The HTML that was last shown, by panel. */
  readonly #shown = new Map<string, string>();
  /** How long each update occupied the main thread, in milliseconds. */
  readonly updates: number[] = [];

  constructor() {
    this.#cells = new Cells(byId("cells"), {
      opened: ({ name }) => this.#open(name),
      pointed: (machine, at) => this.#point(machine, at),
    });
    this.#listen();
    this.#showControls();
    byId("link").append(this.#link.state, this.#link.age);
    this.#showLink();
    setInterval(() => this.#showLink(), 1_000);
    // The times on the page have to advance even while nothing changes.
    setInterval(() => this.#update(), 10_000);
  }

  get model(): Model {
    return this.#model;
  }

  get cells(): Cells {
    return this.#cells;
  }

  follow(): void {
    followTogether({
      message: (message) => {
        const beganMs = performance.now();
        this.#heardMs = Date.now();
        this.#cut = undefined;
        byId("login").hidden = true;
        this.#model.take(message);
        this.updates.push(performance.now() - beganMs);
        if (this.updates.length > 1_000) this.updates.shift();
        this.#showLink();
        if (message.kind !== "beat") this.#update();
      },
      cut: (why, isRefused) => {
        this.#cut = why;
        byId("login").hidden = !isRefused;
        this.#showLink();
      },
    }, {
      token: () => sessionStorage.getItem(TOKEN) ?? "",
      picture: () => this.#model.whole(),
    });
  }

  #listen(): void {
    const search = byId<HTMLInputElement>("search");
    search.addEventListener("input", () => this.#go({ search: search.value }));
    const group = byId<HTMLSelectElement>("group");
    group.addEventListener("change", () => this.#go({ grouping: group.value as Grouping }));
    const view = byId<HTMLSelectElement>("view");
    view.addEventListener("change", () => this.#go({ view: view.value === "table" ? "table" : "cells" }));
    byId("clear").addEventListener("click", () => this.#go({ search: "", states: [] }));
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      this.#cells.focus();
    });
    byId("login").addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, byId<HTMLInputElement>("token").value.trim());
      location.reload();
    });
    addEventListener("popstate", () => this.#return());
    addEventListener("hashchange", () => this.#return());
    addEventListener("keydown", (event) => this.#key(event));
    addEventListener("resize", () => this.#update());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#shown.clear();
      this.#update();
    });
  }

  #key(event: KeyboardEvent): void {
    if (event.key === "Escape") return this.#close();
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const groupings = Object.keys(GROUPINGS) as Grouping[];
    const { grouping, view } = this.#address;
    if (event.key === "/") byId("search").focus();
    else if (event.key === "t") this.#go({ view: view === "table" ? "cells" : "table" });
    else if (event.key === "g") {
      this.#go({ grouping: groupings[(groupings.indexOf(grouping) + 1) % groupings.length]! });
    } else return;
    event.preventDefault();
  }

  /** Shows another part. @param options as of `writeAddress` */
  #go(change: Partial<PageAddress>, options: { isStep?: boolean } = {}): void {
    this.#address = { ...this.#address, ...change };
    writeAddress(this.#address, options);
    this.#showControls();
    this.#update();
  }

  /** Shows what the address selects, after the user has changed it or gone back. */
  #return(): void {
    this.#address = readAddress();
    this.#showControls();
    this.#update();
  }

  #open(name: string): void {
    this.#before = document.activeElement;
    this.#go({ machine: name }, { isStep: true });
    this.#showMachine();
    document.getElementById("machine-title")?.focus();
  }

  #close(): void {
    if (this.#address.machine === "") return;
    this.#go({ machine: "" }, { isStep: true });
    this.#showMachine();
    if (this.#before instanceof HTMLElement && this.#before.isConnected) this.#before.focus();
    else this.#cells.focus();
  }

  #search(text: string): void {
    this.#go({ search: text, states: [], machine: "" });
    byId("machines").scrollIntoView({ block: "start" });
  }

  /**
   * Fetches the details of the machine that is open, once, and again whenever its state or what is said of it changes.
   */
  #lookUp(name: string): void {
    const { state, reason, returnId } = this.#model.machines.get(name) ?? {};
    const of = JSON.stringify([name, state, reason, returnId]);
    if (this.#detailsOf === of) return;
    const isOther = JSON.parse(this.#detailsOf || "[]")[0] !== name;
    if (isOther) this.#details = undefined;
    this.#detailsOf = of;
    void this.#fetchDetails(name);
  }

  async #fetchDetails(name: string): Promise<void> {
    let details: Explained | string;
    try {
      const token = sessionStorage.getItem(TOKEN);
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
      const response = await fetch(`page/explain/${encodeURIComponent(name)}`, { headers });
      details = response.ok ? await response.json() : (await response.text()).trim();
    } catch {
      details = "It cannot be looked up: serve cannot be reached";
    }
    if (name !== this.#address.machine) return;
    this.#details = details;
    this.#update();
  }

  #point(machine: Machine | undefined, at?: { x: number; y: number }): void {
    const tip = byId("tip");
    tip.hidden = !machine || !at;
    if (!machine) return;
    const { name, node, reason } = machine;
    const lines = [name, stateText(machine, this.#model.now), node && `on ${node}`, reason].filter((line) => line);
    if (!at) {
      byId("cursor").textContent = plainLine(lines.join(", "));
      return;
    }
    tip.replaceChildren(...lines.map((line) => element("p", {}, line)));
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(at.x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${at.y + 18 + height > innerHeight ? at.y - height - 10 : at.y + 18}px`;
  }

  /** Shows what is known, in the next animation frame. */
  #update(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      const beganMs = performance.now();
      this.#showAll();
      this.updates.push(performance.now() - beganMs);
    });
  }

  #showAll(): void {
    const { sections, machines, now } = this.#model;
    if (!sections) return;
    byId("waiting").hidden = true;
    byId("machines").hidden = byId("panels").hidden = false;
    this.#showMachines();
    const colours = readColours();
    const links = { open: (name: string) => this.#open(name), search: (text: string) => this.#search(text) };
    const { requests, templates, nodes, api, extensions, events, history, service } = sections;
    const { server, cluster, namespace, instance, heardAt } = service;
    byId("where").textContent = plainLine(
      [
        instance,
        server || "not served yet",
        cluster && `${cluster}, namespace ${namespace}`,
        heardAt === null ? "cluster not heard yet" : `cluster heard ${ago(heardAt, now)}`,
      ].filter(Boolean).join(" · "),
    );
    this.#showTroubles(service.troubles);
    this.#panel("requests", requestsPanel(requests, { ...links, now }));
    this.#panel("failures", failuresPanel(machines.values(), { ...links, now }));
    this.#panel("templates", templatesPanel(templates, links));
    this.#panel("nodes", nodesPanel(nodes, { ...links, now, machines: machines.values() }));
    this.#panel("api", apiPanel(api));
    this.#panel("extensions", extensionsPanel(extensions));
    this.#panel("events", eventsPanel(events, { ...links, now, isMachine: (id) => machines.has(id) }));
    const drawn = { colours, now, width: byId("chart-states").clientWidth };
    this.#panel("chart-states", chartOfStates(history.machines, drawn));
    this.#panel("chart-starts", chartOfStarts(history.starts, drawn));
    this.#showMachine();
  }

  /** Replaces the content of a panel if it has changed, and keeps the keyboard focus on the same button. */
  #panel(id: string, content: Node[]): void {
    const place = byId(id);
    const fresh = element("div", {}, ...content);
    const text = fresh.innerHTML;
    if (this.#shown.get(id) === text) return;
    this.#shown.set(id, text);
    const buttons = [...place.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    place.replaceChildren(...fresh.childNodes);
    if (at >= 0) {
      [...place.querySelectorAll("button")].at(Math.min(at, place.querySelectorAll("button").length - 1))?.focus();
    }
  }

  #showTroubles(troubles: string[]): void {
    this.#panel("troubles", troubles.map((trouble) => element("p", {}, trouble)));
  }

  #showMachines(): void {
    const { search, states, view } = this.#address;
    this.#showStates();
    const groups = this.#model.groups(this.#address);
    const shown = groups.flatMap(({ machines }) => machines);
    const isAll = search === "" && states.length === 0;
    const all = count(this.#model.machines.size, "machine");
    const isEmpty = shown.length === 0;
    const found = isEmpty ? `None of ${all} is found.` : `Of ${all}: ${summary(shown)}`;
    const text = !isAll ? found : isEmpty ? "There are no machines." : summary(shown);
    byId("shown").textContent = text;
    // Only a new search is announced: the numbers that the grid changes by itself would be read aloud each second.
    const searched = JSON.stringify([search, states]);
    if (searched !== this.#saidOf) byId("found").textContent = text;
    this.#saidOf = searched;
    byId("clear").hidden = isAll;
    byId("cells").hidden = view !== "cells" || isEmpty;
    byId("keys").hidden = isEmpty;
    byId("table").hidden = view !== "table" || isEmpty;
    if (view === "cells") this.#cells.show(groups);
    else this.#showTable(shown);
  }

  #showTable(machines: Machine[]): void {
    const { now } = this.#model;
    const rows = machines.slice(0, MOST_ROWS).map(({ name, state, since, templateId, node, zone, reason }) => [
      nameButton(name, (machine) => this.#open(machine)),
      state,
      ago(since, now),
      templateId,
      node,
      zone,
      reason,
    ]);
    const more = machines.length - rows.length;
    this.#panel("table", [
      table(["machine", "state", "since", "template", "node", "zone", "waits for, or ended because"], rows),
      ...more > 0 ? [remark(`and ${count(more, "machine")} more: search for one`, "more")] : [],
    ]);
  }

  #showStates(): void {
    const { search, states } = this.#address;
    const counts = this.#model.counts(search);
    const colours = readColours();
    const toggle = (state: State) =>
      this.#go({ states: states.includes(state) ? states.filter((one) => one !== state) : [...states, state] });
    this.#panel(
      "states",
      STATES.map((state) =>
        element(
          "button",
          {
            type: "button",
            class: "state",
            "aria-pressed": String(states.includes(state)),
            click: () => toggle(state),
          },
          swatch(state, colours),
          `${state} `,
          element("b", {}, amount(counts[state])),
        )
      ),
    );
  }

  #showControls(): void {
    const { search, grouping, view } = this.#address;
    const input = byId<HTMLInputElement>("search");
    if (input.value !== search) input.value = search;
    byId<HTMLSelectElement>("group").value = grouping;
    byId<HTMLSelectElement>("view").value = view;
  }

  #showMachine(): void {
    const { machine: name } = this.#address;
    const panel = byId("machine");
    panel.hidden = name === "";
    if (name === "") return;
    this.#lookUp(name);
    const { machines, now } = this.#model;
    const content = machinePanel({
      name,
      machine: machines.get(name),
      details: this.#details,
      colours: readColours(),
      now,
      close: () => this.#close(),
      search: (text) => this.#search(text),
    });
    const isFocused = document.activeElement?.id === "machine-title";
    this.#panel("machine", content);
    if (isFocused) document.getElementById("machine-title")?.focus();
  }

  /** Whether what is shown is live, and how old it is. */
  #showLink(): void {
    const silentMs = Date.now() - this.#heardMs;
    const age = this.#model.at === 0 ? "" : lengthOf(this.#model.now - this.#model.at / 1_000);
    const isCut = this.#cut !== undefined || (this.#heardMs > 0 && silentMs > SILENCE_MS);
    const state = isCut ? "cut" : this.#heardMs === 0 ? "waiting" : "live";
    const given = sessionStorage.getItem(TOKEN) ? "That token is not right" : "A token is wanted";
    const cut = byId("login").hidden ? `Cut off: ${this.#cut ?? "serve does not answer"}` : given;
    const words = { cut, waiting: "Connecting", live: "Live" };
    if (this.#link.state.textContent !== words[state]) this.#link.state.textContent = words[state];
    this.#link.age.textContent = age && (isCut ? `; what is shown is ${age} old` : `, ${age} old`);
    byId("link").dataset["state"] = state;
  }
}

const page = new Page();
page.follow();
// For measurements from tests.
Object.assign(globalThis, { hostfactory: page });
