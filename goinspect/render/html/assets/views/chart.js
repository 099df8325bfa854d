// A flame graph on a canvas. Only what can be seen is drawn: rows in the window, frames wide enough at this zoom.

import { besideBox, element } from "../page/dom.js";
import { describe, fillOf, fillTip, frameOf, functionOf, hatch, isGo, isInlined, nameOf, onTheme, themed } from "../page/paint.js";
import { shorten } from "../../../assets/labels.js";
import { lineage } from "../stacks/tree.js";
import { spread } from "./spread.js";

/** @typedef {import("../stacks/tree.js").Tree} Tree */
/** @typedef {import("./spread.js").Box} Box */

const ROW = 18, PAD = 4, NARROW = 0.5, SEEN = 24, MOST_TALL = 12_000;
const FONT = '12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export class Chart {
  /**
   * @param {import("../stacks/data.js").Report} report
   * @param {{ label: string, skip?: number, onPick: (node: number) => void,
   *   onFocus?: (node: number) => void, onMenu?: (node: number, x: number, y: number) => void }} how `skip`: rows at the
   *   root that are not shown
   */
  constructor(report, how) {
    this.report = report;
    this.how = how;
    this.skip = how.skip ?? 0;
    /** @type {Tree | null} */
    this.tree = null;
    this.zoom = this.clicked = this.base = 0;
    this.rowHeight = ROW;
    this.cursor = -1;
    this.upward = true;
    this.byWeight = false;
    /** @type {Int32Array | null} */
    this.seen = null;
    this.selected = -1;
    /** @type {Uint8Array | null} */
    this.hits = null;
    /** @type {Box[]} */
    this.boxes = [];
    /** @type {Float64Array} */
    this.size = new Float64Array(1);
    this.colors = (/** @type {number} */ _node, /** @type {number} */ _row) => 0;
    /** @type {Map<number, number[]>} */
    this.sorted = new Map();
    this.canvas = element("canvas", { tabIndex: 0, role: "application", "aria-label": how.label });
    this.canvas.frames = () => this.placed(); // what is drawn, for tests and tools
    this.space = element("div", { className: "space" }, this.canvas);
    this.ring = element("div", { className: "ring", hidden: true });
    this.scroll = element("div", { className: "scroll", tabIndex: -1 }, this.space);
    this.said = element("div", { className: "said", role: "status" });
    this.tip = element("div", { className: "tip", hidden: true });
    this.node = element("div", { className: "chart" }, this.scroll, this.ring, this.said, this.tip);
    this.listen();
  }

  listen() {
    new ResizeObserver(() => this.draw()).observe(this.scroll);
    onTheme(() => this.draw());
    this.scroll.addEventListener("scroll", () => this.scroll.scrollTop !== this.drawnAt && this.draw());
    this.canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.hover(this.at(event)));
    this.canvas.addEventListener("pointerleave", () => this.hover(null));
    this.canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const box = this.at(event);
      if (event.detail > 1) return; // the second of two finds another frame where the first one zoomed
      this.clicked = box?.node ?? -1;
      if (box) this.pick(box.node);
    });
    this.canvas.addEventListener("dblclick", () => {
      if (this.clicked >= 0) this.how.onFocus?.(this.clicked);
    });
    this.canvas.addEventListener("contextmenu", (/** @type {MouseEvent} */ event) => {
      if (!this.how.onMenu || !this.tree) return;
      event.preventDefault();
      const { left, top } = this.canvas.getBoundingClientRect(), box = event.button === 2 ? this.at(event) : null;
      const here = box ?? this.boxes.find(({ node }) => node === (this.cursor >= 0 ? this.cursor : this.zoom));
      if (!here) return;
      this.hover(null);
      if (box) this.how.onMenu(box.node, event.clientX, event.clientY);
      else this.how.onMenu(here.node, left + here.x + 8, top + this.y(here) + ROW);
    });
    this.canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
    this.canvas.addEventListener("focus", () => this.mark());
    this.canvas.addEventListener("blur", () => this.mark());
  }

  /**
   * @param {Tree} tree
   * @param {{ zoom?: number, upward: boolean, byWeight?: boolean, selected: number, hits: Uint8Array | null,
   *   size?: Float64Array, seen?: Int32Array | null, colors: (node: number, row: number) => number }} view `size`: what nodes are
   *   as wide as, their total where it is not said; `seen`: when they occur first, where that is their order; `colors`: the row
   *   of a node's colour
   */
  show(tree, view) {
    const zoom = view.zoom ?? 0, size = view.size ?? tree.total, seen = view.seen ?? null;
    const anew = tree.frame !== this.tree?.frame || zoom !== this.zoom || view.upward !== this.upward;
    if (tree !== this.tree || size !== this.size || seen !== this.seen) this.sorted.clear();
    this.seen = seen;
    this.upward = view.upward;
    this.byWeight = view.byWeight ?? false;
    this.selected = view.selected;
    this.hits = view.hits;
    if (anew) this.cursor = -1;
    this.tree = tree;
    this.zoom = zoom;
    this.size = size;
    this.colors = view.colors;
    this.hover(null);
    if (anew && this.scroll.clientHeight) {
      this.makeRoom();
      this.scroll.scrollTop = this.upward ? this.scroll.scrollHeight : 0;
    }
    this.draw();
  }

  /** @param {number} node @returns {number[]} */
  children(node) {
    const { first, next, total, base } = /** @type {Tree} */ (this.tree), { seen, byWeight } = this;
    const known = (byWeight || seen) && this.sorted.get(node);
    if (known) return known;
    const found = [];
    for (let child = first[node]; child; child = next[child]) if (total[child] || base[child]) found.push(child);
    if (seen) this.sorted.set(node, found.sort((a, b) => seen[a] - seen[b]));
    else if (byWeight) this.sorted.set(node, found.sort((a, b) => this.size[b] - this.size[a]));
    return found;
  }

  /** What can be seen of rows. @param {number} width @param {number} from @param {number} to @returns {Box[]} */
  layOut(width, from, to) {
    const tree = /** @type {Tree} */ (this.tree), above = lineage(tree, this.zoom).slice(0, -1);
    if (!this.size[this.zoom]) return [];
    if (this.zoom) above.unshift(0);
    this.depth = above.length;
    const top = { node: this.zoom, x: 0, width, row: this.depth - this.skip };
    return [...above.map((node, row) => ({ node, x: 0, width, row: row - this.skip })),
      ...spread((node) => this.children(node), this.size, top, { from: Math.max(from, 0), to, least: NARROW })];
  }

  /** The height of all rows. */
  get tall() {
    const tree = /** @type {Tree} */ (this.tree), depth = this.zoom ? lineage(tree, this.zoom).length : 0;
    return (depth + tree.height[this.zoom] + 1 - this.skip) * ROW;
  }

  /** Be as tall as the rows, or the window. */
  makeRoom() {
    const rows = this.tall, tall = Math.max(rows, this.scroll.clientHeight);
    this.space.style.height = `${tall}px`;
    this.node.style.setProperty("--tall", `${Math.min(rows, MOST_TALL)}px`);
    return tall;
  }

  draw() {
    const { canvas, scroll, tree } = this;
    const width = scroll.clientWidth, height = scroll.clientHeight, pen = canvas.getContext("2d");
    if (!tree || !width || !height || !pen) return;
    const tall = this.makeRoom(), top = Math.min(scroll.scrollTop, tall - height), ratio = devicePixelRatio || 1;
    this.drawnAt = scroll.scrollTop;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    this.base = this.upward ? tall - top : -top; // the outer edge of the first row
    const [from, to] = this.upward ? [tall - top - height, tall - top] : [top, top + height];
    this.boxes = this.layOut(width, Math.floor(from / ROW) - 1, Math.ceil(to / ROW));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.paint(pen);
    this.mark();
  }

  /** @param {Box} box */
  y(box, base = this.base) {
    return this.upward ? base - (box.row + 1) * ROW : base + box.row * ROW;
  }

  /** @param {CanvasRenderingContext2D} pen */
  paint(pen, boxes = this.boxes, base = this.base) {
    const hatched = hatch(pen), ink = themed("ink");
    pen.font = FONT;
    const cell = pen.measureText("0".repeat(40)).width / 40;
    for (const box of boxes) {
      const { x, width } = box, y = this.y(box, base), look = this.lookOf(box, cell);
      pen.globalAlpha = look.opacity;
      pen.fillStyle = look.fill || hatched;
      const drawn = Math.max(width - 0.5, width * 0.7);
      if (drawn > 5) {
        pen.beginPath();
        pen.roundRect(x, y, drawn, ROW - 1, 2);
        pen.fill();
      } else pen.fillRect(x, y, drawn, ROW - 1);
      pen.globalAlpha = 1;
      if (look.selected && drawn > 2) {
        pen.strokeStyle = ink;
        pen.lineWidth = 1.5;
        pen.strokeRect(x + 0.75, y + 0.75, Math.max(drawn - 1.5, 0.5), ROW - 2.5);
      }
      pen.fillStyle = look.ink;
      if (look.label) pen.fillText(look.label, x + PAD, y + 12.5, width - 2 * PAD);
    }
  }

  /** How a box is drawn. @param {Box} box @param {number} cell width of a letter */
  lookOf(box, cell) {
    const { report, hits } = this, tree = /** @type {Tree} */ (this.tree), { node, width } = box;
    const row = node < 0 ? -1 : frameOf(report, tree, node), isAbove = box.row + this.skip < (this.depth ?? 0);
    const isHit = hits !== null && row >= 0 && hits[row] === 1;
    const budget = node < 0 ? 0 : Math.floor((width - 2 * PAD) / cell);
    return {
      fill: isHit ? themed("accent") : node < 0 ? themed("hatch-line") : this.fill(node, row),
      ink: themed(isHit ? "accent-ink" : hits ? "muted" : "ink"),
      opacity: isHit ? 1 : hits ? 0.28 : isAbove ? 0.4 : isInlined(report, row) ? 0.55 : 1,
      selected: node >= 0 && this.selected >= 0 && functionOf(report, tree, node) === this.selected,
      label: budget < 3 ? "" : shorten(nameOf(report, tree, node), budget, isGo(report, row)),
    };
  }

  /** @param {number} node @param {number} row */
  fill(node, row) {
    const { report } = this, tree = /** @type {Tree} */ (this.tree);
    const frame = row >= 0 || node || tree.top < 0 ? row : report.column.function.indexOf(tree.top);
    return fillOf(report, this.colors(node, frame));
  }

  placed() {
    const tree = /** @type {Tree} */ (this.tree), { left, top } = this.canvas.getBoundingClientRect();
    return this.boxes.filter((box) => box.node >= 0).map((box) => ({ name: nameOf(this.report, tree, box.node), node: box.node,
      x: left + box.x, y: top + this.y(box), width: box.width, height: ROW - 1, total: tree.total[box.node] }));
  }

  /** @param {MouseEvent} event @returns {Box | null} */
  at(event) {
    const { left, top } = this.canvas.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
    return this.boxes.find((box) => box.node >= 0 && x >= box.x && x < box.x + box.width && y >= this.y(box)
      && y < this.y(box) + ROW) ?? null;
  }

  /** @param {Box | null} box */
  hover(box) {
    this.hovered = box;
    this.canvas.style.cursor = box ? "pointer" : "default";
    this.mark();
    if (!box || !this.tree) {
      this.tip.hidden = true;
      return;
    }
    const { left, top } = this.canvas.getBoundingClientRect(), y = top + this.y(box);
    fillTip(this.tip, nameOf(this.report, this.tree, box.node), describe(this.report, this.tree, box.node));
    besideBox(this.tip, { x: left + box.x, top: y, bottom: y + ROW });
  }

  /** The ring around the frame under the pointer, else around the one that keys have reached. */
  mark() {
    const focused = document.activeElement === this.canvas;
    const box = this.hovered ?? (focused && this.boxes.find((candidate) => candidate.node === this.cursor));
    this.ring.hidden = !box;
    if (!box) return;
    const { style } = this.ring;
    style.left = `${box.x}px`;
    style.top = `${this.y(box)}px`;
    style.width = `${Math.max(box.width - 0.5, 1)}px`;
    style.height = `${ROW - 1}px`;
  }

  /** @param {number} node */
  pick(node) {
    this.hover(null);
    this.how.onPick(node);
  }

  /** Go to a node, and say what it is. @param {number} node */
  reach(node) {
    const tree = /** @type {Tree} */ (this.tree);
    this.cursor = node;
    const row = lineage(tree, node).length - this.skip, tall = this.space.offsetHeight, seen = this.scroll.clientHeight;
    const y = this.upward ? tall - (row + 1) * ROW : row * ROW;
    if (y < this.scroll.scrollTop) this.scroll.scrollTop = y;
    if (y + ROW > this.scroll.scrollTop + seen) this.scroll.scrollTop = y + ROW - seen;
    this.draw();
    this.said.textContent = [nameOf(this.report, tree, node), ...describe(this.report, tree, node)].join(", ");
  }

  /** Frames that were found, as they stand: from left to right, each before what is above it. @returns {number[]} */
  found() {
    const tree = /** @type {Tree} */ (this.tree), { frame, parent } = tree, known = this.report.column.function.length;
    const { hits } = this, isHit = (/** @type {number} */ node) => frame[node] < known && hits?.[frame[node]] === 1;
    const leads = new Uint8Array(frame.length); // to one that was found
    for (let node = frame.length - 1; node > 0; node--) if (leads[node] || isHit(node)) leads[node] = leads[parent[node]] = 1;
    const found = [], todo = [0];
    for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
      if (node && isHit(node)) found.push(node);
      todo.push(...this.children(node).filter((child) => leads[child]).reverse());
    }
    return found;
  }

  /** How far to zoom so that a node can be seen: as little as possible. @param {number} node */
  zoomFor(node) {
    const { size } = this, way = [0, ...lineage(/** @type {Tree} */ (this.tree), node)];
    const shows = (/** @type {number} */ top) => size[node] * this.scroll.clientWidth >= size[top] * SEEN;
    return way.includes(this.zoom) && shows(this.zoom) ? this.zoom : way.find(shows) ?? node;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { tree } = this;
    if (!tree || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.cursor >= 0 ? this.cursor : this.zoom, siblings = here ? this.children(tree.parent[here]) : [here];
    const wide = siblings.filter((node) => this.boxes.some((box) => box.node === node)), at = wide.indexOf(here);
    /** @type {Record<string, () => number | undefined>} */
    const ways = {
      [this.upward ? "ArrowUp" : "ArrowDown"]: () =>
        this.children(here).reduce((best, node) => (!best || this.size[node] > this.size[best] ? node : best), 0) || here,
      [this.upward ? "ArrowDown" : "ArrowUp"]: () => (here ? Math.max(tree.parent[here], this.skip && 1) : here),
      ArrowLeft: () => wide[Math.max(at - 1, 0)],
      ArrowRight: () => wide[Math.min(at + 1, wide.length - 1)],
      Home: () => 0,
    };
    if (event.key === "Enter" || event.key === " ") this.pick(here);
    else if (ways[event.key]) this.reach(ways[event.key]() ?? here);
    else return;
    event.preventDefault();
  }
}
