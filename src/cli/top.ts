import type { Explanation } from "../admin/explanation.ts";
import type { ReadAccess } from "../admin/open_picture.ts";
import type { Picture, PictureTaker } from "../admin/picture.ts";
import type { PicturedMachine } from "../admin/picture_of_machine.ts";
import { epochSeconds, NOT_NEEDED } from "../clock.ts";
import { configure } from "./cli.ts";
import type { Call, CommandBody } from "./command.ts";
import { readKeys } from "./keys.ts";
import { wholeNumber } from "./options.ts";
import { drawScreen, isDumb, isPlain, outputIsTerminal, outputSize, takeScreen, writeStyled } from "./output.ts";
import { onQuit, onResize } from "./signals.ts";
import { afterKey, FIRST_VIEW, isShown, topScreen, type TopView } from "./top_view.ts";

interface Options {
  interval: number;
  once?: boolean;
}

export const top: CommandBody = {
  declare(command) {
    command.option("--interval <seconds>", "how often to look", wholeNumber(1, 3_600), 2)
      .option("--once", "look once, print it, and end");
  },
  run: show,
};

async function show(call: Call<Options>): Promise<void> {
  const { cli, options: { once = false } } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const admin = await loadAdmin();
  const access = admin.openForReading(config, cli, { mayLack: true });
  const taker = admin.openPicture(access);
  const top = new Top(call, { admin, access, taker, picture: await taker.take() });
  const canDraw = outputIsTerminal() && !isDumb(cli.environment);
  if (canDraw && !once) await top.follow();
  else await top.print();
}

async function loadAdmin() {
  const [{ openPicture, openForReading }, { statusOf }, { chooseMachines }, { explain }] = await Promise.all([
    import("../admin/open_picture.ts"),
    import("../admin/status.ts"),
    import("../admin/choose_machines.ts"),
    import("../admin/explain.ts"),
  ]);
  return { openPicture, openForReading, statusOf, chooseMachines, explain };
}

type Admin = Awaited<ReturnType<typeof loadAdmin>>;

class Top {
  readonly #call: Call<Options>;
  readonly #admin: Admin;
  readonly #access: ReadAccess;
  readonly #taker: PictureTaker;
  #picture: Picture;
  /** The timeline of the machine that is opened. */
  #explanation: Explanation | undefined;
  #view: TopView = FIRST_VIEW;
  /** Ends `follow`. */
  readonly #ended = new AbortController();

  constructor(
    call: Call<Options>,
    { admin, access, taker, picture }: { admin: Admin; access: ReadAccess; taker: PictureTaker; picture: Picture },
  ) {
    this.#call = call;
    this.#admin = admin;
    this.#access = access;
    this.#taker = taker;
    this.#picture = picture;
  }

  /** Prints the picture; without `--once`, also a new one below the last after each interval. */
  async print(): Promise<void> {
    const { options: { once = false }, stopping } = this.#call;
    for (;;) {
      const rows = this.#picture.machines.length + 7;
      // Without the last line, which lists the keys.
      const lines = this.#screen({ columns: outputSize().columns, rows }).slice(0, -1);
      writeStyled(lines.flatMap((parts) => [...parts, { text: "\n" }]), { plain: true });
      if (once) return;
      await this.#wait(stopping);
      if (stopping.aborted) return;
      this.#picture = await this.#taker.take();
    }
  }

  /** Shows the picture on the whole terminal and follows the keys, until a key or a signal ends it. */
  async follow(): Promise<void> {
    const { stopping } = this.#call;
    const { signal } = this.#ended;
    const end = () => this.#end();
    stopping.addEventListener("abort", end, { once: true });
    if (stopping.aborted) end();
    using _screen = takeScreen();
    using _resize = onResize(() => this.#draw());
    using _quit = onQuit(end);
    using _keys = readKeys((key) => this.#press(key), end);
    while (!signal.aborted) {
      this.#draw();
      await this.#wait(signal);
      if (signal.aborted) return;
      this.#picture = await this.#taker.take();
      if (this.#view.opened !== undefined) await this.#open();
    }
  }

  #end(): void {
    this.#ended.abort(NOT_NEEDED);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { cli: { clock }, options: { interval } } = this.#call;
    await clock.sleep(interval * 1_000, signal).catch(() => {});
  }

  #press(key: string): void {
    const next = afterKey(this.#view, key, this.#listed());
    if (next === "quit") return this.#end();
    const isOpening = next.opened !== this.#view.opened;
    this.#view = next;
    if (isOpening) void this.#open();
    else this.#draw();
  }

  async #open(): Promise<void> {
    const { opened } = this.#view;
    const explained = opened === undefined ? undefined : this.#admin.explain(this.#access, opened);
    this.#explanation = await explained?.catch(() => undefined);
    if (this.#view.opened === opened) this.#draw();
  }

  #draw(): void {
    if (this.#ended.signal.aborted) return;
    drawScreen(this.#screen(outputSize()), { plain: isPlain(this.#call.cli.environment) });
  }

  #screen(size: { columns: number; rows: number }): ReturnType<typeof topScreen> {
    const picture = this.#picture;
    const now = epochSeconds(this.#call.cli.clock.now());
    const status = this.#admin.statusOf(picture);
    const content = { picture, status, machines: this.#listed(), explanation: this.#explanation, now };
    return topScreen(content, this.#view, size);
  }

  #listed(): PicturedMachine[] {
    const { machines, at: now } = this.#picture;
    return this.#admin.chooseMachines(machines, {}, { now, sort: this.#view.sort })
      .filter((machine) => isShown(machine, this.#view.filter));
  }
}
