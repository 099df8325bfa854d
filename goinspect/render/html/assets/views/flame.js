// The flame graph, or with the root at the top the icicle: click to zoom, and the way back above it.

import { choice, element } from "../dom.js";
import { fillOf, functionOf, nameOf, onTheme } from "../paint.js";
import { shorten } from "../../../assets/labels.js";
import { lineage } from "../tree.js";
import { Chart } from "./chart.js";

const MOST_CRUMBS = 7;

export class FlameView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const { report, state } = model;
    this.model = model;
    this.chart = new Chart(report, {
      label: "Flame graph. Arrow keys move, Enter zooms, Escape zooms out.",
      onPick: (node) => {
        const fn = functionOf(report, model.tree(), node);
        state.set({ zoom: node, ...(fn < 0 ? {} : { fn }) });
      },
      onFocus: (node) => model.focus(functionOf(report, model.tree(), node)),
    });
    this.crumbs = element("nav", { className: "crumbs", "aria-label": "Zoomed into" });
    this.legend = element("div", { className: "legend" });
    const labels = Object.keys(report.labels);
    this.layout = choice("Layout", [["flame", "Flame"], ["icicle", "Icicle"]], (layout) => state.set({ layout }));
    this.order = choice("Order", [["name", "By name"], ["weight", "By weight"]], (order) => state.set({ order }));
    this.from = choice("Merge", [["root", "From the root"], ["leaf", "From the leaf"]], (from) => state.set({ from, zoom: 0 }));
    this.root = choice("Above", [["none", "Nothing"], .../** @type {[string, string][]} */ (labels.map((name) => [name, name]))],
      (root) => state.set({ root, zoom: 0 }));
    const controls = [this.layout, this.order, this.from, ...(labels.length ? [this.root] : [])];
    this.node = element("section", { className: "flame", "aria-label": "Flame graph" },
      element("div", { className: "tools" }, ...controls.map((control) => control.node), this.legend), this.crumbs,
      this.chart.node, element("p", { className: "empty", hidden: true }, "No samples to draw: a filter removed them all, or all "
        + "weights are 0."));
    onTheme(() => this.keys());
    this.keys();
  }

  /** The legend: each entry searches for what it stands for. */
  keys() {
    const { report, state } = this.model;
    this.legend.replaceChildren(...report.legend.map(([text, color, query]) => {
      const swatch = element("i", { className: fillOf(report, color) ? "" : "hatched" });
      if (fillOf(report, color)) swatch.style.background = fillOf(report, color);
      const short = query.slice(0, 400);
      const button = element("button", { type: "button", title: short, "aria-label": `Search for ${short}` }, swatch, text);
      button.addEventListener("click", () => state.set({ q: state.now.q === query ? "" : query }));
      return button;
    }));
  }

  update() {
    const { model, chart } = this, { now } = model.state, tree = model.tree(), zoom = model.zoom();
    this.layout.select.value = now.layout;
    this.order.select.value = now.order;
    this.from.select.value = now.from;
    this.root.select.value = now.root;
    this.node.querySelector(".empty").hidden = model.selection().total > 0;
    this.way(tree, zoom);
    chart.show(tree, { zoom, upward: now.layout === "flame", byWeight: now.order === "weight", selected: model.selected(),
      hits: model.search().hits });
  }

  /** To the next (+1) or previous (-1) frame that was found, wherever it is. @param {number} step @returns {string} how far */
  step(step) {
    const { chart, model } = this, { now } = model.state;
    const found = model.once("found", [model.shape, now.root, now.from, now.order, now.q], () => chart.found());
    if (!found.length) return "";
    const at = found.indexOf(chart.cursor), to = at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length;
    model.state.set({ zoom: chart.zoomFor(found[to]) }, true);
    chart.reach(found[to]);
    return `${(to + 1).toLocaleString("en-US")} of ${found.length.toLocaleString("en-US")}`;
  }

  /** @param {import("../tree.js").Tree} tree @param {number} zoom */
  way(tree, zoom) {
    const { report, state } = this.model, nodes = [0, ...lineage(tree, zoom)];
    const left = nodes.length > MOST_CRUMBS ? nodes.length - MOST_CRUMBS + 1 : 0;
    const parts = [];
    for (const [i, node] of nodes.entries()) {
      if (i > 0 && i <= left) {
        if (i === 1) parts.push(element("span", { title: `${left} more` }, "…"));
        continue;
      }
      const name = nameOf(report, tree, node);
      const button = element("button", { type: "button", title: name.slice(0, 400) }, shorten(name, 32, true) || name.slice(0, 32));
      if (node === zoom) button.setAttribute("aria-current", "location");
      button.addEventListener("click", () => state.set({ zoom: node }));
      parts.push(button);
    }
    this.crumbs.replaceChildren(...parts);
  }
}
