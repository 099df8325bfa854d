// Stacks merged from one end on. Arrays of numbers, no objects: a million nodes are a matter of milliseconds.

import { errorsAllowed } from "./change.js";

/** @typedef {import("./data.js").Report} Report */
/** @typedef {import("./paths.js").Paths} Paths */
/**
 * Nodes, a parent before its children; node 0 is the whole. Children are in the order of their names: `first[node]`, then
 * `next[…]`, 0 behind the last one. A frame beyond those of the report is a value of the root label.
 * @typedef {object} Tree
 * @property {Int32Array} frame -1: of node 0
 * @property {Int32Array} parent
 * @property {Float64Array} total
 * @property {Float64Array} own
 * @property {Float64Array} base total before, as it was recorded; empty where nothing is compared
 * @property {Float64Array} baseOwn
 * @property {Int32Array} first
 * @property {Int32Array} next
 * @property {Int32Array} height rows below
 * @property {number} top the function that node 0 stands for, -1: all of them
 * @property {string[]} values of the root label
 * @property {number} whole what shares are shares of
 * @property {number} most standard errors that are noise
 */

/**
 * @param {Report} report
 * @param {Paths} paths
 * @param {{ begin?: Int32Array, end?: Int32Array, step?: number, head?: import("./data.js").Column, values?: string[],
 *   top?: number }} how
 *   `begin` and `end`: the part of each stack, none where the first is -1; `step` -1: backwards; `head`: value, plus 1, above
 *   each stack
 * @returns {Tree}
 */
export function build(report, paths, how = {}) {
  const { step = 1, head, values = [], top = -1 } = how;
  const count = paths.start.length - 1, known = report.column.function.length;
  const most = paths.frame.length + (head ? count : 0) + 1;
  const frame = new Int32Array(most), parent = new Int32Array(most);
  const { base: before } = paths, own = new Float64Array(most), baseOwn = new Float64Array(before ? most : 0);
  frame[0] = parent[0] = -1;
  let size = 1, mask = (1 << 12) - 1, table = new Int32Array(mask + 1);

  const slotOf = (/** @type {number} */ up, /** @type {number} */ row) => {
    let slot = (Math.imul(up, 0x9e3779b1) ^ Math.imul(row + 1, 0x85ebca6b)) >>> 7 & mask;
    while (table[slot] && (parent[table[slot]] !== up || frame[table[slot]] !== row)) slot = slot + 1 & mask;
    return slot;
  };
  const child = (/** @type {number} */ up, /** @type {number} */ row) => {
    const slot = slotOf(up, row);
    if (table[slot]) return table[slot];
    frame[size] = row;
    parent[size] = up;
    table[slot] = size;
    if (++size * 2 > mask) {
      mask = mask * 2 + 1;
      table = new Int32Array(mask + 1);
      for (let i = 1; i < size; i++) table[slotOf(parent[i], frame[i])] = i;
    }
    return size - 1;
  };

  const line = [0]; // the nodes of the last stack: those in order begin alike
  for (let i = 0; i < count; i++) {
    const begin = how.begin ? how.begin[i] : paths.start[i], end = how.end ? how.end[i] : paths.start[i + 1];
    if (begin < 0 || !(paths.weight[i] || before?.[i])) continue;
    let node = 0, depth = 0;
    if (head && head[i]) node = line[++depth] = child(0, known + head[i] - 1);
    for (let left = end - begin, j = step > 0 ? begin : end - 1; left > 0; left--, j += step) {
      const row = paths.frame[j], before = line[++depth];
      node = before !== undefined && parent[before] === node && frame[before] === row ? before : child(node, row);
      line[depth] = node;
    }
    own[node] += paths.weight[i];
    if (before) baseOwn[node] += before[i];
  }

  const height = new Int32Array(size), total = own.slice(0, size), base = baseOwn.slice(0, size);
  for (let i = size - 1; i > 0; i--) {
    const up = parent[i];
    total[up] += total[i];
    if (before) base[up] += base[i];
    if (height[i] >= height[up]) height[up] = height[i] + 1;
  }
  const cut = (/** @type {any} */ column) => column.slice(0, size);
  return { frame: cut(frame), parent: cut(parent), total, own: cut(own), base, baseOwn: cut(baseOwn), height, top, values,
    whole: paths.total, most: before ? errorsAllowed(size) : 0, ...linked(frame, parent, size) };
}

/**
 * Children by name: frames are numbered in that order.
 * @param {Int32Array} frame @param {Int32Array} parent @param {number} size
 */
function linked(frame, parent, size) {
  let most = 0;
  for (let i = 1; i < size; i++) if (frame[i] > most) most = frame[i];
  const place = new Int32Array(most + 2);
  for (let i = 1; i < size; i++) place[frame[i] + 1]++;
  for (let i = 0; i <= most; i++) place[i + 1] += place[i];
  const sorted = new Int32Array(size - 1);
  for (let i = 1; i < size; i++) sorted[place[frame[i]]++] = i;
  const first = new Int32Array(size), next = new Int32Array(size);
  for (let i = sorted.length - 1; i >= 0; i--) {
    const node = sorted[i];
    next[node] = first[parent[node]];
    first[parent[node]] = node;
  }
  return { first, next };
}

/** The node at the end of a way down, as far as there is one. @param {Tree} tree @param {number[]} frames */
export function follow(tree, frames) {
  let node = 0;
  for (const row of frames) {
    let child = tree.first[node];
    while (child && tree.frame[child] !== row) child = tree.next[child];
    if (child) node = child;
  }
  return node;
}

/** Nodes from the first below the whole to this one. @param {Tree} tree @param {number} node */
export function lineage(tree, node) {
  const nodes = [];
  for (let i = node; i > 0; i = tree.parent[i]) nodes.unshift(i);
  return nodes;
}

/**
 * Stacks through a function, from its outermost call on (`callees`), and what stands above that (`callers`): each stack
 * counts once, however often the function calls itself.
 * @param {Report} report @param {Paths} paths @param {number} name row of the function
 */
export function around(report, paths, name) {
  const count = paths.start.length - 1, { function: function_ } = report.column;
  const at = new Int32Array(count).fill(-1), below = new Int32Array(count).fill(-1);
  for (let i = 0; i < count; i++) {
    for (let j = paths.start[i]; j < paths.start[i + 1]; j++) {
      if (function_[paths.frame[j]] !== name) continue;
      at[i] = j;
      below[i] = j + 1;
      break;
    }
  }
  const begin = Int32Array.from(at, (j, i) => (j < 0 ? -1 : paths.start[i]));
  return {
    callers: build(report, paths, { begin, end: at, step: -1, top: name }),
    callees: build(report, paths, { begin: below, top: name }),
  };
}
