import { plainLine } from "../src/plain_text.ts";
import { isLeaving, type Machine, type State, STATES } from "./machine.ts";
import { type Colours, drawCells, readColours } from "./marks.ts";
import type { Group } from "./model.ts";
import { amount, count } from "./words.ts";

/** Sizes in pixels of the page. */
const MARGIN = 10;
const LABEL = 22;
const GAP_BELOW_GROUP = 8;

/** Groups of at most this many machines stand side by side, in blocks of at least `SMALL_BLOCK` pixels. */
const SMALL_GROUP = 40;
const SMALL_BLOCK = 250;

/** A group and where it is drawn: in pixels from the top left of the whole drawing, not of what can be seen. */
interface PlacedGroup {
  group: Group;
  left: number;
  top: number;
  bottom: number;
  width: number;
  /** Cells in a row. */
  columns: number;
  /** The position of its first machine among all machines shown. */
  first: number;
}

/** What the cells report. */
export interface CellsOptions {
  opened(machine: Machine): void;
  /** The cursor or pointer is on a machine; `at`: where on the screen, if it is the pointer. */
  pointed(machine: Machine | undefined, at?: { x: number; y: number }): void;
}

/**
 * The machines as cells of a canvas. The canvas is only as high as its visible part, however much there is to scroll
 * through, and only what can be seen is drawn.
 */
export class Cells {
  readonly #scroller: HTMLElement;
  readonly #height: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #options: CellsOptions;
  #colours: Colours = readColours();
  #groups: PlacedGroup[] = [];
  #machines: Machine[] = [];
  #cell = { side: 11, pitch: 13 };
  #cursor: string | undefined;
  #isDue = false;
  #total = 0;
  /** How long the last drawing took, in milliseconds. */
  drawMs = 0;

  constructor(scroller: HTMLElement, options: CellsOptions) {
    this.#scroller = scroller;
    this.#height = scroller.firstElementChild as HTMLElement;
    this.#canvas = scroller.querySelector("canvas") as HTMLCanvasElement;
    this.#options = options;
    scroller.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => this.#lay()).observe(scroller);
    this.#canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#canvas.addEventListener("pointermove", (event) => {
      options.pointed(this.#at(event), { x: event.clientX, y: event.clientY });
    });
    this.#canvas.addEventListener("pointerleave", () => options.pointed(undefined));
    this.#canvas.addEventListener("click", (event) => {
      const machine = this.#at(event);
      if (!machine) return;
      this.#cursor = machine.name;
      options.opened(machine);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = readColours();
      this.draw();
    });
  }

  show(groups: Group[]): void {
    this.#machines = groups.flatMap(({ machines }) => machines);
    const { length } = this.#machines;
    const side = length <= 300 ? 18 : length <= 2_500 ? 13 : 9;
    this.#cell = { side, pitch: side + (side > 12 ? 3 : 2) };
    let first = 0;
    this.#groups = groups.map((group) => {
      const placed = { group, left: 0, top: 0, bottom: 0, width: 0, columns: 1, first };
      first += group.machines.length;
      return placed;
    });
    this.#canvas.setAttribute("aria-label", summary(this.#machines));
    this.#lay();
  }

  /** Draws what can be seen, in the next animation frame. */
  draw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      const beganMs = performance.now();
      this.drawNow();
      this.drawMs = performance.now() - beganMs;
    });
  }

  #lay(): void {
    const width = this.#scroller.clientWidth - MARGIN;
    const { pitch } = this.#cell;
    const isSmall = (group: PlacedGroup | undefined) =>
      group !== undefined && group.group.machines.length <= SMALL_GROUP;
    const most = Math.max(1, Math.floor(width / SMALL_BLOCK));
    let top = MARGIN;
    for (let i = 0; i < this.#groups.length;) {
      const row = this.#groups.slice(i, i + 1);
      while (isSmall(row[0]) && row.length < most && isSmall(this.#groups[i + row.length])) {
        row.push(this.#groups[i + row.length]!);
      }
      const block = isSmall(row[0]) ? Math.floor(width / most) : width;
      const columns = Math.max(1, Math.floor((block - MARGIN) / pitch));
      const rows = Math.max(...row.map(({ group }) => Math.ceil(group.machines.length / columns)));
      const bottom = top + LABEL + rows * pitch + GAP_BELOW_GROUP;
      for (const [column, placed] of row.entries()) {
        Object.assign(placed, { left: MARGIN + column * block, top, bottom, width: block, columns });
      }
      top = bottom;
      i += row.length;
    }
    this.#total = top;
    this.#height.style.height = `${Math.max(top, 60)}px`;
    this.draw();
  }

  drawNow(): void {
    const canvas = this.#canvas;
    const context = canvas.getContext("2d");
    const { clientWidth: width, scrollTop } = this.#scroller;
    const height = Math.min(this.#scroller.clientHeight, Math.max(this.#total, 60));
    if (!context || width === 0) return;
    const scale = devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== wide || canvas.height !== high) {
      [canvas.width, canvas.height] = [wide, high];
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const { squares, leaving } = this.#drawLabels(context, { scrollTop, height });
    for (const state of STATES) {
      const own = squares.get(state);
      if (own) drawCells(context, { state, squares: own, colours: this.#colours });
    }
    this.#drawLeaving(context, leaving);
    this.#drawCursor(context, scrollTop);
  }

  /** @returns the squares that can be seen, by state, and those of machines that are leaving */
  #drawLabels(context: CanvasRenderingContext2D, view: { scrollTop: number; height: number }) {
    const { scrollTop, height } = view;
    const { side, pitch } = this.#cell;
    const squares = new Map<State, { x: number; y: number; side: number }[]>();
    const leaving: { x: number; y: number; side: number }[] = [];
    context.textBaseline = "middle";
    for (const { group, left, top, bottom, width, columns } of this.#groups) {
      if (bottom < scrollTop) continue;
      if (top > scrollTop + height) break;
      this.#drawLabel(context, group, { x: left, y: top - scrollTop + LABEL / 2, width: width - MARGIN });
      const from = top + LABEL - scrollTop;
      const firstRow = Math.max(0, Math.floor(-from / pitch));
      const lastRow = Math.ceil((height - from) / pitch);
      const end = Math.min(group.machines.length, (lastRow + 1) * columns);
      for (let i = firstRow * columns; i < end; i++) {
        const machine = group.machines[i];
        if (!machine) break;
        const square = {
          x: left + (i % columns) * pitch,
          y: from + Math.floor(i / columns) * pitch,
          side,
        };
        const own = squares.get(machine.state);
        if (own) own.push(square);
        else squares.set(machine.state, [square]);
        if (isLeaving(machine)) leaving.push(square);
      }
    }
    return { squares, leaving };
  }

  #drawLabel(
    context: CanvasRenderingContext2D,
    group: Group,
    { x, y, width }: { x: number; y: number; width: number },
  ): void {
    const { label, remark, machines } = group;
    context.font = '600 12px system-ui, "DejaVu Sans", sans-serif';
    context.fillStyle = this.#colours.ink;
    const name = fitted(context, plainLine(label), width / 2);
    context.fillText(name, x, y);
    const after = context.measureText(name).width;
    context.font = '12px system-ui, "DejaVu Sans", sans-serif';
    context.fillStyle = this.#colours.soft;
    context.fillText(
      fitted(context, plainLine(`${remark}${byState(machines)}`), width - after - 10),
      x + after + 10,
      y,
    );
  }

  /** Cells of machines that are leaving have a gap through the middle. */
  #drawLeaving(context: CanvasRenderingContext2D, leaving: { x: number; y: number; side: number }[]): void {
    context.strokeStyle = this.#colours.card;
    context.lineWidth = Math.max(1.5, this.#cell.side / 7);
    context.beginPath();
    for (const { x, y, side } of leaving) {
      context.moveTo(x, y + side);
      context.lineTo(x + side, y);
    }
    context.stroke();
  }

  #drawCursor(context: CanvasRenderingContext2D, scrollTop: number): void {
    const place = this.#cursor === undefined ? undefined : this.#placeOf(this.#cursor);
    if (!place) return;
    const { side } = this.#cell;
    context.strokeStyle = this.#colours.accent;
    context.lineWidth = 2;
    context.strokeRect(place.x - 2, place.y - scrollTop - 2, side + 4, side + 4);
  }

  #placeOf(name: string): { x: number; y: number; index: number } | undefined {
    const index = this.#machines.findIndex((machine) => machine.name === name);
    const placed = this.#groups.findLast(({ first }) => first <= index);
    if (index < 0 || !placed) return undefined;
    const i = index - placed.first;
    const { pitch } = this.#cell;
    return {
      x: placed.left + (i % placed.columns) * pitch,
      y: placed.top + LABEL + Math.floor(i / placed.columns) * pitch,
      index,
    };
  }

  #at({ offsetX, offsetY }: MouseEvent): Machine | undefined {
    const { pitch } = this.#cell;
    const y = offsetY + this.#scroller.scrollTop;
    const placed = this.#groups.find(({ left, top, bottom, width }) =>
      top <= y && y < bottom && left <= offsetX && offsetX < left + width
    );
    const column = placed ? Math.floor((offsetX - placed.left) / pitch) : -1;
    const row = placed ? Math.floor((y - placed.top - LABEL) / pitch) : -1;
    if (!placed || row < 0 || column < 0 || column >= placed.columns) return undefined;
    return placed.group.machines[row * placed.columns + column];
  }

  #key(event: KeyboardEvent): void {
    const index = this.#cursor === undefined ? -1 : this.#machines.findIndex(({ name }) => name === this.#cursor);
    const columns = this.#groups.findLast(({ first }) => first <= index)?.columns ?? 1;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (event.key === "Enter" || event.key === " ") {
      const machine = this.#machines[index];
      if (machine) this.#options.opened(machine);
    } else if (step !== undefined) {
      const to = index < 0 ? 0 : Math.max(0, Math.min(this.#machines.length - 1, index + step));
      this.#move(this.#machines[to]);
    } else return;
    event.preventDefault();
  }

  #move(machine: Machine | undefined): void {
    if (!machine) return;
    this.#cursor = machine.name;
    const place = this.#placeOf(machine.name);
    const { scrollTop, clientHeight } = this.#scroller;
    if (place && (place.y < scrollTop + LABEL || place.y + this.#cell.pitch > scrollTop + clientHeight)) {
      this.#scroller.scrollTop = place.y - clientHeight / 2;
    }
    this.#options.pointed(machine);
    this.draw();
  }

  /** Moves the keyboard focus to the cells. */
  focus(): void {
    this.#canvas.focus();
  }
}

/** Machines counted, in words: `50 machines: 48 running, 2 failed`. */
export function summary(machines: readonly Machine[]): string {
  return `${count(machines.length, "machine")}${machines.length > 0 ? `: ${byState(machines)}` : ""}`;
}

/** `48 running, 2 failed` */
function byState(machines: readonly Machine[]): string {
  const counts = new Map<State, number>();
  for (const { state } of machines) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = STATES.filter((state) => counts.has(state));
  return states.map((state) => `${amount(counts.get(state) ?? 0)} ${state}`).join(", ");
}

/** The text, shortened with an ellipsis if it is wider than `width`. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  const wide = context.measureText(text).width;
  if (wide <= width) return text;
  const letters = Math.floor(text.length * width / wide) - 2;
  return letters <= 0 ? "" : `${text.slice(0, letters).trimEnd()}…`;
}
