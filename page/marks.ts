import { type State, STATES } from "./machine.ts";

/** The colours of the page, by the names that its style sheet uses. */
export type Colours = Record<State | "ink" | "soft" | "line" | "card" | "accent", string>;

/** The colours that the page has now, which differ between light and dark mode. */
export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const names = [...STATES, "ink", "soft", "line", "card", "accent"] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
}

/** Draws the mark of a state on the square at x and y. */
type Mark = (path: CanvasRenderingContext2D | Path2D, square: { x: number; y: number; side: number }) => void;

/** What distinguishes the cells of each state besides their colour. */
export const MARKS: Readonly<Record<State, { isFilled: boolean; mark?: Mark }>> = {
  creating: { isFilled: false },
  pending: {
    isFilled: false,
    mark(path, { x, y, side }) { // The lower half is full.
      path.rect(x, y + side / 2, side, side / 2);
    },
  },
  running: { isFilled: true },
  succeeded: { isFilled: true, mark: dot },
  failed: { isFilled: true, mark: cross },
  unknown: { isFilled: false, mark: dot },
  deleted: {
    isFilled: false,
    mark(path, { x, y, side }) {
      const height = Math.max(1, side / 6);
      path.rect(x + side / 4, y + (side - height) / 2, side / 2, height);
    },
  },
};

function dot(path: CanvasRenderingContext2D | Path2D, { x, y, side }: { x: number; y: number; side: number }): void {
  path.moveTo(x + side * 0.7, y + side / 2);
  path.arc(x + side / 2, y + side / 2, side / 5, 0, 2 * Math.PI);
}

function cross(path: CanvasRenderingContext2D | Path2D, { x, y, side }: { x: number; y: number; side: number }): void {
  const [from, to, width] = [side * 0.2, side * 0.8, Math.max(1, side / 7)];
  path.moveTo(x + from, y + from + width);
  path.lineTo(x + from + width, y + from);
  path.lineTo(x + to, y + to - width);
  path.lineTo(x + to - width, y + to);
  path.closePath();
  path.moveTo(x + to - width, y + from);
  path.lineTo(x + to, y + from + width);
  path.lineTo(x + from + width, y + to);
  path.lineTo(x + from, y + to - width);
  path.closePath();
}

/** A square that looks like a cell of this state, for buttons and legends. */
export function swatch(state: State, colours: Colours): HTMLCanvasElement {
  const scale = devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  canvas.width = canvas.height = Math.round(12 * scale);
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.scale(scale, scale);
  drawCells(context, { state, squares: [{ x: 0, y: 0, side: 12 }], colours });
  return canvas;
}

/** Draws all cells of one state at once: setting the colour for each cell would take five times as long. */
export function drawCells(
  context: CanvasRenderingContext2D,
  { state, squares, colours }: { state: State; squares: { x: number; y: number; side: number }[]; colours: Colours },
): void {
  const { isFilled, mark } = MARKS[state];
  context.fillStyle = colours[state];
  context.beginPath();
  for (const { x, y, side } of squares) context.rect(x, y, side, side);
  context.fill();
  if (!isFilled) {
    context.fillStyle = colours.card;
    context.beginPath();
    for (const { x, y, side } of squares) {
      const edge = side < 8 ? 1 : 1.5;
      context.rect(x + edge, y + edge, side - 2 * edge, side - 2 * edge);
    }
    context.fill();
  }
  if (!mark) return;
  context.fillStyle = isFilled ? colours.card : colours[state];
  context.beginPath();
  for (const square of squares) mark(context, square);
  context.fill();
}
