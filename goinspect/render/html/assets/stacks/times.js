// Single samples in time order, and what a part of the time weighs: see times.py. Times are in µs from where the axis begins.

/** @typedef {import("./data.js").Report} Report */
/** @typedef {{ weight: Float64Array, samples: import("./data.js").Column, total: number, count: number }} Sums of each stack, and all */
/** @typedef {{ from: number, to: number }} Part of the time; `to` is not in it */
/**
 * Samples, or waits.
 * @typedef {object} Side
 * @property {string} key "samples" or "waits": what the address calls it
 * @property {string} look as what it is drawn: waits may be all that there is
 * @property {string} name of the event
 * @property {string} unit
 * @property {string} subtitle
 * @property {import("./data.js").Column} stack
 * @property {import("./data.js").Column} begin
 * @property {boolean} lasts as long as it weighs
 * @property {(i: number) => number} weight
 * @property {import("./data.js").Column | undefined} cpu 1 + row in the numbers of CPUs, 0: not known
 * @property {Sums} all
 */

const NEVER = 0x7fffffff;

export class Times {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    const all = { weight: report.weight, samples: report.column.samples, total: report.total, count: 0 };
    /** @type {Side[]} */
    this.sides = ["samples", "waits"].filter((key) => report.times?.[key]).map((key) => sideOf(report, key, all));
    this.length = this.sides.reduce((end, side) => Math.max(end, endOf(side)), 0);
    for (const side of this.sides) {
      if (side.key === "waits") side.all = this.add(side, { from: -1, to: Infinity });
      else side.all.count = side.begin.length;
    }
  }

  /** @param {string} key */
  side(key) {
    return this.sides.find((side) => side.key === key) ?? this.sides[0];
  }

  /** Rows of the samples in a part of the time; of waits there are others among them. @param {Side} side @param {Part} part */
  rows(side, { from, to }) {
    return [side.lasts ? 0 : firstAt(side.begin, from), to === Infinity ? side.begin.length : firstAt(side.begin, to)];
  }

  /** What a part of the time weighs. @param {Side} side @param {Part | null} part null: all of it */
  sums(side, part) {
    return part ? this.add(side, part) : side.all;
  }

  /** @param {Side} side @param {Part} part @returns {Sums} */
  add(side, part) {
    const { stack } = side, stacks = this.report.weight.length, [first, end] = this.rows(side, part);
    const weight = new Float64Array(stacks), samples = new Uint32Array(stacks);
    let total = 0, count = 0;
    for (let i = first; i < end; i++) {
      const value = inPart(side, i, part);
      if (value < 0) continue;
      weight[stack[i]] += value;
      samples[stack[i]]++;
      total += value;
      count++;
    }
    return { weight, samples, total, count };
  }

  /** Of each stack its first sample in a part of the time. @param {Side} side @param {Part | null} part */
  seen(side, part) {
    const found = new Int32Array(this.report.weight.length).fill(NEVER), whole = part ?? { from: -1, to: Infinity };
    const [first, end] = this.rows(side, whole);
    for (let i = end - 1; i >= first; i--) if (inPart(side, i, whole) >= 0) found[side.stack[i]] = i;
    return found;
  }

  /**
   * What each of `count` steps of the time weighs, in each of `rows` rows.
   * @param {Side} side @param {{ from: number, step: number, count: number }} axis @param {number} [rows]
   * @param {(i: number) => number} [rowOf] of a sample, -1: none of them
   */
  steps(side, { from, step, count }, rows = 1, rowOf = () => 0) {
    const { begin, lasts, weight } = side, found = new Float64Array(rows * count);
    const whole = lasts ? new Int32Array(rows * (count + 1)) : null; // steps that a wait goes all through: where these begin and end
    const [first, end] = this.rows(side, { from, to: from + step * count });
    for (let i = first; i < end; i++) {
      const row = rowOf(i);
      if (row < 0) continue;
      const at = (begin[i] - from) / step, cell = Math.min(Math.floor(at), count - 1);
      if (!whole) {
        found[row * count + cell] += weight(i);
        continue;
      }
      const low = Math.max(at, 0), high = Math.min(at + weight(i) / 1000 / step, count);
      if (high <= low) continue;
      const one = Math.floor(low), last = Math.min(Math.floor(high), count - 1);
      if (one === last) found[row * count + one] += (high - low) * step * 1000;
      else {
        found[row * count + one] += (one + 1 - low) * step * 1000;
        found[row * count + last] += (high - last) * step * 1000;
        whole[row * (count + 1) + one + 1]++;
        whole[row * (count + 1) + last]--;
      }
    }
    if (whole) {
      for (let row = 0; row < rows; row++) {
        for (let cell = 0, depth = 0; cell < count; cell++) {
          depth += whole[row * (count + 1) + cell];
          found[row * count + cell] += depth * step * 1000;
        }
      }
    }
    return found;
  }
}

/** Show what a side weighs. @param {Report} report @param {Side} side @param {Sums} sums */
export function choose(report, side, { weight, samples, total }) {
  Object.assign(report, { weight, total, unit: side.unit, subtitle: side.subtitle });
  report.column.samples = samples;
}

/** @param {Report} report @param {string} key @param {Sums} all @returns {Side} */
function sideOf(report, key, all) {
  const told = /** @type {Record<string, any>} */ (report.times)[key], { column } = report, prefix = key.slice(0, -1);
  const steps = column[`${prefix}_time`], weights = column[`${prefix}_weight`];
  let end = 0;
  for (const step of steps) end += step;
  const begin = new (end < 2 ** 32 ? Uint32Array : Float64Array)(steps.length);
  for (let i = 0, at = 0; i < steps.length; i++) begin[i] = at += steps[i];
  return { key, look: told.waits ? "waits" : "samples", name: told.name, unit: told.unit, subtitle: told.subtitle,
    stack: column[`${prefix}_stack`], begin, lasts: told.waits && told.unit === "ns",
    weight: weights ? (i) => weights[i] * told.scale : () => told.weight, cpu: column[`${prefix}_cpu`], all };
}

/** @param {Side} side */
function endOf(side) {
  let end = side.begin.length ? side.begin[side.begin.length - 1] + 1 : 0;
  for (let i = 0; side.lasts && i < side.begin.length; i++) end = Math.max(end, side.begin[i] + side.weight(i) / 1000);
  return Math.ceil(end);
}

/** What a sample weighs in a part of the time, -1: it is not in it. @param {Side} side @param {number} i @param {Part} part */
function inPart(side, i, { from, to }) {
  const begin = side.begin[i];
  if (!side.lasts) return begin >= from && begin < to ? side.weight(i) : -1;
  const end = begin + side.weight(i) / 1000;
  if (end <= from || begin >= to) return -1;
  return begin >= from && end <= to ? side.weight(i) : Math.round((Math.min(end, to) - Math.max(begin, from)) * 1000);
}

/** The first row that is not before a time. @param {import("./data.js").Column} begin @param {number} time */
function firstAt(begin, time) {
  let low = 0, high = begin.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (begin[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
