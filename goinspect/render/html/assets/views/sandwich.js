// One function wherever it occurs: above it who calls it, below it whom it calls. Each stack counts once, from its outermost
// call of the function on.

import { colorsOf } from "../page/coloring.js";
import { element } from "../page/dom.js";
import { functionOf } from "../page/paint.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { Chart } from "./chart.js";

const IN_CALLS = ["Callers", "Nothing calls it: it is where its stacks begin.", "Callees", "It calls nothing."];
const IN_SIZES = ["Where it is", "It is in nothing else.", "What is in it", "Nothing is in it."];

export class SandwichView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const { report, state } = model;
    this.model = model;
    const pick = (/** @type {"callers" | "callees"} */ side) => (/** @type {number} */ node) => {
      const fn = functionOf(report, model.around()[side], node);
      if (fn >= 0) state.set({ fn });
    };
    this.callers = new Chart(report, { label: "Callers. Enter puts a function in the middle.", skip: 1, onPick: pick("callers") });
    this.callees = new Chart(report, { label: "Callees. Enter puts a function in the middle.", onPick: pick("callees") });
    this.name = element("bdi", { className: "middle" });
    this.facts = element("span", { className: "facts" });
    this.above = element("p", { className: "note" });
    this.below = element("p", { className: "note" });
    this.node = element("section", { className: "sandwich", "aria-label": "Sandwich" },
      element("h2", {}, this.name, " ", this.facts), this.above, this.callers.node, this.callees.node, this.below);
  }

  print() {
    this.callers.draw();
    this.callees.draw();
  }

  update() {
    const { model } = this, { report } = model, fn = model.middle();
    this.node.hidden = fn < 0;
    if (fn < 0) return;
    const { callers, callees } = model.around(), { hits } = model.search();
    const total = callees.total[0], own = model.sums("function").own[fn];
    const name = report.functions[fn];
    this.name.textContent = name.length > 400 ? `${name.slice(0, 399)}…` : name;
    this.facts.textContent = `total ${formatWeight(total, report.unit)} (${formatShare(total, callees.whole)}) · `
      + `own ${formatWeight(own, report.unit)} (${formatShare(own, callees.whole)})`;
    const words = report.sizes ? IN_SIZES : IN_CALLS;
    this.above.textContent = callers.first[0] ? words[0] : total ? words[1] : "";
    this.below.textContent = callees.first[0] ? words[2] : total ? words[3] : model.part() ? "Nothing of it in the chosen part of the time."
      : "It is switched off.";
    this.callers.show(callers, { upward: true, selected: -1, hits, colors: colorsOf(model, callers) });
    this.callees.show(callees, { upward: false, selected: -1, hits, colors: colorsOf(model, callees) });
  }
}
