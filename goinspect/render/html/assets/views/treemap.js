// A treemap on a canvas: areas are bytes, what is in something lies in it. It has the zoom and the selection of the flame graph.

import { changeOf, changeWords } from "../stacks/change.js";
import { COLORINGS, colorsOf } from "../page/coloring.js";
import { besideBox, choice, element } from "../page/dom.js";
import { describe, fillOf, fillTip, frameOf, functionOf, hatch, isGo, nameOf, onTheme, themed } from "../page/paint.js";
import { shorten } from "../../../assets/labels.js";
import { lineage } from "../stacks/tree.js";
import { wayTo } from "../page/crumbs.js";
import { keysOf } from "../page/legend.js";
import { squarify } from "../page/squarify.js";

/** @typedef {import("../stacks/tree.js").Tree} Tree */
/**
 * `isSolid`: no part of it is drawn.
 * @typedef {import("../page/squarify.js").Room & { node: number, head: number, isLeaf: boolean, isSolid: boolean }} Tile
 */

const HEAD = 17, INSET = 2, SMALLEST = 4, VISIBLE = 2.5, LINE = 14; // px; VISIBLE: of area
const SMALL = '11.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export class TreemapView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const { report, state } = model;
    this.model = model;
    /** @type {Tree | null} */
    this.tree = null;
    this.zoom = 0;
    /** @type {Float64Array<ArrayBufferLike>} */
    this.size = new Float64Array();
    this.own = this.size;
    this.colors = (/** @type {number} */ _node, /** @type {number} */ _row) => 0;
    this.cursor = -1;
    /** @type {Tile[]} */
    this.tiles = [];
    /** @type {Tile | null} */
    this.hovered = null;
    /** @type {Map<number, [number, number][]>} */
    this.sorted = new Map();
    this.canvas = element("canvas", { tabIndex: 0, role: "application",
      "aria-label": "Treemap. Up and down go out and in, left and right to the neighbours by size, Enter zooms, Escape zooms out." });
    this.canvas.frames = () => this.placed();
    this.ring = element("div", { className: "ring", hidden: true });
    this.said = element("div", { className: "said", role: "status" });
    this.tip = element("div", { className: "tip", hidden: true });
    this.crumbs = element("nav", { className: "crumbs", "aria-label": "Zoomed into" });
    this.space = element("div", { className: "map" }, this.canvas, this.ring, this.said, this.tip);
    this.color = choice("Colours", COLORINGS.filter(([name]) => name !== "change" || report.difference), (color) => state.set({ color }));
    this.side = choice("Areas", [["now", "Now"], ["before", "Before"]], (side) => state.set({ side }));
    this.legend = element("div", { className: "legend" });
    this.node = element("section", { className: "treemap", "aria-label": "Treemap" },
      element("div", { className: "tools" }, this.color.node, ...(report.difference ? [this.side.node] : []), this.legend),
      this.crumbs, this.space,
      element("p", { className: "empty", hidden: true }, "Nothing has bytes: a search or a filter removed all of it."));
    this.listen();
  }

  listen() {
    const { canvas } = this;
    new ResizeObserver(() => this.draw()).observe(this.space);
    onTheme(() => this.update());
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.hover(this.at(event)));
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const tile = this.at(event);
      if (tile) this.pick(tile.node);
    });
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => this.mark());
  }

  print() {
    this.draw();
  }

  update() {
    const { model } = this, { report, state: { now } } = model, tree = model.tree(), zoom = model.zoom();
    const isBefore = report.difference !== undefined && now.side === "before", size = isBefore ? tree.base : tree.total;
    if (size !== this.size) this.sorted.clear();
    if (tree !== this.tree || zoom !== this.zoom) this.cursor = -1;
    this.tree = tree;
    this.zoom = zoom;
    this.size = size;
    this.own = isBefore ? tree.baseOwn : tree.own;
    this.colors = colorsOf(model, tree);
    this.color.select.value = now.color;
    this.side.select.value = isBefore ? "before" : "now";
    this.legend.replaceChildren(...keysOf(model));
    this.crumbs.replaceChildren(...wayTo(model, zoom));
    this.node.querySelector(".empty").hidden = size[0] > 0;
    this.hover(null);
    this.draw();
  }

  /** What is in a node, heaviest first, as node and weight; -1: what it weighs by itself. @param {number} node */
  parts(node) {
    const tree = /** @type {Tree} */ (this.tree), known = this.sorted.get(node);
    if (known) return known;
    /** @type {[number, number][]} */
    const found = this.own[node] ? [[-1, this.own[node]]] : [];
    for (let child = tree.first[node]; child; child = tree.next[child]) if (this.size[child]) found.push([child, this.size[child]]);
    found.sort((a, b) => b[1] - a[1]);
    this.sorted.set(node, found);
    return found;
  }

  /** @param {number} width @param {number} height */
  layOut(width, height) {
    const tree = /** @type {Tree} */ (this.tree), { zoom } = this;
    this.tiles = [];
    const todo = this.size[zoom] ? [{ node: zoom, x: 0, y: 0, width, height }] : [];
    for (let room = todo.pop(); room; room = todo.pop()) {
      const isLeaf = !tree.first[room.node], isRoot = room.node === zoom;
      const head = !isLeaf && !isRoot && room.width > 46 && room.height > 2 * HEAD ? HEAD : 0;
      const isTiny = room.width < SMALLEST || room.height < SMALLEST;
      this.tiles.push({ ...room, head, isLeaf, isSolid: isLeaf || isTiny });
      if (isLeaf || isTiny) continue;
      const inset = isRoot || room.width < 12 || room.height < 12 ? 0 : INSET, top = head || inset, parts = this.parts(room.node);
      const inner = { x: room.x + inset, y: room.y + top, width: room.width - 2 * inset, height: room.height - top - inset };
      const rooms = squarify(parts.map(([, weight]) => weight), inner);
      const before = todo.length;
      for (let i = parts.length - 1; i >= 0; i--) {
        const [[node], part] = [parts[i], rooms[i]];
        if (node >= 0 && part.width * part.height >= VISIBLE) todo.push({ node, ...part });
      }
      this.tiles[this.tiles.length - 1].isSolid = todo.length === before;
    }
  }

  draw() {
    const { canvas, space } = this, width = space.clientWidth, height = space.clientHeight, pen = canvas.getContext("2d");
    if (!this.tree || !width || !height || !pen) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.layOut(width, height);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = SMALL;
    this.cell = pen.measureText("0".repeat(40)).width / 40;
    this.paint(pen);
    this.mark();
  }

  /** @param {CanvasRenderingContext2D} pen */
  paint(pen) {
    const { model } = this, { report } = model, { hits } = model.search(), tree = /** @type {Tree} */ (this.tree);
    const [ink, muted, accent, accentInk, paper] = ["ink", "muted", "accent", "accent-ink", "paper"].map(themed);
    const hatched = hatch(pen), selected = model.selected();
    for (const tile of this.tiles) {
      const { node, x, y, isLeaf, isSolid } = tile, row = frameOf(report, tree, node), isHit = hits !== null && row >= 0 && hits[row] === 1;
      const width = Math.max(tile.width - 1, tile.width * 0.7), height = Math.max(tile.height - 1, tile.height * 0.7);
      if (node === this.zoom && !isLeaf) continue;
      const alpha = isSolid ? (isHit || !hits ? 1 : 0.28) : hits ? 0.16 : 0.42;
      if (alpha < 1) {
        pen.fillStyle = paper;
        pen.fillRect(x, y, width, height);
        pen.globalAlpha = alpha;
      }
      pen.fillStyle = isHit && isSolid ? accent : fillOf(report, this.colors(node, row)) || hatched;
      pen.fillRect(x, y, width, height);
      pen.globalAlpha = 1;
      pen.fillStyle = isHit && isSolid ? accentInk : isHit ? accent : hits ? muted : ink;
      this.label(pen, tile, isGo(report, row));
      if (selected < 0 || functionOf(report, tree, node) !== selected || width < 2) continue;
      pen.strokeStyle = ink;
      pen.lineWidth = 1.5;
      pen.strokeRect(x + 0.75, y + 0.75, Math.max(width - 1.5, 0.5), Math.max(height - 1.5, 0.5));
    }
  }

  /**
   * The name, and below it what it weighs where there is room.
   * @param {CanvasRenderingContext2D} pen @param {Tile} tile @param {boolean} go
   */
  label(pen, tile, go) {
    const { report } = this.model, tree = /** @type {Tree} */ (this.tree), { node, x, y, width, height, isLeaf, head } = tile;
    if (isLeaf ? height < LINE : !head) return;
    const room = Math.floor((width - 8) / (this.cell ?? 7)), text = this.short(node, room, go);
    if (!text) return;
    const size = this.told(node), bytes = size.split(",")[0];
    pen.fillText(text, x + 4, y + 12, width - 8);
    if (isLeaf && height > 2 * LINE && bytes.length <= room) pen.fillText(size.length <= room ? size : bytes, x + 4, y + 26);
    if (head && text.length + size.length + 3 <= room) {
      pen.textAlign = "right";
      pen.fillText(size, x + width - 6, y + 12);
      pen.textAlign = "left";
    }
  }

  /** What it weighs, or what became of it. @param {number} node */
  told(node) {
    const { report } = this.model, { difference } = report, tree = /** @type {Tree} */ (this.tree);
    if (!difference) return describe(report, tree, node)[0];
    return changeWords(changeOf(difference, tree.most, tree.total[node], tree.base[node]), report.unit);
  }

  /**
   * A package by the end of its path, anything else as the flame graph has it.
   * @param {number} node @param {number} room @param {boolean} go
   */
  short(node, room, go) {
    const { report } = this.model, tree = /** @type {Tree} */ (this.tree), name = nameOf(report, tree, node);
    const row = frameOf(report, tree, node), isPackage = row >= 0 && report.packages[report.column.package[row]] === name;
    if (!isPackage || name.length <= room) return shorten(name, room, go);
    const ends = [...name.matchAll(/\//g)].map(({ index }) => name.slice(index + 1));
    return ends.find((end) => end.length <= room) ?? shorten(ends.at(-1) ?? name, room, go);
  }

  placed() {
    const { report } = this.model, tree = /** @type {Tree} */ (this.tree), { left, top } = this.canvas.getBoundingClientRect();
    return this.tiles.map(({ node, x, y, width, height, isLeaf }) => ({ name: nameOf(report, tree, node), node,
      parent: tree.parent[node], x: left + x, y: top + y,
      width, height, isLeaf, total: this.size[node] }));
  }

  /** The innermost tile there. @param {MouseEvent} event @returns {Tile | null} */
  at(event) {
    const { left, top } = this.canvas.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
    let found = null;
    for (const tile of this.tiles) {
      if (x >= tile.x && x < tile.x + tile.width && y >= tile.y && y < tile.y + tile.height) found = tile;
    }
    return found;
  }

  /** @param {Tile | null} tile */
  hover(tile) {
    const { report } = this.model;
    this.hovered = tile;
    this.canvas.style.cursor = tile ? "pointer" : "default";
    this.mark();
    this.tip.hidden = !tile;
    if (!tile || !this.tree) return;
    const { left, top } = this.canvas.getBoundingClientRect(), y = top + tile.y;
    fillTip(this.tip, nameOf(report, this.tree, tile.node), describe(report, this.tree, tile.node));
    besideBox(this.tip, { x: left + tile.x, top: y, bottom: y + (tile.head || Math.min(tile.height, 60)) });
  }

  /** The ring around what is under the pointer, else around what keys have reached. */
  mark() {
    const tile = this.hovered ?? (document.activeElement === this.canvas && this.tiles.find(({ node }) => node === this.cursor));
    this.ring.hidden = !tile;
    if (!tile) return;
    const { style } = this.ring;
    style.left = `${tile.x}px`;
    style.top = `${tile.y}px`;
    style.width = `${Math.max(tile.width - 1, 1)}px`;
    style.height = `${Math.max(tile.height - 1, 1)}px`;
  }

  /** Select, and zoom into what has parts. @param {number} node */
  pick(node) {
    const { model } = this, tree = /** @type {Tree} */ (this.tree), fn = functionOf(model.report, tree, node);
    model.state.set({ zoom: tree.first[node] ? node : model.zoom(), ...(fn < 0 ? {} : { fn }) });
  }

  /** @param {number} node */
  reach(node) {
    const { report } = this.model, tree = /** @type {Tree} */ (this.tree);
    this.cursor = node;
    this.hovered = null;
    this.mark();
    this.said.textContent = [nameOf(report, tree, node), ...describe(report, tree, node)].join(", ");
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const { tree, zoom } = this;
    if (!tree || event.ctrlKey || event.metaKey || event.altKey) return;
    const here = this.cursor >= 0 ? this.cursor : zoom;
    const inside = (/** @type {number} */ node) => this.parts(node).map(([part]) => part).filter((part) => part >= 0);
    const beside = here === zoom ? [here] : inside(tree.parent[here]), at = beside.indexOf(here);
    /** @type {Record<string, () => number>} */
    const ways = {
      ArrowDown: () => inside(here)[0] ?? here,
      ArrowUp: () => (here === zoom ? here : lineage(tree, here).at(-2) ?? 0),
      ArrowLeft: () => beside[Math.max(at - 1, 0)],
      ArrowRight: () => beside[Math.min(at + 1, beside.length - 1)],
      Home: () => zoom,
    };
    if (event.key === "Enter" || event.key === " ") this.pick(here);
    else if (ways[event.key]) this.reach(ways[event.key]());
    else return;
    event.preventDefault();
  }
}
