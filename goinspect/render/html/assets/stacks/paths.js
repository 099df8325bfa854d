// Stacks as they are to be seen: without the frames that were switched off. What these weigh, their callers weigh.

import { INLINED, RESTORED } from "./data.js";

/** @typedef {import("./data.js").Report} Report */
/**
 * Stack i is `frame[start[i]]` to `frame[start[i + 1] - 1]`, root first; it may be empty.
 * @typedef {{ start: Int32Array, frame: Int32Array, line: Int32Array }} Stacks `line`: the frames as they are in the report, which
 *   differ in their lines; `frame`: what these are drawn as
 */
/** @typedef {Stacks & Selection} Paths */
/**
 * What of each stack is looked at: nothing of those that were not chosen.
 * @typedef {{ weight: Float64Array, samples: import("./data.js").Column, total: number, base: Float64Array | null }} Selection
 */

/** What can be switched off, and what it is called. @type {[string, string][]} */
export const PARTS = [["inlined", "Inlined"], ["runtime", "Runtime"], ["kernel", "Kernel"], ["restored", "Restored"],
  ["closures", "Closures"], ["recursion", "Recursion"]];

/** What is left when it is switched off. @type {Record<string, string>} */
export const FOLDS = { closures: "Off: closures count as the function they were written in",
  recursion: "Off: what calls itself, directly or through others, stands once" };

export const PERIOD = 8; // functions that call each other in turn, at most

/** Which frames each part has. @param {Report} report @param {string} part @returns {(frame: number) => boolean} */
export function isOf(report, part) {
  const { flags, kind } = report.column;
  const named = (/** @type {string[]} */ ...keys) => {
    const rows = report.kinds.map(([key]) => keys.includes(key));
    return (/** @type {number} */ frame) => rows[kind[frame]];
  };
  if (part === "inlined") return (frame) => (flags[frame] & INLINED) !== 0;
  if (part === "restored") return (frame) => (flags[frame] & RESTORED) !== 0;
  if (part === "closures") return (frame) => report.column.outer[frame] !== frame;
  return part === "runtime" ? named("runtime", "gc") : named(part);
}

/**
 * The stacks that have a frame of `hits`; null: all of them.
 * @param {Report} report @param {Uint8Array | null} hits @returns {Selection}
 */
export function chosen(report, hits) {
  const { start, weight, total, base, column: { frame, samples } } = report;
  if (!hits) return { weight, samples, total, base };
  const kept = new Float64Array(weight.length), counted = new Float64Array(weight.length);
  const before = base && new Float64Array(weight.length);
  let sum = 0;
  for (let i = 0; i < weight.length; i++) {
    for (let j = start[i]; j < start[i + 1]; j++) {
      if (!hits[frame[j]]) continue;
      sum += kept[i] = weight[i];
      counted[i] = samples[i];
      if (base && before) before[i] = base[i];
      break;
    }
  }
  return { weight: kept, samples: counted, total: sum, base: before };
}

/** Is there any of it? @param {Report} report @param {string} part */
export function isPresent(report, part) {
  if (part === "recursion") return recurs(report);
  const test = isOf(report, part);
  return report.column.flags.some((_, row) => test(row));
}

/** What each frame is drawn as, -1: not at all. @param {Report} report @param {Set<string>} off parts that are switched off */
export function shownOf(report, off) {
  const { same, outer } = report.column, folds = off.has("closures");
  const tests = [...off].filter((part) => !FOLDS[part]).map((part) => isOf(report, part));
  return Int32Array.from(same, (row, i) => (tests.some((test) => test(i)) ? -1 : folds ? same[outer[i]] : row));
}

/** @param {Report} report @param {Set<string>} off parts that are switched off @returns {Stacks} */
export function stacksOf(report, off) {
  const { frame, outer, function: name } = report.column, shown = shownOf(report, off);
  const folds = off.has("closures"), merges = off.has("recursion");
  const count = report.start.length - 1;
  const start = new Int32Array(count + 1), kept = new Int32Array(frame.length), line = new Int32Array(frame.length);
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (let j = report.start[i]; j < report.start[i + 1]; j++) {
      const row = shown[frame[j]];
      if (row < 0) continue;
      if (folds && outer[frame[j]] !== frame[j] && at > start[i] && name[row] === name[kept[at - 1]]) continue;
      line[at] = frame[j];
      kept[at++] = row;
      if (merges) at -= repeated(kept, start[i], at, name);
    }
    start[i + 1] = at;
  }
  return { start, frame: kept.subarray(0, at), line: line.subarray(0, at) };
}

/**
 * How many functions at the end of a stack stand there twice.
 * @param {Int32Array} frame @param {number} from @param {number} to @param {import("./data.js").Column} name
 */
function repeated(frame, from, to, name) {
  for (let size = 1; size <= PERIOD && to - 2 * size >= from; size++) {
    let i = 1;
    while (i <= size && name[frame[to - i]] === name[frame[to - size - i]]) i++;
    if (i > size) return size;
  }
  return 0;
}

/** Does any function call itself? @param {Report} report */
function recurs(report) {
  const seen = new Int32Array(report.functions.length).fill(-1), { frame, function: name } = report.column;
  for (let i = 0; i + 1 < report.start.length; i++) {
    for (let j = report.start[i]; j < report.start[i + 1]; j++) {
      if (seen[name[frame[j]]] === i) return true;
      seen[name[frame[j]]] = i;
    }
  }
  return false;
}

/** The function that each frame counts as. @param {Report} report @param {string} off parts that are switched off */
export function folded(report, off) {
  const { function: name, outer } = report.column;
  return off.split(",").includes("closures") ? Int32Array.from(outer, (row) => name[row]) : name;
}

/** What frames are added up by: a row for each frame, and the names of these rows. @typedef {{ group: Column, names: string[] }} Groups */
/** @typedef {import("./data.js").Column | Int32Array} Column */

/** @param {Report} report @param {string} by @returns {Groups} */
export function groupsOf(report, by) {
  const { column, functions, packages, modules, kinds } = report;
  if (by === "place") return placesOf(report);
  if (by === "kind") return { group: column.kind, names: kinds.map(([, label]) => label) };
  if (by === "package") return { group: column.package, names: packages.map((name) => name || "(none)") };
  return by === "module" ? { group: column.module, names: modules } : { group: column.function, names: functions };
}

/** Files and lines, in their order; the first is that of frames that have none. @param {Report} report @returns {Groups} */
function placesOf({ column: { file, line }, files }) {
  const rank = new Int32Array(files.length);
  [...files.keys()].sort((a, b) => (files[a] < files[b] ? -1 : 1)).forEach((row, at) => (rank[row] = at));
  const key = Float64Array.from(file, (row, i) => (files[row] ? rank[row] * 2 ** 31 + line[i] + 1 : 0));
  const keys = Float64Array.from(new Set(key).add(0)).sort(), number = new Map(Array.from(keys, (value, at) => [value, at]));
  const group = new Int32Array(key.length), names = Array(keys.length).fill("(no line)");
  for (let i = 0; i < key.length; i++) {
    const at = (group[i] = number.get(key[i]) ?? 0);
    if (at) names[at] = line[i] ? `${files[file[i]]}:${line[i]}` : files[file[i]];
  }
  return { group, names };
}

/**
 * What ends in one function, and what goes through it, once for each stack.
 * @param {Report} report @param {Selection} selection @param {Set<string>} off parts that are switched off
 * @param {number} name row of the function
 */
export function weightOf(report, { weight }, off, name) {
  const { start, column: { frame, function: function_ } } = report, hidden = 2;
  const is = Uint8Array.from(shownOf(report, off), (row) => (row < 0 ? hidden : function_[row] === name ? 1 : 0));
  let own = 0, total = 0;
  for (let i = 0; i + 1 < start.length; i++) {
    if (!weight[i]) continue;
    let at = start[i], last = start[i + 1] - 1;
    while (at <= last && is[frame[at]] !== 1) at++;
    if (at > last) continue;
    while (is[frame[last]] === hidden) last--;
    total += weight[i];
    if (is[frame[last]] === 1) own += weight[i];
  }
  return { own, total };
}

/**
 * What ends in each of `count` groups of frames, and what goes through it, once for each stack.
 * @param {Paths} paths @param {Column} group of each frame @param {number} count
 */
export function sums(paths, group, count) {
  const own = new Float64Array(count), total = new Float64Array(count), samples = new Float64Array(count);
  const { base } = paths, baseOwn = new Float64Array(base ? count : 0), baseTotal = new Float64Array(base ? count : 0);
  const seen = new Int32Array(count).fill(-1);
  for (let i = 0; i + 1 < paths.start.length; i++) {
    const end = paths.start[i + 1];
    if (!paths.samples[i] && !paths.weight[i] && !base?.[i]) continue;
    for (let j = paths.start[i]; j < end; j++) {
      const row = group[paths.frame[j]];
      if (seen[row] === i) continue;
      seen[row] = i;
      total[row] += paths.weight[i];
      samples[row] += paths.samples[i];
      if (base) baseTotal[row] += base[i];
    }
    if (end === paths.start[i]) continue;
    own[group[paths.frame[end - 1]]] += paths.weight[i];
    if (base) baseOwn[group[paths.frame[end - 1]]] += base[i];
  }
  return { own, total, samples, baseOwn, baseTotal };
}
