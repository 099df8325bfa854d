// What is shown follows from the recording and the choices; each part of it is computed again only if these changed.

import { changesIn } from "./page/columns.js";
import { asksLines, drawn, find, weigh } from "./stacks/search.js";
import { chosen, groupsOf, pathsOf, sums } from "./stacks/paths.js";
import { around, build, follow, lineage } from "./stacks/tree.js";

/** @typedef {import("./stacks/data.js").Report} Report */

export class Model {
  /** @param {Report} report @param {import("./page/state.js").State} state */
  constructor(report, state) {
    this.report = report;
    this.state = state;
    /** @type {Map<string, { key: string, value: any }[]>} */
    this.made = new Map();
  }

  /**
   * What was made last, or the time before: a switch is often turned back.
   * @template T @param {string} what @param {any[]} from @param {() => T} make @returns {T}
   */
  once(what, from, make) {
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

  paths() {
    return this.once("paths", [this.shape], () =>
      pathsOf(this.report, this.selection(), new Set(this.state.now.off.split(",").filter(Boolean))));
  }

  tree() {
    const { root, from } = this.state.now;
    return this.once("tree", [this.shape, root, from], () =>
      build(this.report, this.paths(), { head: this.report.column[`label_${root}`], values: this.report.labels[root],
        step: from === "leaf" ? -1 : 1 }));
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
    return this.once(`groups ${by}`, [], () => groupsOf(this.report, by));
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
      const { q } = this.state.now, { hits, error } = this.found(q), paths = this.paths();
      if (!hits) return { hits, error, total: 0, own: 0, functions: 0 };
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
