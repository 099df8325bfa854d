// The search, what it found, and the stacks that all of the page is about.

import { element } from "./dom.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { counted } from "./text.js";

export class SearchBar {
  /**
   * @param {import("../model.js").Model} model
   * @param {(step: number) => string} onStep to the next or previous frame found; says how far
   */
  constructor(model, onStep) {
    const { state } = model;
    this.model = model;
    this.onStep = onStep;
    this.place = element("span", { className: "place", role: "status" });
    this.field = element("input", { type: "search", placeholder: "Search: name, /pattern/, package:… file:… kind:…",
      spellcheck: false, "aria-label": "Search", autocomplete: "off" });
    this.field.addEventListener("input", () => state.set({ q: this.field.value }, true));
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
    });
    this.matched = element("output", { className: "matched" });
    const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {() => void} */ onClick) => {
      const made = element("button", { type: "button", title }, text);
      made.addEventListener("click", onClick);
      return made;
    };
    this.steps = [button("‹", "Previous frame found (Shift+Enter)", () => this.step(-1)),
      button("›", "Next frame found (Enter)", () => this.step(1))];
    this.steps[0].setAttribute("aria-label", "Previous");
    this.steps[1].setAttribute("aria-label", "Next");
    this.narrow = button("Only these", "Leave out stacks without any of them", () => {
      model.reshape({ only: state.now.q, q: "" });
      this.widen.focus();
    });
    this.node = element("div", { className: "search", role: "search" }, this.field, this.matched, this.steps[0], this.place,
      this.steps[1], this.narrow);
    this.what = element("bdi");
    this.share = element("span");
    this.widen = button("All stacks", "Leave nothing out (Esc)", () => model.reshape({ only: "" }));
    this.only = element("div", { className: "only", role: "status" }, "Only stacks with ", this.what, " ", this.share, " ", this.widen);
  }

  /** @param {number} step */
  step(step) {
    this.place.textContent = this.onStep(step);
    this.placed = this.model.state.now.q;
  }

  update() {
    const { model } = this, { report, state: { now } } = model, { hits, error, total, own, functions } = model.search();
    if (this.field.value !== now.q) this.field.value = now.q;
    this.field.setAttribute("aria-invalid", String(error !== ""));
    this.matched.classList.toggle("bad", error !== "");
    this.matched.title = error;
    const selection = model.selection(), noun = report.sizes ? "name" : "function";
    this.matched.textContent = error ? "invalid pattern" : !hits ? ""
      : `${counted(functions, noun)}: ${formatShare(total, selection.total)}, own ${formatShare(own, selection.total)}`;
    if (this.placed !== now.q) this.place.textContent = "";
    for (const step of this.steps) step.hidden = !functions || now.view !== "flame";
    this.place.hidden = this.steps[0].hidden;
    this.narrow.hidden = !functions;
    this.only.hidden = !now.only;
    this.what.textContent = now.only.replace(/^function:/, "").slice(0, 200);
    this.share.textContent = selection.error ? "(invalid pattern: all stacks are shown)"
      : `(${formatWeight(selection.total, report.unit)}, ${formatShare(selection.total, report.total)} of all)`;
  }
}
