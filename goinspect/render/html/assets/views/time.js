// The heat map, and below it the flame graph of what is chosen; of samples and waits where there are both, side by side.

import { colorsOf } from "../page/coloring.js";
import { choice, element } from "../page/dom.js";
import { functionOf } from "../page/paint.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { Chart } from "./chart.js";
import { Heat } from "./heat.js";

/** @param {number} time in µs */
const lasting = (time) => formatWeight(time * 1000, "ns").replace(/\.0+ /, " ");

export class TimeView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const { state } = model, times = /** @type {import("../stacks/times.js").Times} */ (model.times);
    this.model = model;
    this.heat = new Heat(model);
    this.rows = choice("Heat map", this.heat.choices, (rows) => state.set({ rows }));
    this.said = element("span", { className: "grain" });
    this.scale = element("span", { className: "scale", "aria-hidden": "true" });
    this.sides = times.sides.map((side) => {
      const report = { ...model.report, column: { ...model.report.column } };
      const chart = new Chart(report, {
        label: `Flame graph of ${side.name}. Arrow keys move, Enter zooms, Escape zooms out.`,
        onPick: (node) => {
          const fn = functionOf(report, model.tree(), node);
          state.set({ zoom: node, ...(fn < 0 ? {} : { fn }) });
        },
        onFocus: (node) => model.focus(functionOf(report, model.tree(), node)),
      });
      const said = element("span", {});
      const node = element("div", { className: "one" },
        element("h2", { className: side.look }, element("bdi", {}, side.name), " ", said), chart.node);
      return { side, report, chart, said, node };
    });
    this.node = element("section", { className: "time", "aria-label": "Time" },
      element("div", { className: "tools" }, this.rows.node, this.scale, this.said), this.heat.node,
      element("div", { className: "beside" }, ...this.sides.map(({ node }) => node)));
  }

  print() {
    this.heat.draw();
    for (const { chart } of this.sides) chart.draw();
  }

  update() {
    const { model, heat } = this, { now } = model.state;
    this.rows.select.value = now.rows;
    heat.draw();
    this.tellScale();
    for (const { side, report, chart, said } of this.sides) {
      const tree = model.treeOf(side, report);
      said.textContent = `${formatWeight(report.total, side.unit)}, ${formatShare(report.total, side.all.total)} of all`;
      chart.show(tree, { zoom: model.zoom(), upward: now.layout === "flame", byWeight: now.order === "weight", seen: model.seen(side.key),
        selected: model.selected(), hits: model.search().hits, colors: colorsOf(model, tree) });
    }
  }

  tellScale() {
    const { grid, side } = this.heat;
    this.scale.className = `scale ${side.look}`;
    if (!grid) return;
    const what = grid.column ? `A column is ${lasting(grid.column)}, a row ${lasting(grid.step)}. ` : "";
    this.said.textContent = `${what}A cell weighs up to ${formatWeight(Math.round(grid.most), side.unit)}.`;
  }
}
