// All of the graph in a strip, and in it the part that the graph below shows; there only while it is zoomed.

import { element } from "../page/dom.js";
import { fillOf, frameOf, onTheme, themed } from "../page/paint.js";
import { lineage } from "../stacks/tree.js";
import { spread } from "./spread.js";

const TALL = 44;

export class MiniMap {
  /** @param {import("../stacks/data.js").Report} report @param {import("./chart.js").Chart} chart @param {(node: number) => void} onPick */
  constructor(report, chart, onPick) {
    this.report = report;
    this.chart = chart;
    /** @type {import("./spread.js").Box[]} */
    this.boxes = [];
    this.canvas = element("canvas");
    this.frame = element("i");
    this.node = element("div", { className: "minimap", hidden: true, "aria-hidden": "true" }, this.canvas, this.frame);
    this.node.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const { left, top } = this.node.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
      const hit = this.boxes.filter((box) => x >= box.x && x < box.x + box.width && this.y(box.row) <= y && box.node >= 0);
      const last = hit.reduce((best, box) => (!best || box.row > best.row ? box : best), /** @type {any} */ (null));
      if (last) onPick(last.node);
    });
    new ResizeObserver(() => this.draw()).observe(this.node);
    onTheme(() => this.draw());
  }

  update() {
    this.node.hidden = !this.chart.tree || this.chart.zoom === 0;
    this.draw();
  }

  /** The top of a row, as if the root stood at the top. @param {number} row */
  y(row) {
    const rows = (this.chart.tree?.height[0] ?? 0) + 1;
    return row * Math.min(TALL / rows, 6);
  }

  draw() {
    const { chart, canvas, node, report } = this, { tree, size, zoom } = chart, width = node.clientWidth;
    if (!tree || !width || node.hidden) return;
    const ratio = devicePixelRatio || 1, pen = canvas.getContext("2d"), high = this.y(1), upward = chart.upward;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(TALL * ratio);
    pen.scale(ratio, ratio);
    this.boxes = spread((one) => chart.children(one), size, { node: 0, x: 0, width, row: 0 }, { from: 0, to: tree.height[0], least: 1 });
    const rest = themed("hatch-line");
    for (const box of this.boxes) {
      pen.fillStyle = (box.node >= 0 && fillOf(report, chart.colors(box.node, frameOf(report, tree, box.node)))) || rest;
      const y = this.y(box.row);
      pen.fillRect(box.x, upward ? TALL - y - high : y, Math.max(box.width - 0.3, 0.7), Math.max(high - 0.3, 0.7));
    }
    let from = 0;
    for (const one of lineage(tree, zoom)) {
      for (const sibling of chart.children(tree.parent[one])) {
        if (sibling === one) break;
        from += size[sibling];
      }
    }
    this.frame.style.left = `${(width * from) / size[0]}px`;
    this.frame.style.width = `${Math.max(3, (width * size[zoom]) / size[0])}px`;
  }
}
