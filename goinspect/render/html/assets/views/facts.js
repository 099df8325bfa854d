// What is known of the recording: what the last line of the command says, what stands behind it, and how to know more.

import { element } from "../page/dom.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { counted } from "../page/text.js";
import { partSaid } from "./strip.js";

const MOST_THREADS = 500;

/**
 * @param {string} label @param {string[]} heads @param {(string | number)[][]} rows the first cell is its name
 * @param {string} left what is not there
 */
function tableOf(label, heads, rows, left) {
  const cell = (/** @type {string | number} */ value, /** @type {number} */ i) =>
    element(i ? "td" : "th", i ? { className: typeof value === "number" || /^[\d<]/.test(value) ? "number" : "" } : { scope: "row" },
      element("bdi", {}, typeof value === "number" ? value.toLocaleString("en-US") : value));
  return element("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": label },
    element("table", { "aria-label": label },
      element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell))))),
    ...(left ? [element("p", {}, left)] : []));
}

/** What is chosen of the time. @param {import("../model.js").Model} model */
function partOf(model) {
  if (!model.times || !model.part()) return [];
  return [element("h2", {}, "Chosen time"), element("ul", {}, ...model.times.sides.map((side) =>
    element("li", {}, element("bdi", {}, `${side.name} ${partSaid(model, side)}`))))];
}

export class FactsView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.report = model.report;
    this.node = element("section", { className: "facts-page", "aria-label": "Facts", tabIndex: 0 });
    /** @type {string | null} */
    this.filled = null; // what of the time it is about
  }

  update() {
    if (this.filled === this.model.shown) return;
    this.filled = this.model.shown;
    const { facts } = this.report, at = facts.findIndex(([heading]) => heading === "Events") + 1 || 2;
    const lists = facts.map(([heading, lines]) => [element("h2", {}, heading),
      element("ul", {}, ...lines.map((line) => element("li", {}, element("bdi", {}, line))))]);
    this.node.replaceChildren(...partOf(this.model), ...lists.slice(0, at).flat(), ...this.advice(), ...this.threads(), ...this.binaries(),
      ...lists.slice(at).flat());
  }

  advice() {
    const { advice } = this.report;
    return advice.length ? [element("h2", {}, "To know more"), element("ul", { className: "advice" },
      ...advice.map(([found, helps, commands]) => element("li", {}, element("strong", {}, `${found}. `), helps,
        ...commands.map((command) => element("code", {}, command)))))] : [];
  }

  /** Threads, or else processes, with what they weigh. */
  threads() {
    const { report } = this, { labels, column, weight } = report, by = labels.thread ? "thread" : labels.process ? "process" : "";
    const values = labels[by] ?? [], of = column[`label_${by}`];
    if (!values.length) return [];
    const sums = new Float64Array(values.length + 1), samples = new Float64Array(values.length + 1);
    for (let i = 0; i < of.length; i++) {
      sums[of[i]] += weight[i];
      samples[of[i]] += column.samples[i];
    }
    const rows = Array.from(values.keys()).sort((a, b) => sums[b + 1] - sums[a + 1] || a - b);
    const plural = by === "thread" ? "threads" : "processes", left = rows.length - MOST_THREADS;
    const heads = [by === "thread" ? "Thread" : "Process", "Weight", "Share", "Samples"];
    return [element("h2", {}, `${counted(values.length, by, plural)} by name`), tableOf("Threads", heads,
      rows.slice(0, MOST_THREADS).map((row) => [values[row], formatWeight(sums[row + 1], report.unit),
        formatShare(sums[row + 1], report.total), samples[row + 1]]),
      left > 0 ? `and ${counted(left, by, plural)} more: the flame graph has all of them above their stacks` : "")];
  }

  binaries() {
    const { binaries, binaries_left: left, whole } = this.report;
    if (!binaries.length) return [];
    const rows = binaries.map(([path, state, id, release, module, frames, named, own, unnamed]) => [path, formatWeight(own, whole.unit),
      formatShare(own, whole.total), frames ? formatShare(named, frames) : "", unnamed ? formatShare(unnamed, whole.total) : "", state,
      release, module, id]);
    return [element("h2", {}, counted(binaries.length + left, "binary", "binaries")), tableOf("Binaries",
      ["Binary", "Own", "Own %", "Frames named", "Own, unnamed", "File", "Go", "Module", "Build ID"], rows,
      left ? `and ${counted(left, "binary", "binaries")} more` : "")];
  }
}
