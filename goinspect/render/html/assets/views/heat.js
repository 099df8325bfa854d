// What was going on when: a cell for each part of a second, or a row for each CPU or thread. The darker, the more.

import { Brush, formatTime, roundStep } from "../page/brush.js";
import { besideBox, element } from "../page/dom.js";
import { fillTip, onTheme, themed } from "../page/paint.js";
import { formatWeight } from "../../../assets/numbers.js";
import { drawAxis } from "./strip.js";

/** @typedef {import("../stacks/times.js").Part} Part */
/** @typedef {{ name: string, values: number[] }} Lane rows of a label, or of CPUs */
/**
 * Cells of `step` µs; those of one second are a column, those of a lane a row.
 * @typedef {object} Grid
 * @property {number} step
 * @property {number} across cells, or columns of them
 * @property {number} column µs of a column of seconds, 0: rows are lanes
 * @property {number} wide px of a cell
 * @property {number} high
 * @property {number} left px before the first cell
 * @property {Lane[]} lanes
 * @property {Float64Array} values
 * @property {number} most
 */

const SPLIT = 50, LANE = 18, FOOT = 18, LEVELS = 24, MOST_LANES = 400, CELL = 2;

export class Heat {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.times = /** @type {import("../stacks/times.js").Times} */ (model.times);
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-label": "Heat map. Arrow keys choose a part of the time and "
      + "move it, with Shift they move its end, Escape chooses all of it." });
    this.space = element("div", { className: "space" }, this.canvas);
    this.scroll = element("div", { className: "scroll", tabIndex: -1 }, this.space);
    this.tip = element("div", { className: "tip", hidden: true });
    this.node = element("div", { className: "heat" }, this.scroll, this.tip);
    /** @type {Grid | null} */
    this.grid = null;
    this.canvas.cells = () => this.placed(); // what is drawn, for tests and tools
    new Brush(model, this.canvas, { partAt: (x, y) => this.at(x, y)?.part ?? null, steps: () => this.steps(), picks: true });
    new ResizeObserver(() => this.draw()).observe(this.scroll);
    onTheme(() => this.draw());
    this.scroll.addEventListener("scroll", () => this.draw());
    this.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.hover(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  get side() {
    return this.times.side(this.model.state.now.series);
  }

  /** What the rows can be. @returns {[string, string][]} */
  get choices() {
    const { report } = this.model, found = /** @type {[string, string][]} */ ([["second", "Parts of a second"]]);
    if (report.times?.cpus.length) found.push(["cpu", "CPUs"]);
    if (report.labels.thread?.length) found.push(["thread", "Threads"]);
    return found;
  }

  /** @param {number} width @param {number} height @returns {Grid} */
  gridOf(width, height) {
    const { model, times, side } = this, { rows } = model.state.now;
    return model.kept("grid", [side.key, rows, width, height], () => {
      const lanes = rows === "second" ? [] : this.lanesOf(rows), left = lanes.length ? Math.min(170, Math.round(width * 0.28)) : 52;
      const room = Math.max(width - left - 10, 10);
      if (!lanes.length) {
        const column = columnOf(times.length, room), across = Math.ceil(times.length / column), step = column / SPLIT;
        const values = times.steps(side, { from: 0, step, count: across * SPLIT });
        return { step, across, column, wide: room / across, high: (height - FOOT) / SPLIT, left, lanes, values,
          most: mostOf(values) };
      }
      const across = Math.max(1, Math.floor(room / CELL)), step = times.length / across, lane = laneOf(model, side, rows, lanes);
      const values = times.steps(side, { from: 0, step, count: across }, lanes.length, lane);
      return { step, across, column: 0, wide: CELL, high: LANE, left, lanes, values, most: mostOf(values) };
    });
  }

  /** CPUs by number, threads by weight; beyond the first hundreds threads are one row. @param {string} rows @returns {Lane[]} */
  lanesOf(rows) {
    const { report } = this.model, { cpu, all } = this.side;
    if (rows === "cpu") {
      const known = /** @type {number[]} */ (report.times?.cpus).map((number, i) => ({ name: `CPU ${number}`, values: [i + 1] }));
      return cpu ? known : [];
    }
    const weight = new Float64Array(report.labels.thread.length + 1), label = report.column.label_thread;
    all.weight.forEach((value, i) => (weight[label[i]] += value));
    const found = Array.from(weight.keys()).filter((value) => weight[value] > 0).sort((a, b) => weight[b] - weight[a] || a - b);
    const lanes = found.slice(0, MOST_LANES).map((value) => ({ name: value ? report.labels.thread[value - 1] : "?", values: [value] }));
    const rest = found.slice(MOST_LANES);
    return rest.length ? [...lanes, { name: `${rest.length.toLocaleString("en-US")} more`, values: rest }] : lanes;
  }

  steps() {
    const { grid } = this, lane = Math.max(1000, roundStep(this.times.length / 100));
    return grid?.column ? { x: grid.column, y: Math.max(1000, grid.step) } : { x: lane, y: lane };
  }

  /** The cell at a place, or the nearest one. @param {number} x @param {number} y */
  at(x, y) {
    const { grid, times } = this;
    if (!grid) return null;
    const across = Math.max(0, Math.min(grid.across - 1, Math.floor((x - grid.left) / grid.wide)));
    const rows = grid.column ? SPLIT : grid.lanes.length, down = Math.floor((y + (grid.column ? 0 : this.scroll.scrollTop)) / grid.high);
    const row = Math.max(0, Math.min(rows - 1, grid.column ? SPLIT - 1 - down : down));
    const cell = grid.column ? across * SPLIT + row : row * grid.across + across;
    const from = Math.min((grid.column ? cell : across) * grid.step, times.length);
    return { cell, row, across, value: grid.values[cell], part: { from, to: Math.min(from + grid.step, times.length) } };
  }

  /** Where a cell is. @param {Grid} grid @param {number} cell */
  boxOf(grid, cell) {
    const across = grid.column ? Math.floor(cell / SPLIT) : cell % grid.across;
    const y = grid.column ? (SPLIT - 1 - cell % SPLIT) * grid.high : Math.floor(cell / grid.across) * LANE - this.scroll.scrollTop;
    return { x: grid.left + across * grid.wide, y };
  }

  draw() {
    const { canvas, scroll, model } = this, width = scroll.clientWidth, height = scroll.clientHeight, ratio = devicePixelRatio || 1;
    const pen = canvas.getContext("2d");
    if (!width || !height || !pen) return;
    const grid = (this.grid = this.gridOf(width, height));
    const tall = Math.max(grid.lanes.length, 2) * LANE + FOOT + 6;
    this.node.style.maxHeight = grid.column ? "" : `${tall}px`;
    this.node.style.setProperty("--tall", grid.column ? "320px" : `${tall}px`);
    this.space.style.height = `${grid.column ? height : Math.max(height, grid.lanes.length * LANE + FOOT)}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.paintCells(pen, grid, height);
    const part = model.part();
    if (part) this.paintPart(pen, grid, part, height);
    this.paintNames(pen, grid, width, height);
  }

  /** @param {CanvasRenderingContext2D} pen @param {Grid} grid @param {number} height */
  paintCells(pen, grid, height) {
    const { values, most, wide, high } = grid, tall = grid.column ? high : LANE - 2, gap = wide > 4 ? 0.5 : 0;
    pen.fillStyle = themed("field");
    if (grid.column) pen.fillRect(grid.left, 0, grid.across * wide, SPLIT * high);
    else for (let i = 0; i < grid.lanes.length; i++) pen.fillRect(grid.left, i * LANE - this.scroll.scrollTop, grid.across * wide, tall);
    /** @type {number[][]} */
    const levels = Array.from({ length: LEVELS + 1 }, () => []);
    values.forEach((value, cell) => value && levels[Math.ceil(Math.sqrt(value / most) * LEVELS)].push(cell));
    pen.fillStyle = themed(this.side.look);
    levels.forEach((cells, level) => {
      pen.globalAlpha = 0.1 + (0.9 * level) / LEVELS;
      for (const cell of cells) {
        const { x, y } = this.boxOf(grid, cell);
        if (y > -LANE && y < height) pen.fillRect(x, y, wide - gap, Math.max(tall - gap, 1));
      }
    });
    pen.globalAlpha = 1;
  }

  /** All but the chosen part is pale. @param {CanvasRenderingContext2D} pen @param {Grid} grid @param {Part} part @param {number} height */
  paintPart(pen, grid, part, height) {
    const { left, wide, across, high, step, column } = grid;
    pen.fillStyle = themed("paper");
    pen.globalAlpha = 0.72;
    if (!column) {
      const from = left + (part.from / step) * wide, to = left + Math.min((part.to / step) * wide, across * wide);
      pen.fillRect(left, 0, from - left, height);
      pen.fillRect(to, 0, left + across * wide - to, height);
      pen.globalAlpha = 1;
      pen.fillStyle = themed("ink");
      for (const x of [from, to]) pen.fillRect(Math.round(x) - 1, 0, 1, height - FOOT);
      return;
    }
    for (let at = 0; at < across; at++) {
      const x = left + at * wide, whole = SPLIT * high;
      const [low, top] = [part.from, part.to].map((time) => Math.max(0, Math.min(1, time / column - at)));
      if (top <= low) pen.fillRect(x, 0, wide, whole);
      else {
        pen.fillRect(x, 0, wide, whole * (1 - top));
        pen.fillRect(x, whole * (1 - low), wide, whole * low);
      }
    }
    pen.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} pen @param {Grid} grid @param {number} width @param {number} height */
  paintNames(pen, grid, width, height) {
    const { left, high, column, lanes, across, wide } = grid, top = this.scroll.scrollTop;
    pen.fillStyle = themed("paper");
    pen.fillRect(0, 0, left, height);
    pen.fillRect(0, height - FOOT, width, FOOT);
    pen.font = "11px system-ui, sans-serif";
    const cell = pen.measureText("0").width;
    pen.fillStyle = themed("muted");
    lanes.forEach(({ name }, i) => {
      const y = i * LANE - top;
      if (y > -LANE && y < height - FOOT) pen.fillText(withEnd(name, Math.floor((left - 8) / cell)), 4, y + 12, left - 8);
    });
    if (lanes.length) pen.clearRect(0, height - FOOT, left, FOOT);
    for (let i = 0; column && i < 5; i++) {
      const time = (i * column) / 5, text = formatTime(time, column / 5), y = (SPLIT - (SPLIT / 5) * i) * high;
      pen.fillText(text, left - 6 - pen.measureText(text).width, y - 1);
      pen.fillRect(left - 4, y - 1, 4, 1);
    }
    pen.save();
    pen.translate(left, height - FOOT);
    drawAxis(pen, { y: 12, from: 0, perPx: column ? column / wide : grid.step / wide, width: Math.min(width - left, across * wide + 60) });
    pen.restore();
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const { left, top } = this.canvas.getBoundingClientRect(), found = this.at(event.clientX - left, event.clientY - top), { grid } = this;
    if (!found || !grid) return;
    const { x, y } = this.boxOf(grid, found.cell), { from, to } = found.part, fine = Math.min(grid.step, 1000);
    fillTip(this.tip, `${formatTime(from, fine)} – ${formatTime(to, fine)}`,
      [...(grid.lanes.length ? [grid.lanes[found.row].name] : []), formatWeight(Math.round(found.value), this.side.unit)]);
    besideBox(this.tip, { x: left + x + grid.wide, top: top + y, bottom: top + y + grid.high });
  }

  placed() {
    const { grid } = this, { left, top } = this.canvas.getBoundingClientRect();
    if (!grid) return [];
    return Array.from(grid.values, (value, cell) => {
      const { x, y } = this.boxOf(grid, cell), lane = grid.lanes[Math.floor(cell / grid.across)]?.name ?? "";
      const from = (grid.column ? cell : cell % grid.across) * grid.step;
      return { value, lane, from, to: from + grid.step, x: left + x, y: top + y, width: grid.wide, height: grid.high };
    }).filter(({ value }) => value);
  }
}

/** A second for each column, as far as there is room and time for some. @param {number} length in µs @param {number} room in px */
function columnOf(length, room) {
  for (const column of [1e4, 1e5, 1e6]) if (length <= 12 * column && length / column <= room / 4) return column;
  return length / 1e6 <= room / 4 ? 1e6 : roundStep((length * 4) / room);
}

/** A name with its end, where the number of a thread is. @param {string} name @param {number} room in characters */
function withEnd(name, room) {
  const letters = [...name], last = Math.min(7, room >> 1);
  return letters.length <= room ? name : [...letters.slice(0, Math.max(room - last - 1, 0)), "…", ...letters.slice(-last)].join("");
}

/** @param {Float64Array} values */
const mostOf = (values) => values.reduce((most, value) => Math.max(most, value), 0);

/**
 * The lane of each sample.
 * @param {import("../model.js").Model} model @param {import("../stacks/times.js").Side} side @param {string} rows @param {Lane[]} lanes
 */
function laneOf(model, side, rows, lanes) {
  const { report } = model, { cpu, stack } = side, label = report.column.label_thread;
  const found = new Int32Array(1 + Math.max(report.times?.cpus.length ?? 0, report.labels.thread?.length ?? 0)).fill(-1);
  lanes.forEach(({ values }, row) => values.forEach((value) => (found[value] = row)));
  return rows === "cpu" ? (/** @type {number} */ i) => (cpu ? found[cpu[i]] : -1) : (/** @type {number} */ i) => found[label[stack[i]]];
}
