// The flame graph, or with the root at the top the icicle: click to zoom, and the way back above it.

import { COLORINGS, colorsOf } from "../page/coloring.js";
import { choice, element } from "../page/dom.js";
import { functionOf, nameOf, onTheme } from "../page/paint.js";
import { wayTo } from "../page/crumbs.js";
import { keysOf } from "../page/legend.js";
import { copy, download, fileName } from "../page/keep.js";
import { lineage } from "../stacks/tree.js";
import { Chart } from "./chart.js";
import { MiniMap } from "./minimap.js";
import { asPng, asSvg } from "./picture.js";

/**
 * Both sides of a difference, each with what it is.
 * @param {import("../stacks/change.js").Difference} difference @param {Chart} before @param {Chart} now
 */
function pairOf(difference, before, now) {
  const side = (/** @type {string} */ name, /** @type {string} */ path, /** @type {Chart} */ chart) =>
    element("div", { className: `side ${name}` }, element("h2", {}, `${name}: `, element("bdi", {}, path)), chart.node);
  return element("div", { className: "pair" }, side("before", difference.base.path, before), side("now", difference.other.path, now));
}

export class FlameView {
  /** @param {import("../model.js").Model} model @param {import("../page/menu.js").Menu} menu */
  constructor(model, menu) {
    const { report, state } = model;
    this.model = model;
    this.chart = new Chart(report, {
      label: "Flame graph. Arrow keys move, Enter zooms, Escape zooms out.",
      onPick: (node) => {
        const fn = functionOf(report, model.tree(), node);
        state.set({ zoom: node, ...(fn < 0 ? {} : { fn }) });
      },
      onFocus: (node) => model.focus(functionOf(report, model.tree(), node)),
      onMenu: (node, x, y) => menu.open(this.actions(node), x, y),
    });
    this.map = new MiniMap(report, this.chart, (node) => state.set({ zoom: node }));
    this.before = new Chart(report, { label: "Flame graph of before. Arrow keys move, Enter zooms, Escape zooms out.",
      onPick: this.chart.how.onPick, onFocus: this.chart.how.onFocus,
      onMenu: this.chart.how.onMenu });
    this.pair = report.difference ? pairOf(report.difference, this.before, this.chart) : this.chart.node;
    this.crumbs = element("nav", { className: "crumbs", "aria-label": "Zoomed into" });
    this.legend = element("div", { className: "legend" });
    const labels = Object.keys(report.labels);
    this.layout = choice("Layout", [["flame", "Flame"], ["icicle", "Icicle"]], (layout) => state.set({ layout }));
    this.order = choice("Order", [["name", "By name"], ["weight", "By weight"],
      .../** @type {[string, string][]} */ (model.times ? [["time", "By time"]] : [])], (order) => state.set({ order }));
    this.from = choice("Merge", [["root", "From the root"], ["leaf", "From the leaf"]], (from) => state.set({ from, zoom: 0 }));
    this.root = choice("Above", [["none", "Nothing"], .../** @type {[string, string][]} */ (labels.map((name) => [name, name]))],
      (root) => state.set({ root, zoom: 0 }));
    this.color = choice("Colours", COLORINGS.filter(([name]) => name !== "change" || report.difference), (color) => state.set({ color }));
    this.side = choice("Width", [["now", "Now"], ["before", "Before"], ["both", "Both, side by side"]], (side) => state.set({ side }));
    const controls = [this.layout, this.order, this.from, ...(labels.length ? [this.root] : []), this.color,
      ...(report.difference ? [this.side] : [])];
    const more = element("button", { type: "button", "aria-haspopup": "menu" }, "Actions");
    more.addEventListener("click", () => {
      const { left, bottom } = more.getBoundingClientRect();
      menu.open(this.actions(model.zoom()), left, bottom + 4);
    });
    this.node = element("section", { className: "flame", "aria-label": "Flame graph" },
      element("div", { className: "tools" }, ...controls.map((control) => control.node), more, this.legend), this.crumbs,
      this.map.node, this.pair, element("p", { className: "empty", hidden: true }, "No samples to draw: a filter removed them all, or all "
        + "weights are 0."));
    onTheme(() => this.legend.replaceChildren(...keysOf(model)));
  }

  print() {
    this.chart.draw();
    this.before.draw();
  }

  update() {
    const { model, chart } = this, { report, state: { now } } = model, tree = model.tree(), zoom = model.zoom();
    this.layout.select.value = now.layout;
    this.order.select.value = now.order;
    this.from.select.value = now.from;
    this.root.select.value = now.root;
    this.color.select.value = now.color;
    this.side.select.value = now.side;
    this.legend.replaceChildren(...keysOf(model));
    const empty = this.node.querySelector(".empty");
    empty.hidden = model.selection().total > 0;
    if (model.part()) empty.textContent = "Nothing in the chosen part of the time.";
    this.crumbs.replaceChildren(...wayTo(model, zoom));
    const view = { zoom, upward: now.layout === "flame", byWeight: now.order === "weight", seen: model.seen(), selected: model.selected(),
      hits: model.search().hits, colors: colorsOf(model, tree) };
    this.pair.dataset.side = now.side;
    if (!report.difference || now.side !== "before") chart.show(tree, view);
    if (report.difference && now.side !== "now") this.before.show(tree, { ...view, size: tree.base });
    this.node.dataset.layout = now.layout; // the map is where the graph ends: its root does not move
    this.map.chart = this.shown;
    this.map.update();
  }

  /** The graph that is on the page, or the one of now. */
  get shown() {
    return this.model.state.now.side === "before" ? this.before : this.chart;
  }

  /** What can be done with a node. @param {number} node @returns {import("../page/menu.js").Item[]} */
  actions(node) {
    const { model } = this, { report, state } = model, tree = model.tree(), fn = functionOf(report, tree, node);
    const names = lineage(tree, node).map((one) => nameOf(report, tree, one)), name = nameOf(report, tree, node);
    /** @type {import("../page/menu.js").Item[]} */
    const ofFunction = fn < 0 ? [] : [
      ["Only stacks through it", () => model.focus(fn)], ["Sandwich", () => state.set({ fn, view: "sandwich" })],
      ["Copy name", () => copy(name)], ["Copy stack", () => copy(names.join("\n"))],
    ];
    return [["Zoom", () => state.set({ zoom: node, ...(fn < 0 ? {} : { fn }) })], ...ofFunction,
      ["Copy link to this view", () => copy(location.href)],
      ["Save as SVG", () => {
        const picture = new Blob([asSvg(this.shown, report.title)], { type: "image/svg+xml" });
        download(fileName(report.title, "svg"), picture);
      }],
      ["Save as PNG", async () => {
        const picture = await asPng(this.shown);
        if (picture) download(fileName(report.title, "png"), picture);
      }]];
  }

  /** To the next (+1) or previous (-1) frame that was found, wherever it is. @param {number} step @returns {string} how far */
  step(step) {
    const { model, shown: chart } = this, { now } = model.state;
    const found = model.once("found", [model.shape, now.root, now.from, now.order, now.side, now.q], () => chart.found());
    if (!found.length) return "";
    const at = found.indexOf(chart.cursor), to = at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length;
    model.state.set({ zoom: chart.zoomFor(found[to]) }, true);
    chart.reach(found[to]);
    return `${(to + 1).toLocaleString("en-US")} of ${found.length.toLocaleString("en-US")}`;
  }
}
