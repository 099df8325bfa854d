// What is shown follows from the recording and the choices; each part of it is computed again only if these changed.

import { changesIn } from "./page/columns.js";
import { asksLines, drawn, find, weigh } from "./stacks/search.js";
import { FOLDS, chosen, groupsOf, stacksOf, sums, weightOf } from "./stacks/paths.js";
import { Times, choose } from "./stacks/times.js";
import { around, firstSeen, follow, lineage, merged, outlineOf, trunkOf, weighed } from "./stacks/tree.js";

/** @typedef {import("./stacks/data.js").Report} Report */

export class Model {
  /** @param {Report} report @param {import("./page/state.js").State} state */
  constructor(report, state) {
    this.report = report;
    this.state = state;
    /** @type {Map<string, { key: string, value: any }[]>} */
    this.made = new Map();
    this.times = report.times ? new Times(report) : null;
    this.shown = "";
    state.listeners.push(() => this.choose());
    this.choose();
  }

  /** The part of the time that was chosen; null: all of it. @returns {import("./stacks/times.js").Part | null} */
  part() {
    const { begin, end } = this.state.now;
    return this.times && begin < end && begin * 1000 < this.times.length ? { from: begin * 1000, to: end * 1000 } : null;
  }

  /** Let stacks weigh what they weigh in the chosen part of the time. */
  choose() {
    const { times } = this, shown = JSON.stringify([this.state.now.series, this.part()]);
    if (!times || shown === this.shown) return;
    this.shown = shown;
    const side = times.side(this.state.now.series);
    choose(this.report, side, this.sumsOf(side));
  }

  /** What the chosen part of the time weighs. @param {import("./stacks/times.js").Side} side */
  sumsOf(side) {
    const part = this.part();
    return this.kept(`sums of ${side.key}`, [part], () => /** @type {Times} */ (this.times).sums(side, part));
  }

  /**
   * The tree of one side, whichever the views show, and its weights in `report`.
   * @param {import("./stacks/times.js").Side} side @param {Report} report
   */
  treeOf(side, report) {
    const { root, from, only } = this.state.now;
    choose(report, side, this.sumsOf(side));
    return this.kept(`tree of ${side.key}`, [this.shape, root, from, this.part()], () =>
      weighed(chosen(report, this.found(only).hits), this.outline()));
  }

  /**
   * What was made last, or the time before: a switch is often turned back.
   * @template T @param {string} what @param {any[]} from @param {() => T} make @returns {T}
   */
  once(what, from, make) {
    return this.kept(what, [this.shown, ...from], make);
  }

  /**
   * The same of what does not depend on what stacks weigh.
   * @template T @param {string} what @param {any[]} from @param {() => T} make @returns {T}
   */
  kept(what, from, make) {
    const key = JSON.stringify(from), known = this.made.get(what) ?? [];
    const found = known.find((entry) => entry.key === key) ?? { key, value: make() };
    this.made.set(what, [found, ...known.filter((entry) => entry !== found)].slice(0, 2));
    return found.value;
  }

  /** What the stacks that are seen follow from. */
  get shape() {
    const { off, only } = this.state.now;
    return [off, only].join("\n");
  }

  /** The stacks that are looked at, and what makes no sense of what was asked. */
  selection() {
    const { only } = this.state.now;
    return this.once("selection", [only], () => {
      const { hits, error } = this.found(only);
      return { error, ...chosen(this.report, hits) };
    });
  }

  get hidden() {
    return new Set(this.state.now.off.split(",").filter(Boolean));
  }

  stacks() {
    return this.kept("stacks", [this.state.now.off], () => stacksOf(this.report, this.hidden));
  }

  paths() {
    return this.once("paths", [this.shape], () => ({ ...this.stacks(), ...this.selection() }));
  }

  /** The nodes of the tree, whatever they weigh. */
  outline() {
    const { report, hidden } = this, { root, from, off } = this.state.now;
    const head = report.column[`label_${root}`], values = report.labels[root];
    const step = from === "leaf" ? -1 : 1, inOrder = step > 0 || ![...hidden].some((part) => FOLDS[part]);
    return this.kept("outline", [off, root, from], () => {
      if (!inOrder) return merged(report, this.stacks(), { head, values, step });
      return outlineOf(report, this.kept("trunk", [root, from], () => trunkOf(report, head, step)), hidden, values);
    });
  }

  tree() {
    const { root, from } = this.state.now;
    return this.once("tree", [this.shape, root, from], () => weighed(this.selection(), this.outline()));
  }

  /** When each node of the tree occurs first; null: siblings are not in this order. @param {string} [series] */
  seen(series = this.state.now.series) {
    const { times } = this, { root, from, off, order } = this.state.now;
    if (!times || order !== "time") return null;
    return this.once(`seen ${series}`, [off, root, from], () => firstSeen(this.outline(), times.seen(times.side(series), this.part())));
  }

  /** The node that is as wide as the window. */
  zoom() {
    return this.state.now.zoom < this.tree().frame.length ? this.state.now.zoom : 0;
  }

  /** Choose what makes another tree, and stay at the same place as far as there is one. @param {object} changes */
  reshape(changes) {
    const old = this.tree();
    const frames = lineage(old, this.zoom()).map((node) => old.frame[node]);
    const before = this.state.now;
    this.state.now = { ...before, ...changes };
    const zoom = follow(this.tree(), frames);
    this.state.now = before;
    this.state.set({ ...changes, zoom });
  }

  /** Look only at stacks through a function. @param {number} fn row, -1 for none */
  focus(fn) {
    if (fn >= 0) this.reshape({ only: `function:${this.report.functions[fn]}`, fn });
  }

  get off() {
    return this.state.now.off;
  }

  /** What frames are added up by. @param {string} by */
  groups(by) {
    return this.kept(`groups ${by}`, [], () => groupsOf(this.report, by));
  }

  /** The weights of functions, packages, modules, lines or kinds. @param {string} by */
  sums(by) {
    const { group, names } = this.groups(by);
    return this.once(`sums ${by}`, [this.shape], () => {
      const paths = this.paths();
      return sums(by === "place" ? { ...paths, frame: paths.line } : paths, group, names.length);
    });
  }

  /** What a table says of functions, packages or kinds. @param {string} by @returns {import("./page/columns.js").Numbers} */
  numbers(by) {
    const all = this.sums(by), { difference } = this.report;
    return this.once(`numbers ${by}`, [this.shape], () =>
      ({ sums: all, whole: this.selection().total, changes: difference ? changesIn(difference, all) : [] }));
  }

  /** The weight of one function. @param {number} fn */
  weightOf(fn) {
    return this.once("weight", [this.shape, fn], () => weightOf(this.report, this.selection(), this.hidden, fn));
  }

  /** The function that is selected, or -1. */
  selected() {
    const { fn } = this.state.now;
    return fn < this.report.functions.length ? fn : -1;
  }

  /** The function of the sandwich: without a selection the one that weighs most by itself. */
  middle() {
    if (this.selected() >= 0) return this.selected();
    const { own, total } = this.sums("function");
    return this.once("heaviest", [this.shape], () => {
      let best = own.length ? 0 : -1;
      for (let i = 1; i < own.length; i++) {
        if (own[i] > own[best] || (own[i] === own[best] && total[i] > total[best])) best = i;
      }
      return best;
    });
  }

  /** Who calls the function in the middle, and whom it calls. */
  around() {
    const name = this.middle();
    return this.once("around", [this.shape, name], () => around(this.report, this.paths(), name));
  }

  /** @returns {{ hits: Uint8Array | null, error: string, total: number, own: number, functions: number }} */
  search() {
    return this.once("search", [this.shape, this.state.now.q], () => {
      const { q } = this.state.now, { hits, error } = this.found(q);
      if (!hits) return { hits, error, total: 0, own: 0, functions: 0 };
      const paths = this.paths();
      if (!asksLines(q)) return { hits, error, ...weigh(this.report, paths, hits) };
      return { hits: drawn(this.report, hits, this.off.split(",").includes("closures")), error,
        ...weigh(this.report, { ...paths, frame: paths.line }, hits) };
    });
  }

  /** @param {string} query @returns {{ hits: Uint8Array | null, error: string }} */
  found(query) {
    try {
      return { hits: find(this.report, query), error: "" };
    } catch (problem) {
      return { hits: null, error: String(/** @type {Error} */ (problem).message) };
    }
  }
}
