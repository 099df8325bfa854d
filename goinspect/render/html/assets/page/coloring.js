// What colours say: package and kind, how much ended in a function, or what changed.

import { changeOf, classOf } from "../stacks/change.js";
import { formatShare } from "../../../assets/numbers.js";

/** @typedef {import("../stacks/tree.js").Tree} Tree */
/** @typedef {[string, number, string]} Entry text, row of a colour and, where there is one, search of an entry of the legend */

/** @type {[string, string][]} */
export const COLORINGS = [["package", "Package"], ["kind", "Kind"], ["own", "Own weight"], ["change", "Change"]];

/** How much of the most, as a row in as many steps. @param {number} part @param {number} most @param {number} steps */
const stepOf = (part, most, steps) => (part && most ? 1 + Math.min(steps - 2, Math.floor((steps - 1) * Math.sqrt(part / most))) : 0);

/**
 * The row of the colour of each node.
 * @param {import("../model.js").Model} model @param {Tree} tree
 * @returns {(node: number, row: number) => number}
 */
export function colorsOf(model, tree) {
  const { report, state: { now } } = model, { column, difference } = report;
  if (now.color === "kind") return (_, row) => (row < 0 ? 0 : report.kindColors[column.kind[row]]);
  if (now.color === "own") {
    const { own } = model.sums("function"), most = heaviest(own), { heat } = report;
    return (_, row) => heat[row < 0 ? 0 : stepOf(own[column.function[row]], most, heat.length)];
  }
  if (now.color !== "change" || !difference) return (_, row) => (row < 0 ? 0 : column.color[row]);
  const rows = new Map(report.changeColors.map(([name, color]) => [name, color]));
  return (node) => rows.get(classOf(changeOf(difference, tree.most, tree.total[node], tree.base[node]))) ?? 0;
}

/** @param {import("../model.js").Model} model @returns {Entry[]} */
export function legendOf(model) {
  const { report, state: { now } } = model;
  if (now.color === "kind") {
    const rows = new Map(report.kinds.map(([kind], i) => [`kind:${kind}`, report.kindColors[i]]));
    return report.legend.flatMap(([text, , query]) => (rows.has(query) ? [[text, rows.get(query) ?? 0, query]] : []));
  }
  if (now.color === "own") {
    const most = heaviest(model.sums("function").own), { total } = model.selection(), last = report.heat.length - 1;
    return report.heat.map((color, i) => [i === 0 ? "own 0" : i === last ? formatShare(most, total) : "", color, ""]);
  }
  return now.color === "change" ? report.changeColors.map(([, color, text]) => [text, color, ""]) : report.legend;
}

/** @param {Float64Array} values */
const heaviest = (values) => values.reduce((most, value) => Math.max(most, value), 0);
