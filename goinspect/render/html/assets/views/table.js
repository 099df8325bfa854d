// Functions, packages, modules, lines or kinds by weight. There are only as many rows in the page as can be seen.

import { WORDS, columnsOf, isSo } from "../page/columns.js";
import { choice, element } from "../page/dom.js";
import { counted } from "../page/text.js";

const TABLE_ROW = 26, MORE = 8, PRINTED_ROWS = 200;

/** A pattern that finds this text. @param {string} text */
const exactly = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

export class TableView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    const { state } = model;
    /** @type {number[]} */
    this.rows = [];
    this.active = 0;
    /** @type {string} */
    this.shape = ""; // of what was shown last: another one begins at its first row
    const rows = /** @type {[string, string][]} */ ([["function", model.report.sizes ? "Symbols" : "Functions"], ["package", "Packages"],
      ["module", "Modules"], ["place", "Lines"], ["kind", "Kinds"]]).filter(([by]) => by !== "place" || !model.report.sizes);
    this.by = choice("Rows", rows, (by) => state.set({ by }));
    this.count = element("span", { className: "count", role: "status" });
    this.what = choice("Show", [["all", "All"], ["changed", "What changed"], .../** @type {[string, string][]} */ (
      WORDS.map((word) => [word, `What ${word === "grew" || word === "shrank" ? word : `is ${word}`}`]))], (what) => state.set({ what }));
    this.columns = columnsOf(model.report);
    this.heads = [this.head("name", "Name", "name"), ...this.columns.map(({ sort, text, role }) => this.head(sort, text, role))];
    this.before = element("tbody", { "aria-hidden": "true" });
    this.body = element("tbody");
    this.after = element("tbody", { "aria-hidden": "true" });
    this.table = element("table", { "aria-label": "Weights" }, element("thead", {}, element("tr", {}, ...this.heads)),
      this.before, this.body, this.after);
    this.scroll = element("div", { className: "scroll", tabIndex: -1 }, this.table);
    this.node = element("section", { className: "table", "aria-label": "Table" },
      element("div", { className: "tools" }, this.by.node, ...(model.report.difference ? [this.what.node] : []), this.count), this.scroll);
    this.scroll.addEventListener("scroll", () => this.fill());
    new ResizeObserver(() => this.fill()).observe(this.scroll);
    this.body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
  }

  /** @param {string} sort @param {string} text @param {string} role */
  head(sort, text, role) {
    const { state } = this.model, button = element("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      const { sort: now, way } = state.now, first = sort === "name" ? "up" : "down";
      state.set({ sort, way: now !== sort ? first : way === "up" ? "down" : "up" });
    });
    return element("th", { scope: "col", className: role, "data-sort": role === "share" ? "" : sort }, button);
  }

  update() {
    const { model } = this, { by, sort, way, q } = model.state.now, { hits, error } = model.search();
    const sums = model.sums(by), { names, group } = model.groups(by);
    this.by.select.value = by;
    const found = hits && new Uint8Array(names.length);
    if (found && hits) for (let i = 0; i < hits.length; i++) if (hits[i]) found[group[i]] = 1;
    const numbers = model.numbers(by), { changes } = numbers, { what } = model.state.now;
    const all = Array.from(names.keys()).filter((row) => sums.samples[row] || sums.total[row] || sums.baseTotal[row]);
    this.rows = all.filter((row) => (!found || found[row]) && (!changes.length || isSo(changes[row], what)));
    this.what.select.value = what;
    const collate = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : a > b ? 1 : 0);
    const column = this.columns.find((candidate) => candidate.sort === sort) ?? this.columns[0];
    const turn = way === "up" ? 1 : -1, key = new Float64Array(names.length);
    for (const row of this.rows) key[row] = column.key(numbers, row);
    this.rows.sort(sort === "name" ? (a, b) => turn * (by === "place" ? a - b : collate(names[a], names[b]))
      : (a, b) => turn * (key[a] - key[b]) || turn * (sums.total[a] - sums.total[b]) || collate(names[a], names[b]));
    const noun = /** @type {Record<string, [string, string]>} */ ({
      function: model.report.sizes ? ["symbol", "symbols"] : ["function", "functions"],
      package: ["package", "packages"], module: ["module", "modules"], place: ["line", "lines"], kind: ["kind", "kinds"] })[by];
    const shown = this.rows.length < all.length ? `${this.rows.length.toLocaleString("en-US")} of ` : "";
    this.count.textContent = shown + counted(all.length, ...noun);
    this.table.setAttribute("aria-rowcount", String(this.rows.length + 1));
    for (const head of this.heads) {
      if (head.dataset.sort === sort) head.setAttribute("aria-sort", way === "up" ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    const shape = [by, sort, way, what, q, error, model.shape].join("\n");
    if (shape !== this.shape) {
      this.scroll.scrollTop = 0;
      this.active = 0;
    }
    this.shape = shape;
    this.fill();
  }

  print() {
    this.fill();
  }

  fill() {
    const { rows, scroll } = this, seen = Math.ceil(scroll.clientHeight / TABLE_ROW);
    const isPrinted = document.documentElement.classList.contains("printed");
    const from = isPrinted ? 0 : Math.max(0, Math.floor(scroll.scrollTop / TABLE_ROW) - MORE);
    const to = Math.min(rows.length, isPrinted ? PRINTED_ROWS : from + seen + 2 * MORE);
    const focused = this.body.contains(document.activeElement);
    const gap = (/** @type {number} */ count) => {
      const cell = element("td");
      cell.style.height = `${count * TABLE_ROW}px`;
      return count ? [element("tr", {}, cell)] : [];
    };
    this.before.replaceChildren(...gap(from));
    this.after.replaceChildren(...(isPrinted ? [] : gap(rows.length - to)));
    this.body.replaceChildren(...rows.slice(from, to).map((row, i) => this.row(row, from + i)));
    if (!rows.length) this.body.append(element("tr", { className: "none" }, element("th", { className: "name" }, "Nothing is called so.")));
    if (focused) this.body.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
  }

  /** @param {number} row @param {number} at */
  row(row, at) {
    const { model } = this, { report, state } = model, { by } = state.now, numbers = model.numbers(by);
    const name = model.groups(by).names[row], short = name.length > 400 ? `${name.slice(0, 399)}…` : name;
    const selects = by === "function", selected = selects && row === model.selected();
    const { sums } = numbers;
    const bar = element("i", { className: "bar" });
    bar.style.width = `${numbers.whole ? (100 * sums.total[row]) / numbers.whole : 0}%`;
    const made = element("tr", { tabIndex: at === this.active ? 0 : -1, "aria-rowindex": at + 2, "aria-selected": selected,
      className: selected ? "selected" : "", title: short },
    element("th", { scope: "row", className: by === "place" ? "name path" : "name" }, bar, element("bdi", {}, short)),
    ...this.columns.map(({ role, cell, word }) => {
      const what = word?.(numbers, row) ?? "";
      return element("td", { className: `${role} ${what}`.trim(), title: what === "noise" ? "within noise" : what }, cell(numbers, row));
    }));
    made.addEventListener("click", () => this.choose(row, at));
    if (selects) made.addEventListener("dblclick", () => state.set({ fn: row, view: "sandwich" }));
    return made;
  }

  /** Select a function, or search for something else. @param {number} row @param {number} at */
  choose(row, at) {
    const { report, state } = this.model, { by } = state.now;
    this.active = at;
    if (by === "function") state.set({ fn: row });
    else if (by === "package" && report.packages[row]) state.set({ q: `package:${report.packages[row]}`, by: "function" });
    else if (by === "module") state.set({ q: `module:${report.modules[row]}`, by: "function" });
    else if (by === "place" && row) state.set({ q: `file:/^${exactly(this.model.groups(by).names[row])}$/`, by: "function" });
    else if (by === "kind") state.set({ q: `kind:${report.kinds[row][0]}`, by: "function" });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / TABLE_ROW) - 2), last = this.rows.length - 1;
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
      Home: -last, End: last });
    if (event.key === "Enter" && this.rows.length) {
      const row = this.rows[this.active];
      if (this.model.state.now.by === "function") this.model.state.set({ fn: row, view: "sandwich" });
      else this.choose(row, this.active);
    } else if (event.key === " " && this.rows.length) this.choose(this.rows[this.active], this.active);
    else if (event.key in steps) {
      this.active = Math.max(0, Math.min(last, this.active + steps[event.key]));
      const top = this.active * TABLE_ROW, room = this.scroll.clientHeight - 2 * TABLE_ROW;
      if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
      if (top > this.scroll.scrollTop + room) this.scroll.scrollTop = top - room;
      this.fill();
    } else return;
    event.preventDefault();
  }
}
