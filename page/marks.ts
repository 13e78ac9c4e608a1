import { shape } from "./element.ts";
import { type State, STATES } from "./machine.ts";

/** The colours of the page, by the names that its style sheet uses. */
export type Colours = Record<State | "ink" | "soft" | "line" | "card" | "accent", string>;

/** The colours that the page has now, which differ between light and dark mode. */
export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const names = [...STATES, "ink", "soft", "line", "card", "accent"] as const;
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
}

/** What marks are drawn with: a canvas, or what becomes a path of SVG. */
type Pen = Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "closePath" | "rect" | "arc">;

/** The place of a cell, in pixels. */
interface Square {
  x: number;
  y: number;
  side: number;
}

/** Draws the mark of a state, or another layer of its cells, on a square. */
type Mark = (pen: Pen, square: Square) => void;

/** What distinguishes the cells of each state besides their colour. */
export const MARKS: Readonly<Record<State, { isFilled: boolean; mark?: Mark }>> = {
  creating: { isFilled: false },
  pending: {
    isFilled: false,
    mark(pen, { x, y, side }) { // The lower half is full.
      pen.rect(x, y + side / 2, side, side / 2);
    },
  },
  running: { isFilled: true },
  succeeded: { isFilled: true, mark: dot },
  failed: { isFilled: true, mark: cross },
  unknown: { isFilled: false, mark: dot },
  deleted: {
    isFilled: false,
    mark(pen, { x, y, side }) {
      const height = Math.max(1, side / 6);
      pen.rect(x + side / 4, y + (side - height) / 2, side / 2, height);
    },
  },
};

function dot(pen: Pen, { x, y, side }: Square): void {
  pen.moveTo(x + side * 0.7, y + side / 2);
  pen.arc(x + side / 2, y + side / 2, side / 5, 0, 2 * Math.PI);
}

function cross(pen: Pen, { x, y, side }: Square): void {
  const [from, to, width] = [side * 0.2, side * 0.8, Math.max(1, side / 7)];
  pen.moveTo(x + from, y + from + width);
  pen.lineTo(x + from + width, y + from);
  pen.lineTo(x + to, y + to - width);
  pen.lineTo(x + to - width, y + to);
  pen.closePath();
  pen.moveTo(x + to - width, y + from);
  pen.lineTo(x + to, y + from + width);
  pen.lineTo(x + from + width, y + to);
  pen.lineTo(x + from, y + to - width);
  pen.closePath();
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
  { state, squares, colours }: { state: State; squares: Square[]; colours: Colours },
): void {
  for (const { colour, draw } of layersOf(state, colours)) {
    context.fillStyle = colour;
    context.beginPath();
    for (const square of squares) draw(context, square);
    context.fill();
  }
}

/** What a cell of this state is made of, the lowest layer first. */
function layersOf(state: State, colours: Colours): { colour: string; draw: Mark }[] {
  const { isFilled, mark } = MARKS[state];
  const layers = [{ colour: colours[state], draw: full }];
  if (!isFilled) layers.push({ colour: colours.card, draw: hole });
  if (mark) layers.push({ colour: isFilled ? colours.card : colours[state], draw: mark });
  return layers;
}

function full(pen: Pen, { x, y, side }: Square): void {
  pen.rect(x, y, side, side);
}

function hole(pen: Pen, { x, y, side }: Square): void {
  const edge = side < 8 ? 1 : 1.5;
  pen.rect(x + edge, y + edge, side - 2 * edge, side - 2 * edge);
}

/** The side of a cell of an area, in pixels. */
const TILE = 10;

/** The pattern of an area that is made of cells of this state, for `fill: url(#id)`. */
export function cellPattern(id: string, { state, colours }: { state: State; colours: Colours }): SVGElement {
  const paths = layersOf(state, colours).map(({ colour, draw }) => {
    const pen = new PathPen();
    draw(pen, { x: 0, y: 0, side: TILE });
    return shape("path", { d: pen.path, fill: colour });
  });
  return shape("pattern", { id, width: TILE, height: TILE, patternUnits: "userSpaceOnUse" }, ...paths);
}

/** Draws a path of SVG. Of arcs it knows whole circles alone. */
class PathPen implements Pen {
  path = "";

  moveTo(x: number, y: number): void {
    this.path += `M${x} ${y}`;
  }

  lineTo(x: number, y: number): void {
    this.path += `L${x} ${y}`;
  }

  closePath(): void {
    this.path += "Z";
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.path += `M${x} ${y}h${width}v${height}h${-width}Z`;
  }

  arc(x: number, y: number, radius: number): void {
    const half = `a${radius} ${radius} 0 1 0`;
    this.path += `M${x + radius} ${y}${half} ${-2 * radius} 0${half} ${2 * radius} 0Z`;
  }
}
