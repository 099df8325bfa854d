// Stacks merged from one end on. Arrays of numbers, no objects: a million nodes are a matter of milliseconds.

import { errorsAllowed } from "./change.js";
import { PERIOD, shownOf } from "./paths.js";

const MANY = 32; // children that are gone through

/** @typedef {import("./data.js").Report} Report */
/** @typedef {import("./paths.js").Paths} Paths */
/**
 * Nodes, a parent before its children; node 0 is the whole. Children are in the order of their names: `first[node]`, then
 * `next[…]`, 0 behind the last one. A frame beyond those of the report is a value of the root label.
 * @typedef {object} Outline
 * @property {Int32Array} frame -1: of node 0
 * @property {Int32Array} parent
 * @property {Int32Array} first
 * @property {Int32Array} next
 * @property {Int32Array} leaf the node where each stack ends, -1: it has none
 * @property {number} top the function that node 0 stands for, -1: all of them
 * @property {string[]} values of the root label
 */
/**
 * What the nodes weigh; some may weigh nothing.
 * @typedef {object} Weights
 * @property {Float64Array} total
 * @property {Float64Array} own
 * @property {Float64Array} base total before, as it was recorded; empty where nothing is compared
 * @property {Float64Array} baseOwn
 * @property {Int32Array} height rows below that weigh something
 * @property {number} whole what shares are shares of
 * @property {number} most standard errors that are noise
 */
/** @typedef {Outline & Weights} Tree */
/**
 * Stacks merged with all of their frames; `at` and `touched` are room to work in.
 * @typedef {{ frame: Int32Array, parent: Int32Array, leaf: Int32Array, at: Int32Array, touched: Int32Array }} Trunk
 */

/**
 * Stacks that are in the order of their frames have what they share with others next to them.
 * @param {Report} report
 * @param {import("./data.js").Column} [head] value, plus 1, above each stack
 * @param {number} [step] -1: from the leaf on
 * @returns {Trunk}
 */
export function trunkOf(report, head, step = 1) {
  const { start } = report, { frame: frames } = report.column, count = start.length - 1, known = report.column.function.length;
  const most = frames.length + (head ? count : 0) + 1;
  const frame = new Int32Array(most), parent = new Int32Array(most), leaf = new Int32Array(count);
  const line = [0]; // the nodes of the last stack
  frame[0] = parent[0] = -1;
  let size = 1;
  for (const i of orderOf(report, head, step)) {
    const begin = start[i], last = start[i + 1] - 1, skip = head && head[i] ? 1 : 0, depth = last + 1 - begin + skip;
    let node = 0, at = 0, alike = true;
    while (at < depth) {
      const row = at < skip && head ? known + head[i] - 1 : frames[step > 0 ? begin + at - skip : last - at + skip];
      alike = ++at < line.length && alike && frame[line[at]] === row;
      if (!alike) {
        frame[size] = row;
        parent[size] = node;
        line[at] = size++;
      }
      node = line[at];
    }
    line.length = depth + 1;
    leaf[i] = node;
  }
  return { frame: frame.slice(0, size), parent: parent.slice(0, size), leaf, at: new Int32Array(size), touched: new Int32Array(size) };
}

/** @param {Report} report @param {import("./data.js").Column | undefined} head @param {number} step */
function orderOf(report, head, step) {
  const { start } = report, { frame } = report.column, order = Int32Array.from({ length: start.length - 1 }, (_, i) => i);
  if (step < 0) {
    order.sort((one, other) => {
      let i = start[one + 1], j = start[other + 1];
      while (i > start[one] && j > start[other]) if (frame[--i] !== frame[--j]) return frame[i] - frame[j];
      return i - start[one] - (j - start[other]) || one - other;
    });
  }
  if (!head) return order;
  let most = 0;
  for (const value of head) most = Math.max(most, value);
  const place = new Int32Array(most + 2), sorted = new Int32Array(order.length);
  for (const value of head) place[value + 1]++;
  for (let i = 1; i < place.length; i++) place[i] += place[i - 1];
  for (const i of order) sorted[place[head[i]]++] = i;
  return sorted;
}

/**
 * The trunk without frames that are not shown: what is below these is below their callers.
 * @param {Report} report @param {Trunk} trunk from the root on, unless nothing is folded
 * @param {Set<string>} off parts that are switched off @param {string[]} [values]
 * @returns {Outline}
 */
export function outlineOf(report, trunk, off, values = []) {
  const shown = shownOf(report, off), { outer, function: name } = report.column, folds = off.has("closures"), merges = off.has("recursion");
  const { at } = trunk, most = at.length, known = shown.length, leaf = new Int32Array(trunk.leaf.length);
  const frame = new Int32Array(most), parent = new Int32Array(most), first = new Int32Array(most), next = new Int32Array(most);
  const touched = trunk.touched.fill(0); // the child that was found last: those of one parent come in order; below 0: see `wide`
  /** @type {Map<number, number>[]} */
  const wide = []; // children by their rows, where there are too many to go through
  frame[0] = parent[0] = -1;
  let size = 1;
  for (let i = 1; i < most; i++) {
    const up = at[trunk.parent[i]], recorded = trunk.frame[i], isFrame = recorded < known, row = isFrame ? shown[recorded] : recorded;
    const joins = folds && isFrame && up > 0 && frame[up] < known && outer[recorded] !== recorded && name[row] === name[frame[up]];
    if (row < 0 || joins) {
      at[i] = up;
      continue;
    }
    const again = merges && isFrame ? beforeThat(frame, parent, up, row, name) : -1;
    if (again >= 0) {
      at[i] = again;
      continue;
    }
    let before = touched[up], passed = 0;
    if (before < 0) {
      const children = wide[-before - 1];
      let child = children.get(row);
      if (!child) children.set(row, child = size);
      at[i] = child;
      if (child < size) continue;
      frame[size] = row;
      parent[size++] = up;
      continue;
    }
    if (before && frame[before] > row) before = 0;
    let child = before && frame[before] === row ? before : before ? next[before] : first[up];
    for (; child && frame[child] < row; passed++) child = next[before = child];
    if (!child || frame[child] !== row) {
      frame[size] = row;
      parent[size] = up;
      next[size] = child;
      if (before) next[before] = size;
      else first[up] = size;
      child = size++;
    }
    at[i] = touched[up] = child;
    if (passed > MANY) touched[up] = -wide.push(childrenOf(first[up], frame, next));
  }
  for (const children of wide) {
    const sorted = [...children.values()].sort((a, b) => frame[a] - frame[b]);
    first[parent[sorted[0]]] = sorted[0];
    sorted.forEach((child, k) => (next[child] = sorted[k + 1] ?? 0));
  }
  for (let i = 0; i < leaf.length; i++) leaf[i] = at[trunk.leaf[i]];
  const cut = (/** @type {Int32Array} */ column) => column.subarray(0, size);
  return { frame: cut(frame), parent: cut(parent), first: cut(first), next: cut(next), leaf, top: -1, values };
}

/** Children by their frames. @param {number} child the first @param {Int32Array} frame @param {Int32Array} next */
function childrenOf(child, frame, next) {
  const found = new Map();
  for (; child; child = next[child]) found.set(frame[child], child);
  return found;
}

/**
 * Where functions that call each other in turn have been before, were `row` called by `up`; -1: nowhere.
 * @param {Int32Array} frame @param {Int32Array} parent @param {number} up @param {number} row
 * @param {import("./data.js").Column} name
 */
function beforeThat(frame, parent, up, row, name) {
  for (let length = 1, other = up; length <= PERIOD && other > 0; length++, other = parent[other]) {
    let one = name[row], at = up, before = other, alike = 0;
    while (alike < length && before > 0 && frame[before] < name.length && one === name[frame[before]]) {
      alike++;
      one = name[frame[at]];
      at = parent[at];
      before = parent[before];
    }
    if (alike === length) return other;
  }
  return -1;
}

/** @param {import("./paths.js").Selection} selection @param {Outline} outline @returns {Tree} */
export function weighed({ weight, base: before, total: whole }, outline) {
  const { parent, leaf } = outline, size = parent.length, height = new Int32Array(size);
  const own = new Float64Array(size), baseOwn = new Float64Array(before ? size : 0);
  for (let i = 0; i < leaf.length; i++) {
    if (leaf[i] < 0) continue;
    own[leaf[i]] += weight[i];
    if (before) baseOwn[leaf[i]] += before[i];
  }
  const total = own.slice(), base = baseOwn.slice();
  let compared = 1;
  for (let i = size - 1; i > 0; i--) {
    const up = parent[i];
    if (!total[i] && !base[i]) continue;
    total[up] += total[i];
    if (before) base[up] += base[i];
    if (height[i] >= height[up]) height[up] = height[i] + 1;
    compared++;
  }
  return { ...outline, own, total, base, baseOwn, height, whole, most: before ? errorsAllowed(compared) : 0 };
}

/**
 * When each node was seen first; what was never seen is last.
 * @param {Outline} outline @param {Int32Array} seen the same of stacks
 */
export function firstSeen({ parent, leaf }, seen) {
  const found = new Int32Array(parent.length).fill(0x7fffffff);
  for (let i = 0; i < leaf.length; i++) if (leaf[i] >= 0 && seen[i] < found[leaf[i]]) found[leaf[i]] = seen[i];
  for (let i = parent.length - 1; i > 0; i--) if (found[i] < found[parent[i]]) found[parent[i]] = found[i];
  return found;
}

/**
 * Stacks, or parts of them, merged in whatever order they are.
 * @param {Report} report
 * @param {import("./paths.js").Stacks} stacks
 * @param {{ begin?: Int32Array, end?: Int32Array, step?: number, head?: import("./data.js").Column, values?: string[],
 *   top?: number }} how
 *   `begin` and `end`: the part of each stack, none where the first is -1; `step` -1: backwards; `head`: value, plus 1, above
 *   each stack
 * @returns {Outline}
 */
export function merged(report, stacks, how = {}) {
  const { step = 1, head, values = [], top = -1 } = how, count = stacks.start.length - 1, known = report.column.function.length;
  const most = stacks.frame.length + (head ? count : 0) + 1;
  const frame = new Int32Array(most), parent = new Int32Array(most), leaf = new Int32Array(count).fill(-1);
  frame[0] = parent[0] = -1;
  let size = 1, mask = (1 << 12) - 1, table = new Int32Array(3 * (mask + 1)); // of each slot: parent, frame, node

  const slotOf = (/** @type {number} */ up, /** @type {number} */ row) => {
    let slot = (Math.imul(up, 0x9e3779b1) ^ Math.imul(row + 1, 0x85ebca6b)) >>> 7 & mask;
    while (table[3 * slot + 2] && (table[3 * slot] !== up || table[3 * slot + 1] !== row)) slot = slot + 1 & mask;
    return 3 * slot;
  };
  const put = (/** @type {number} */ slot, /** @type {number} */ node) => {
    table[slot] = parent[node];
    table[slot + 1] = frame[node];
    table[slot + 2] = node;
  };
  const child = (/** @type {number} */ up, /** @type {number} */ row) => {
    const slot = slotOf(up, row);
    if (table[slot + 2]) return table[slot + 2];
    frame[size] = row;
    parent[size] = up;
    put(slot, size);
    if (++size * 2 > mask) {
      mask = mask * 4 + 3;
      table = new Int32Array(3 * (mask + 1));
      for (let i = 1; i < size; i++) put(slotOf(parent[i], frame[i]), i);
    }
    return size - 1;
  };

  const line = [0]; // the nodes of the last stack: those in order begin alike
  for (let i = 0; i < count; i++) {
    const begin = how.begin ? how.begin[i] : stacks.start[i], end = how.end ? how.end[i] : stacks.start[i + 1];
    if (begin < 0) continue;
    let node = 0, depth = 0;
    if (head && head[i]) node = line[++depth] = child(0, known + head[i] - 1);
    for (let left = end - begin, j = step > 0 ? begin : end - 1; left > 0; left--, j += step) {
      const row = stacks.frame[j], before = line[++depth];
      node = before !== undefined && parent[before] === node && frame[before] === row ? before : child(node, row);
      line[depth] = node;
    }
    leaf[i] = node;
  }
  const cut = (/** @type {Int32Array} */ column) => column.slice(0, size);
  return { frame: cut(frame), parent: cut(parent), leaf, top, values, ...linked(frame, parent, size) };
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
    if (!paths.weight[i] && !paths.base?.[i]) continue;
    for (let j = paths.start[i]; j < paths.start[i + 1]; j++) {
      if (function_[paths.frame[j]] !== name) continue;
      at[i] = j;
      below[i] = j + 1;
      break;
    }
  }
  const begin = Int32Array.from(at, (j, i) => (j < 0 ? -1 : paths.start[i]));
  return {
    callers: weighed(paths, merged(report, paths, { begin, end: at, step: -1, top: name })),
    callees: weighed(paths, merged(report, paths, { begin: below, top: name })),
  };
}
