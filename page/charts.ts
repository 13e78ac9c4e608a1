import type { HistorySection } from "../src/page/messages.ts";
import { element, remark, shape } from "./element.ts";
import { STATES } from "./machine.ts";
import { cellPattern, type Colours, swatch } from "./marks.ts";
import { amount, clockTime, count, lengthOf } from "./words.ts";

/** The height of a chart and its margins, in pixels. */
const SIZE = { height: 190, left: 46, right: 10, top: 8, bottom: 22 };

/** How a chart is drawn. */
export interface ChartOptions {
  colours: Colours;
  now: number;
  /** The width that is available, in pixels. */
  width: number;
}

/** How many machines were in each state over time, stacked; areas look like the cells of their states. */
export function chartOfStates(samples: HistorySection["machines"], options: ChartOptions): Node[] {
  const { colours, now, width } = options;
  if (samples.length < 2) return [remark("It is drawn once serve has run for a minute.")];
  const states = STATES.filter((state) =>
    state !== "deleted" && samples.some(({ counts }) => (counts[state] ?? 0) > 0)
  );
  const totals = samples.map(({ counts }) => states.reduce((sum, state) => sum + (counts[state] ?? 0), 0));
  const scale = scaleOf(samples.map(({ at }) => at), { largest: Math.max(1, ...totals), width });
  const below = samples.map(() => 0);
  const areas = states.map((state) => {
    const lower = samples.map(({ at }, i) => `${scale.x(at)},${scale.y(below[i] ?? 0)}`);
    samples.forEach(({ counts }, i) => below[i] = (below[i] ?? 0) + (counts[state] ?? 0));
    const upper = samples.map(({ at }, i) => `${scale.x(at)},${scale.y(below[i] ?? 0)}`);
    return shape("polygon", { points: [...upper, ...lower.reverse()].join(" "), fill: `url(#cells-${state})` });
  });
  const patterns = states.map((state) => cellPattern(`cells-${state}`, { state, colours }));
  const last = samples.at(-1)?.counts ?? {};
  const text = states.map((state) => `${amount(last[state] ?? 0)} ${state}`).join(", ");
  const drawing = chart([shape("defs", {}, ...patterns), ...axes(scale, { now, unit: amount }), ...areas], {
    label: `Machines by state since ${clockTime(samples[0]?.at ?? now, now)}; now ${text || "none"}; at most ${
      amount(Math.max(...totals))
    } at once`,
    width,
  });
  const legend = states.map((state) =>
    element("li", {}, swatch(state, colours), `${state} ${amount(last[state] ?? 0)}`)
  );
  return [drawing, element("ul", { class: "legend" }, ...legend)];
}

/** How long machines took from their request until they ran. */
export function chartOfStarts(samples: HistorySection["starts"], options: ChartOptions): Node[] {
  const { colours, now, width } = options;
  if (samples.length === 0) return [remark("No machine has begun to run in the last hours.")];
  const begins = [...samples.map(({ at }) => at), now];
  const scale = scaleOf(begins, { largest: Math.max(1, ...samples.map(({ p95 }) => p95)), width });
  const dots = samples.flatMap(({ at, median, p95, machines }) => [
    shape("line", {
      x1: scale.x(at),
      x2: scale.x(at),
      y1: scale.y(median),
      y2: scale.y(p95),
      stroke: colours.soft,
      "stroke-width": 2,
    }),
    shape("line", {
      x1: scale.x(at) - 4,
      x2: scale.x(at) + 4,
      y1: scale.y(p95),
      y2: scale.y(p95),
      stroke: colours.soft,
      "stroke-width": 2,
    }),
    shape(
      "circle",
      { cx: scale.x(at), cy: scale.y(median), r: 4, fill: colours.running },
      shape("title", {}, `${clockTime(at, now)}: ${count(machines, "machine")}, half within ${lengthOf(median)}`),
    ),
  ]);
  const { machines = 0, median = 0, p95 = 0, at = now } = samples.at(-1) ?? {};
  const words = `${clockTime(at, now)}: of ${count(machines, "machine")} half ran within ${
    seconds(median)
  }, 19 of 20 within ${seconds(p95)}`;
  const drawing = chart([...axes(scale, { now, unit: seconds }), ...dots], {
    label: `Time from request to running. ${words}`,
    width,
  });
  return [drawing, remark(`Latest, ${words}. A dot is the half, the bar above it 19 of 20.`, "more")];
}

function seconds(value: number): string {
  return value < 10 ? `${Number(value.toFixed(1))} s` : lengthOf(value);
}

interface Scale {
  width: number;
  x(at: number): number;
  y(value: number): number;
  from: number;
  to: number;
  most: number;
}

function scaleOf(times: number[], { largest, width }: { largest: number; width: number }): Scale {
  const { height, left, right, top, bottom } = SIZE;
  const from = Math.min(...times);
  const to = Math.max(...times, from + 60);
  const most = roundUp(largest);
  const place = (value: number) => Math.round(value * 10) / 10;
  return {
    width,
    from,
    to,
    most,
    x: (at) => place(left + (at - from) / (to - from) * (width - left - right)),
    y: (value) => place(height - bottom - value / most * (height - top - bottom)),
  };
}

/** Rounds up to one of 1, 2, 5, 10, 20, … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function axes(scale: Scale, { now, unit }: { now: number; unit: (value: number) => string }): SVGElement[] {
  const { width } = scale;
  const { height, left, right } = SIZE;
  const rows = [0, scale.most / 2, scale.most].flatMap((value) => [
    shape("line", { class: "axis", x1: left, x2: width - right, y1: scale.y(value), y2: scale.y(value) }),
    shape("text", { x: left - 6, y: scale.y(value) + 4, "text-anchor": "end" }, unit(value)),
  ]);
  const columns = [scale.from, (scale.from + scale.to) / 2, scale.to].map((at, i) =>
    shape(
      "text",
      { x: scale.x(at), y: height - 6, "text-anchor": ["start", "middle", "end"][i] },
      scale.to - scale.from < 300 ? clockTime(at, now) : clockTime(at, now).replace(/:\d\d$/, ""),
    )
  );
  return [...rows, ...columns];
}

function chart(content: SVGElement[], { label, width }: { label: string; width: number }): SVGElement {
  const viewBox = `0 0 ${width} ${SIZE.height}`;
  return shape("svg", { viewBox, role: "img", "aria-label": label }, ...content);
}
