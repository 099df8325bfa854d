// The lines of a function: those with weights, or with its source all from where it begins.

import { element } from "../page/dom.js";
import { folded, sums } from "../stacks/paths.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";

/** @typedef {import("../stacks/data.js").Report} Report */
/** @typedef {{ file: number, line: number, own: number, total: number, samples: number }} Line row of its file; 0: not known */
/** @typedef {{ file: number, line: number, text: string | null, cost: Line | null }} Row `line` 0: `text` is a heading */

const AHEAD = 2, BEHIND = 60, LONG = 3000, NEAR = 12; // lines

/**
 * What each line of a function weighs: once for each stack.
 * @param {import("../model.js").Model} model @param {number} fn @returns {Line[]} by file and line
 */
export function linesOf(model, fn) {
  const { report } = model, { file, line } = report.column, names = folded(report, model.off);
  /** @type {Map<string, number>} */
  const ids = new Map();
  const of = [[0, 0]], group = new Int32Array(file.length);
  for (let i = 0; i < file.length; i++) {
    if (names[i] !== fn) continue;
    const key = `${file[i]}:${line[i]}`, known = ids.get(key) ?? of.push([file[i], line[i]]) - 1;
    ids.set(key, known);
    group[i] = known;
  }
  const paths = model.paths(), { own, total, samples } = sums({ ...paths, frame: paths.line }, group, of.length);
  return of.map(([file, line], i) => ({ file, line, own: own[i], total: total[i], samples: samples[i] })).slice(1)
    .filter((row) => row.samples || row.total || row.own)
    .sort((a, b) => a.file - b.file || a.line - b.line);
}

/** Lines with what stands around them. @param {Report} report @param {number} fn @param {Line[]} lines @returns {Row[]} */
export function listed(report, fn, lines) {
  const texts = new Map(report.sources?.map(([file, text]) => [file, text])), rows = [];
  for (const file of new Set(lines.map((row) => row.file))) {
    const mine = lines.filter((row) => row.file === file), text = texts.get(file);
    if (report.files[file]) rows.push({ file, line: 0, text: report.files[file], cost: null });
    const shown = typeof text === "string" && mine.some(({ line }) => line);
    if (shown) rows.push(...withSource(report, fn, file, mine, text.split("\n")));
    else rows.push(...mine.map((cost) => ({ file, line: cost.line, text: null, cost })));
  }
  return rows;
}

/**
 * The source of a function, as far as it can be told where that ends.
 * @param {Report} report @param {number} fn @param {number} file @param {Line[]} lines @param {string[]} source @returns {Row[]}
 */
function withSource(report, fn, file, lines, source) {
  const { function: name, begin, file: of } = report.column;
  const costs = new Map(lines.filter(({ line }) => line).map((cost) => [cost.line, cost]));
  const here = Array.from(begin.keys()).filter((i) => name[i] === fn && of[i] === file).map((i) => begin[i]);
  const begins = here.filter((line) => /\b(func|TEXT)\b/.test(source[line - 1] ?? "")); // others are lines of another file
  const first = Math.max(1, Math.min(...begins, ...costs.keys()) - AHEAD), last = Math.max(...costs.keys());
  let end = last;
  while (end < Math.min(source.length, last + BEHIND) && !/^}/.test(source[end - 1])) end++;
  if (!/^}/.test(source[end - 1] ?? "")) end = last + AHEAD;
  const rows = lines.filter(({ line }) => !line).map((cost) => /** @type {Row} */ ({ file, line: 0, text: "", cost }));
  let left = 0;
  for (let line = first; line <= Math.min(end, Math.max(source.length, last)); line++) {
    const near = end - first < LONG || lines.some((cost) => Math.abs(cost.line - line) <= NEAR);
    if (near && left) rows.push({ file, line: 0, text: `… ${left} lines`, cost: null });
    left = near ? 0 : left + 1;
    if (near) rows.push({ file, line, text: source[line - 1] ?? "", cost: costs.get(line) ?? null });
  }
  return rows;
}

/**
 * Cells of what ended there and what went through.
 * @param {{ unit: string }} report @param {number} own @param {number} total @param {number} whole @param {number} most that ended in a row
 */
export function costCells(report, own, total, whole, most) {
  const bar = element("i", { className: "bar" });
  bar.style.width = `${most ? (100 * own) / most : 0}%`;
  const amount = (/** @type {number} */ value) => (value ? formatWeight(value, report.unit) : "");
  return [element("td", { className: "share" }, bar, own ? formatShare(own, whole) : ""), element("td", {}, amount(own)),
    element("td", { title: total ? formatShare(total, whole) : "" }, amount(total))];
}

/** A row above others. @param {string} text */
export const headingOf = (text, className = "heading") =>
  element("tr", { className }, element("th", { colSpan: 5, scope: "rowgroup" }, element("bdi", {}, text)));

/** A table whose rows keys go through: only those that can be chosen. */
export class Listing {
  /** @param {string} className @param {string[]} heads @param {(line: number) => void} onLine */
  constructor(className, heads, onLine) {
    this.onLine = onLine;
    /** @type {HTMLElement[]} */
    this.lines = [];
    this.body = element("tbody");
    const cells = heads.map((text) => element("th", { scope: "col" }, text));
    this.table = element("table", {}, element("thead", {}, element("tr", {}, ...cells)), this.body);
    this.node = element("div", { className: `scroll ${className}`, tabIndex: -1 }, this.table);
    this.body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
    this.body.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("tr");
      if (row?.dataset.line) this.choose(row);
    });
  }

  /** @param {string} label @param {HTMLElement[]} rows */
  put(label, rows) {
    this.table.setAttribute("aria-label", label);
    this.body.replaceChildren(...rows);
    this.lines = rows.filter((row) => row.dataset.line);
    this.reach(this.lines[0]);
    const most = Math.max(...rows.map((row) => Number(row.dataset.own ?? 0)));
    const hottest = most ? rows.find((row) => Number(row.dataset.own) === most) : undefined;
    this.node.scrollTop = hottest && hottest.offsetTop > this.node.clientHeight / 2 ? hottest.offsetTop - this.node.clientHeight / 3 : 0;
  }

  /** @param {HTMLElement | undefined} row that the Tab key leads to */
  reach(row) {
    for (const line of this.lines) line.tabIndex = line === row ? 0 : -1;
  }

  /** @param {HTMLElement} row */
  choose(row) {
    this.reach(row);
    this.onLine(Number(row.dataset.line));
  }

  /** Show a line as chosen. @param {number} line 0: none */
  mark(line) {
    const mine = this.lines.filter((row) => Number(row.dataset.line) === line), [first] = mine;
    for (const row of this.lines) {
      row.classList.toggle("selected", mine.includes(row));
      row.setAttribute("aria-selected", String(mine.includes(row)));
    }
    if (!first || first.contains(document.activeElement)) return;
    const seen = first.offsetTop - this.node.scrollTop;
    if (seen < 30 || seen > this.node.clientHeight - 30) this.node.scrollTop = first.offsetTop - this.node.clientHeight / 3;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const at = this.lines.indexOf(/** @type {HTMLElement} */ (event.target)), last = this.lines.length - 1;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -last, End: last });
    if (at < 0) return;
    if (event.key === "Enter" || event.key === " ") this.choose(this.lines[at]);
    else if (event.key in steps) {
      const to = this.lines[Math.max(0, Math.min(last, at + steps[event.key]))];
      this.reach(to);
      to.focus();
    } else return;
    event.preventDefault();
  }
}

export class SourceTable extends Listing {
  /** @param {Report} report @param {(line: number) => void} onLine */
  constructor(report, onLine) {
    super("source", ["Own %", "Own", "Total", "Line", "Source"], onLine);
    this.report = report;
  }

  /** @param {string} name @param {Row[]} rows @param {number} whole */
  fill(name, rows, whole) {
    const most = Math.max(0, ...rows.map(({ cost }) => cost?.own ?? 0)), texts = rows.some(({ line, text }) => line && text !== null);
    this.table.classList.toggle("bare", !texts);
    this.put(`Lines of ${name.slice(0, 400)}`, rows.map(({ line, text, cost }) => {
      if (!line && !cost) return headingOf(text ?? "");
      const cells = costCells(this.report, cost?.own ?? 0, cost?.total ?? 0, whole, most);
      const told = cost && line ? { "data-line": line, className: "costs", "data-own": cost.own } : {};
      return element("tr", told, ...cells,
        element("th", { scope: "row", className: "number" }, line ? String(line) : "?"), element("td", { className: "text" }, text ?? ""));
    }));
  }
}
