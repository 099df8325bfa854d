// The instructions of a function, wherever it was compiled to: its own code, and that of functions that it was inlined into.

import { element } from "../page/dom.js";
import { formatWeight } from "../../../assets/numbers.js";
import { costCells, headingOf, Listing } from "./source.js";

/** @typedef {import("../stacks/data.js").Report} Report */
/** @typedef {{ code: import("../stacks/data.js").Code, entry: number, own: number, inner: number, rows: number[] }} Piece
 *   `rows` of the columns of code; `inner`: what ended there in the function itself */

const MOST_PIECES = 20, MOST_ROWS = 4000;

/** @param {Report} report @param {number} fn @returns {Piece[]} the hottest first */
export function codeOf(report, fn) {
  const wanted = report.functions[fn], name = report.names.indexOf(wanted), pieces = [];
  const inside = report.inlines.map((frames) => frames.some(([of]) => of === name));
  const { code_stack: stack, code_own: own } = report.column;
  let first = 0;
  for (const code of report.codes) {
    const [called, , entry, , , , , , count] = code, rows = [];
    for (let row = first; row < first + count; row++) if (called === wanted || inside[stack[row]]) rows.push(row);
    first += count;
    const sum = (/** @type {number[]} */ some) => some.reduce((all, row) => all + own[row], 0);
    const inner = rows.filter((row) => (report.inlines[stack[row]][0]?.[0] ?? name) === name);
    if (rows.length) pieces.push({ code, entry: Number(entry), own: sum(rows), inner: sum(inner), rows });
  }
  return pieces.sort((a, b) => b.own - a.own);
}

/** The last part of a path. @param {string} path */
const baseName = (path) => path.slice(path.lastIndexOf("/") + 1);

export class CodeTable extends Listing {
  /** @param {Report} report @param {(line: number) => void} onLine */
  constructor(report, onLine) {
    super("code", ["Own %", "Own", "Total", "Address", "Instruction"], onLine);
    this.report = report;
  }

  /** @param {string} name @param {Piece[]} pieces */
  fill(name, pieces) {
    const { report } = this, rows = [];
    let room = MOST_ROWS;
    for (const piece of pieces.slice(0, MOST_PIECES)) {
      rows.push(headingOf(this.title(piece, name)));
      rows.push(...this.rows(piece, name, piece.rows.slice(0, Math.max(room, 0))));
      room -= piece.rows.length;
    }
    const left = pieces.length - MOST_PIECES;
    if (left > 0 || room < 0) rows.push(headingOf(`… more is not shown here; ${report.annotate} shows all of it`));
    this.put(`Instructions of ${name.slice(0, 400)}`, rows);
  }

  /** @param {Piece} piece @param {string} name */
  title({ code: [called, binary, entry, end, whole, , , unplaced] }, name) {
    const told = [`${called} ${entry}-${end}, ${binary}`];
    if (called !== name) told.push("it is inlined there");
    if (!whole) told.push("what is near to most samples");
    const unknown = formatWeight(unplaced, this.report.whole.unit);
    if (unplaced && called === name) told.push(`${unknown} went through calls, it is not known which`);
    return told.join(" · ");
  }

  /** @param {Piece} piece @param {string} name @param {number[]} shown */
  rows({ code: [called, , , , , , , ,], entry }, name, shown) {
    const { report } = this, { column } = report, wanted = report.names.indexOf(name), out = [];
    const most = shown.reduce((high, row) => Math.max(high, column.code_own[row]), 0);
    let before = -1;
    for (const row of shown) {
      const frames = report.inlines[column.code_stack[row]], line = frames.find(([of]) => of === wanted)?.[2] ?? 0;
      if (before >= 0 && column.code_at[row] !== column.code_at[before] + column.code_size[before]) out.push(headingOf("…", "gap"));
      if (frames.length && (before < 0 || column.code_stack[row] !== column.code_stack[before])) {
        const [[of, file, at], ...outer] = frames, inlined = outer.length ? `, inlined into ${report.names[outer[0][0]]}` : "";
        out.push(headingOf(`${baseName(report.names[file])}:${at} ${report.names[of]}${inlined}`, "place"));
      }
      out.push(this.row(row, entry, line, most));
      before = row;
    }
    return out;
  }

  /** @param {number} row @param {number} entry @param {number} line @param {number} most */
  row(row, entry, line, most) {
    const { report } = this, { column } = report, label = column.code_label[row], note = report.texts[column.code_note[row]];
    const address = `${label ? `L${label}: ` : ""}0x${(entry + column.code_at[row]).toString(16)}`;
    const text = element("td", { className: "text" }, report.texts[column.code_text[row]]);
    if (note) text.append(element("span", { className: "comment" }, ` // ${note}`));
    return element("tr", { "data-own": column.code_own[row], ...(line ? { "data-line": line } : {}) },
      ...costCells(report.whole, column.code_own[row], column.code_total[row], report.whole.total, most),
      element("th", { scope: "row", className: "number" }, address), text);
  }
}
