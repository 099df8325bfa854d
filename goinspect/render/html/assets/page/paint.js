// Colours of the theme, and what is said of a frame.

import { changeOf, changeWords } from "../stacks/change.js";
import { GO, INLINED, RESTORED } from "../stacks/data.js";
import { element } from "./dom.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";

/** @typedef {import("../stacks/data.js").Report} Report */
/** @typedef {import("../stacks/tree.js").Tree} Tree */

const dark = matchMedia("(prefers-color-scheme: dark)");
/** @type {Map<string, string>} */
const themeColors = new Map();
const themes = [dark, matchMedia("(prefers-contrast: more)"), matchMedia("(forced-colors: active)"), matchMedia("print")];
for (const theme of themes) theme.addEventListener("change", () => themeColors.clear());

const isDark = () => dark.matches && !document.documentElement.classList.contains("printed");

/** Show all of a view on white paper, or what fits the window again. @param {boolean} isPrinted */
export function printed(isPrinted) {
  document.documentElement.classList.toggle("printed", isPrinted);
  themeColors.clear();
}

/** Call `draw` when the theme changes. @param {() => void} draw */
export const onTheme = (draw) => themes.forEach((theme) => theme.addEventListener("change", draw));

/** A colour of report.css. @param {string} name */
export function themed(name) {
  const value = themeColors.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  themeColors.set(name, value);
  return value;
}

/** A fill by its row in the colours. @param {Report} report @param {number} row @returns {string} "" where it is hatched */
export const fillOf = (report, row) => report.colors[row]?.[isDark() ? 1 : 0] ?? "";

/** @type {Map<string, CanvasPattern | string>} */
const hatches = new Map(); // by their colours

/** @param {CanvasRenderingContext2D} context @returns {CanvasPattern | string} */
export function hatch(context) {
  const colors = `${themed("hatch")} ${themed("hatch-line")}`, known = hatches.get(colors) ?? hatched(context);
  hatches.set(colors, known);
  return known;
}

/** @param {CanvasRenderingContext2D} context @returns {CanvasPattern | string} */
function hatched(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  if (!pen) return themed("hatch");
  pen.fillStyle = themed("hatch");
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = themed("hatch-line");
  pen.lineWidth = 1.5;
  for (const x of [-6, 0, 6]) {
    pen.moveTo(x - 1, 7);
    pen.lineTo(x + 7, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? themed("hatch");
}

/** What a node is called. @param {Report} report @param {Tree} tree @param {number} node */
export function nameOf(report, tree, node) {
  const row = tree.frame[node], known = report.column.function.length;
  if (node === 0) return tree.top < 0 ? "all" : report.functions[tree.top];
  return row < known ? report.functions[report.column.function[row]] : tree.values[row - known];
}

/** The function of a node, or -1. @param {Report} report @param {Tree} tree @param {number} node */
export function functionOf(report, tree, node) {
  const row = tree.frame[node];
  if (node === 0) return tree.top;
  return row < report.column.function.length ? report.column.function[row] : -1;
}

/** @param {Report} report @param {number} row of a frame @param {number} flag */
const has = (report, row, flag) => (report.column.flags[row] & flag) !== 0;

/** The row of a frame, or -1 for the whole and for labels. @param {Report} report @param {Tree} tree @param {number} node */
export const frameOf = (report, tree, node) =>
  node > 0 && tree.frame[node] < report.column.function.length ? tree.frame[node] : -1;

/** @param {Report} report @param {number} row */
export const isInlined = (report, row) => row >= 0 && has(report, row, INLINED);

/** @param {Report} report @param {number} row */
export const isGo = (report, row) => row < 0 || has(report, row, GO);

/** What is said of a node, one below the other. @param {Report} report @param {Tree} tree @param {number} node */
export function describe(report, tree, node) {
  const row = frameOf(report, tree, node), { column } = report;
  const total = tree.total[node], own = tree.own[node];
  const facts = [`${formatWeight(total, report.unit)}, ${formatShare(total, tree.whole)} of total`];
  facts.push(own ? `own ${formatWeight(own, report.unit)} (${formatShare(own, tree.whole)})` : "own 0");
  if (report.difference) facts.push(...changesOf(report, report.difference, tree, node));
  if (row < 0) return facts;
  const what = [report.kinds[column.kind[row]][1], report.packages[column.package[row]], placeOf(report, row)];
  if (isInlined(report, row)) what.push("inlined");
  if (has(report, row, RESTORED)) what.push("restored from the code");
  return [...facts, what.filter(Boolean).join(" · ")];
}

/**
 * What became of a node, and of what ended in it.
 * @param {Report} report @param {import("../stacks/change.js").Difference} difference @param {Tree} tree @param {number} node
 */
function changesOf(report, difference, tree, node) {
  const { unit } = report, told = [];
  const change = changeOf(difference, tree.most, tree.total[node], tree.base[node]);
  const share = tree.base[0] ? `, ${formatShare(tree.base[node], tree.base[0])}` : "";
  told.push(`before ${formatWeight(change.before, unit)}${share}: ${changeWords(change, unit)}`);
  if (!tree.own[node] && !tree.baseOwn[node]) return told;
  const own = changeOf(difference, tree.most, tree.own[node], tree.baseOwn[node]);
  return [...told, `own before ${formatWeight(own.before, unit)}: ${changeWords(own, unit)}`];
}

/**
 * Where a frame is, if all that are drawn as one are there, or else where its function begins.
 * @param {Report} report @param {number} row
 */
function placeOf(report, row) {
  const { column, files } = report, line = report.lines ? column.line[row] : column.begin[row];
  return files[column.file[row]] + (line ? `:${line}` : "");
}

/** Fill the tooltip. @param {HTMLElement} tip @param {string} name @param {string[]} lines */
export function fillTip(tip, name, lines) {
  const short = name.length > 400 ? `${name.slice(0, 399)}…` : name;
  tip.replaceChildren(element("b", {}, short), ...lines.map((line) => element("div", {}, line)));
}
