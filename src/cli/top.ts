import type { Explanation } from "../admin/explanation.ts";
import type { Picture } from "../admin/picture.ts";
import { NOT_NEEDED } from "../clock.ts";
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

/** Without a terminal, or one that does not know how to move its cursor, each look is printed below the last. */
async function show(call: Call<Options>): Promise<void> {
  const { cli: { clock, environment }, options: { interval, once = false }, stopping } = call;
  const config = configure(call, { defaultLogLevel: "warning" });
  const [{ openPicture, openReader }, { statusOf }, { chooseMachines }, { explain }] = await Promise.all([
    import("../admin/open_picture.ts"),
    import("../admin/status.ts"),
    import("../admin/choose_machines.ts"),
    import("../admin/explain.ts"),
  ]);
  const reader = openReader(config, call.cli, { mayLack: true });
  const taker = openPicture(reader);
  const plain = isPlain(environment);
  let picture: Picture = await taker.take();
  let explanation: Explanation | undefined;
  let view: TopView = FIRST_VIEW;
  const screen = (size: { columns: number; rows: number }) => {
    const now = Math.floor(clock.now() / 1_000);
    const content = { picture, status: statusOf(picture), machines: listed(), explanation, now };
    return topScreen(content, view, size);
  };
  const listed = () =>
    chooseMachines(picture.machines, {}, { now: picture.at, sort: view.sort })
      .filter((machine) => isShown(machine, view.filter));

  const hasScreen = outputIsTerminal() && !isDumb(environment) && !once;
  if (!hasScreen) {
    for (;;) {
      const rows = picture.machines.length + 7;
      // The last line tells of keys.
      const lines = screen({ columns: outputSize().columns, rows }).slice(0, -1);
      writeStyled(lines.flatMap((parts) => [...parts, { text: "\n" }]), { plain: true });
      if (once) return;
      await clock.sleep(interval * 1_000, stopping).catch(() => {});
      if (stopping.aborted) return;
      picture = await taker.take();
    }
  }

  const ended = new AbortController();
  const end = () => ended.abort(NOT_NEEDED);
  stopping.addEventListener("abort", end, { once: true });
  if (stopping.aborted) end();
  let isDrawn = true;
  const draw = () => isDrawn && drawScreen(screen(outputSize()), { plain });
  const open = async () => {
    const { opened } = view;
    explanation = opened === undefined ? undefined : await explain(reader, opened).catch(() => undefined);
    if (view.opened === opened) draw();
  };
  using _screen = takeScreen();
  using _resize = onResize(draw);
  using _quit = onQuit(end);
  using _keys = readKeys((key) => {
    const next = afterKey(view, key, listed());
    if (next === "quit") return end();
    const isOpening = next.opened !== view.opened;
    view = next;
    if (isOpening) void open();
    else draw();
  }, end);
  while (!ended.signal.aborted) {
    draw();
    await clock.sleep(interval * 1_000, ended.signal).catch(() => {});
    if (ended.signal.aborted) break;
    picture = await taker.take();
    if (view.opened !== undefined) await open();
  }
  isDrawn = false;
}
