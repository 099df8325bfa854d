// The columns of numbers in a table: weights, or what became of them.

import { changeOf, changeWords, errorsAllowed } from "../stacks/change.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";

/** @typedef {import("../stacks/change.js").Change} Change */
/**
 * @typedef {object} Sums
 * @property {Float64Array} own
 * @property {Float64Array} total
 * @property {Float64Array} samples
 * @property {Float64Array} baseOwn
 * @property {Float64Array} baseTotal
 */
/** @typedef {{ sums: Sums, whole: number, changes: { own: Change, total: Change }[] }} Numbers */
/**
 * @typedef {object} TableColumn
 * @property {string} sort what a click on its head sorts by
 * @property {string} text
 * @property {string} role which class it has, and with it how wide it is
 * @property {(numbers: Numbers, row: number) => string} cell
 * @property {(numbers: Numbers, row: number) => string} [word] what became of it
 * @property {(numbers: Numbers, row: number) => number} key
 */

/** What becomes of a function. */
export const WORDS = ["new", "grew", "shrank", "gone"];

/** @param {import("../stacks/data.js").Report} report @returns {TableColumn[]} */
export function columnsOf(report) {
  const plain = () => (report.difference && report.unit === "samples" ? "count" : report.unit); // its word tells nothing
  const weight = (/** @type {"own" | "total" | "baseOwn" | "baseTotal"} */ of) => ({ role: "weight",
    cell: (/** @type {Numbers} */ { sums }, /** @type {number} */ row) => formatWeight(sums[of][row], plain()),
    key: (/** @type {Numbers} */ { sums }, /** @type {number} */ row) => sums[of][row] });
  const share = (/** @type {"own" | "total"} */ of) => ({ ...weight(of), role: "share",
    cell: (/** @type {Numbers} */ { sums, whole }, /** @type {number} */ row) => formatShare(sums[of][row], whole) });
  if (!report.difference) {
    return [{ sort: "own", text: "Own", ...weight("own") }, { sort: "own", text: "Own %", ...share("own") },
      { sort: "total", text: "Total", ...weight("total") }, { sort: "total", text: "Total %", ...share("total") },
      { sort: "samples", text: report.sizes ? "Symbols" : "Samples", role: "samples", key: ({ sums }, row) => sums.samples[row],
        cell: ({ sums }, row) => sums.samples[row].toLocaleString("en-US") }];
  }
  const before = (/** @type {"own" | "total"} */ of) => ({ role: "weight",
    cell: (/** @type {Numbers} */ { changes }, /** @type {number} */ row) => formatWeight(changes[row][of].before, plain()),
    key: (/** @type {Numbers} */ { changes }, /** @type {number} */ row) => changes[row][of].before });
  const change = (/** @type {"own" | "total"} */ of) => ({ role: "change",
    cell: (/** @type {Numbers} */ { changes }, /** @type {number} */ row) =>
      (changes[row][of].now || changes[row][of].before ? shortChange(changes[row][of], plain()) : ""),
    word: (/** @type {Numbers} */ { changes }, /** @type {number} */ row) => changes[row][of].what,
    key: (/** @type {Numbers} */ { changes }, /** @type {number} */ row) => rankOf(changes[row], of) });
  return [{ sort: "ownChange", text: "Own change", ...change("own") }, { sort: "own", text: "Own", ...weight("own") },
    { sort: "ownBefore", text: "Own before", ...before("own") },
    { sort: "totalChange", text: "Total change", ...change("total") }, { sort: "total", text: "Total", ...weight("total") },
    { sort: "totalBefore", text: "Total before", ...before("total") }];
}

const FIRST = 2 ** 52;

/** What changed most comes first, noise last. @param {{ own: Change, total: Change }} changes @param {"own" | "total"} of */
function rankOf(changes, of) {
  const size = Math.abs(changes[of].delta);
  if (WORDS.includes(changes[of].what)) return 2 * FIRST + size;
  return of === "own" && WORDS.includes(changes.total.what) ? FIRST + Math.abs(changes.total.delta) : size;
}

/**
 * What became of each row.
 * @param {import("../stacks/change.js").Difference} difference @param {Sums} sums
 * @returns {{ own: Change, total: Change }[]}
 */
export function changesIn(difference, sums) {
  const compared = sums.total.reduce((count, total, row) => count + Number(total > 0 || sums.baseTotal[row] > 0), 0);
  const most = errorsAllowed(compared);
  return Array.from(sums.total, (_, row) => {
    const own = changeOf(difference, most, sums.own[row], sums.baseOwn[row]);
    const total = changeOf(difference, most, sums.total[row], sums.baseTotal[row]);
    // A function is not new because it only called others before.
    if (own.what === "new" && sums.baseTotal[row]) own.what = "grew";
    if (own.what === "gone" && sums.total[row]) own.what = "shrank";
    return { own, total };
  });
}

const ARROWS = /** @type {Record<string, string>} */ ({ new: "new", grew: "▲", shrank: "▼", gone: "gone" });

/** @param {Change} change @param {string} unit */
const shortChange = (change, unit) => [ARROWS[change.what] ?? "", changeWords(change, unit).replace(/, [a-z ]+$/, "")].join(" ").trim();

/** Is it among what became so? @param {{ own: Change, total: Change }} changes @param {string} what */
export function isSo({ own, total }, what) {
  if (what === "all") return true;
  if (what === "changed") return WORDS.includes(own.what) || WORDS.includes(total.what);
  return total.what === what || (own.what === what && !/^(new|gone)$/.test(total.what));
}
