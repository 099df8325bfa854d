// Above all views: how much was going on at every time. What is chosen there is what they show.

import { Brush, formatTime, roundStep } from "../page/brush.js";
import { element } from "../page/dom.js";
import { onTheme, themed } from "../page/paint.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { counted } from "../page/text.js";

const HIGH = 22, BETWEEN = 3, AXIS = 15;

/** The noun for what a side counts. @param {import("../stacks/times.js").Side} side */
const nounOf = (side) => (side.look === "waits" ? "wait" : "sample");

export class Strip {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.times = /** @type {import("../stacks/times.js").Times} */ (model.times);
    const { sides } = this.times;
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-label": "Time. Arrow keys choose a part of it and move it, "
      + "with Shift they move its end, Escape chooses all of it." });
    this.names = sides.map((side) => {
      const name = element(sides.length > 1 ? "button" : "span", { className: side.look, title: side.subtitle },
        element("bdi", {}, side.name));
      if (sides.length === 1) return name;
      name.type = "button";
      name.addEventListener("click", () => model.state.set({ series: side.key }));
      return name;
    });
    this.said = element("output", { className: "part", role: "status" });
    this.clear = element("button", { type: "button" }, "Whole time");
    this.clear.title = "Choose all of the time (Esc)";
    this.clear.addEventListener("click", () => model.state.set({ begin: 0, end: 0 }));
    this.box = element("div", { className: "axis" }, this.canvas);
    const sidesOf = element("div", { className: "sides", role: "group", "aria-label": "What is shown" }, ...this.names);
    this.node = element("section", { className: "strip", "aria-label": "Time" }, sidesOf, this.box,
      element("div", { className: "part-of" }, this.said, this.clear));
    new Brush(model, this.canvas, { partAt: (x) => this.partAt(x), steps: () => ({ x: this.step, y: this.step }) });
    new ResizeObserver(() => this.draw()).observe(this.box);
    onTheme(() => this.draw());
  }

  get step() {
    return Math.max(1000, roundStep(this.times.length / 100));
  }

  /** @param {number} x */
  partAt(x) {
    const at = Math.max(0, Math.min(1, x / this.box.clientWidth)) * this.times.length;
    return { from: at, to: at + 1 };
  }

  update() {
    const { model, times } = this, { series } = model.state.now;
    if (times.sides.length > 1) times.sides.forEach((one, i) => this.names[i].setAttribute("aria-pressed", String(one.key === series)));
    this.said.textContent = partSaid(model, times.side(series));
    this.clear.hidden = !model.part();
    this.draw();
  }

  draw() {
    const { canvas, times, model } = this, width = this.box.clientWidth, ratio = devicePixelRatio || 1, pen = canvas.getContext("2d");
    const rows = times.sides.length * (HIGH + BETWEEN), height = rows + AXIS;
    if (!pen || !width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    times.sides.forEach((side, i) => {
      const y = i * (HIGH + BETWEEN), values = this.values(side, width), most = values.reduce((a, b) => Math.max(a, b), 0);
      pen.fillStyle = themed("field");
      pen.fillRect(0, y, width, HIGH);
      pen.fillStyle = themed(side.look);
      values.forEach((value, at) => {
        const high = most ? Math.max(value ? 1 : 0, (value / most) * HIGH) : 0, x = Math.round((at * width) / values.length);
        if (high) pen.fillRect(x, y + HIGH - high, Math.round(((at + 1) * width) / values.length) - x, high);
      });
    });
    drawAxis(pen, { y: rows + 11, from: 0, perPx: times.length / width, width });
    const part = model.part();
    if (!part) return;
    const from = (part.from / times.length) * width, to = Math.min(width, Math.max((part.to / times.length) * width, from + 1));
    pen.fillStyle = themed("paper");
    pen.globalAlpha = 0.72;
    pen.fillRect(0, 0, from, rows);
    pen.fillRect(to, 0, width - to, rows);
    pen.globalAlpha = 1;
    pen.strokeStyle = themed("ink");
    pen.strokeRect(Math.floor(from) + 0.5, 0.5, Math.max(Math.ceil(to - from) - 1, 1), rows - BETWEEN - 1);
  }

  /** What each px weighs, or of few samples a wider step. @param {import("../stacks/times.js").Side} side @param {number} width */
  values(side, width) {
    const count = side.lasts ? width : Math.max(1, Math.min(width, Math.ceil(side.begin.length / 4)));
    return this.model.kept(`strip ${side.key}`, [count], () =>
      this.times.steps(side, { from: 0, step: this.times.length / count, count }));
  }
}

/** What was chosen, in a line. @param {import("../model.js").Model} model @param {import("../stacks/times.js").Side} side */
export function partSaid(model, side) {
  const part = model.part(), { count, total } = model.sumsOf(side), length = model.times?.length ?? 0;
  const many = `${counted(count, nounOf(side))}, ${formatWeight(total, side.unit)}`;
  if (!part) return `${formatTime(length, 1000)}: ${many}`;
  const to = Math.min(part.to, length);
  return `${formatTime(part.from, 1000)} – ${formatTime(to, 1000)}: ${many}, ${formatShare(total, side.all.total)} of all`;
}

/**
 * Times below what was drawn.
 * @param {CanvasRenderingContext2D} pen @param {{ y: number, from: number, perPx: number, width: number }} axis
 */
export function drawAxis(pen, { y, from, perPx, width }) {
  const step = roundStep(perPx * 90);
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = themed("muted");
  for (let time = Math.ceil(from / step) * step; time <= from + perPx * width; time += step) {
    const x = (time - from) / perPx, text = formatTime(time, step), wide = pen.measureText(text).width;
    if (x + wide + 3 > width) break;
    pen.fillRect(Math.floor(x), y - 11, 1, 4);
    pen.fillText(text, x + 3, y);
  }
}
