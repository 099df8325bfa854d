// A report that is served: asks whether its recording was replaced, and offers the new one at the same place.

import { element } from "./dom.js";
import { nameOf } from "./paint.js";
import { lineage } from "../stacks/tree.js";

const ASK_AGAIN = 1000; // ms

export class Live {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.version = model.report.live?.version;
    this.text = element("span", { role: "status" });
    this.button = element("button", { type: "button", hidden: true }, "Show the new one");
    this.button.addEventListener("click", () => this.reload());
    this.node = element("div", { className: "live", hidden: true }, this.text, this.button);
    if (location.protocol === "file:") return; // a copy
    this.goThere();
    document.addEventListener("visibilitychange", () => this.ask());
    this.ask();
  }

  async ask() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    try {
      const answer = await fetch("state");
      if (!answer.ok) throw new Error(await answer.text());
      this.tell(await answer.json());
    } catch {
      this.say("goinspect has ended. This page goes on without it.", {});
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), ASK_AGAIN);
  }

  /** @param {{ version: string, error: string, changing: boolean }} state */
  tell({ version, error, changing }) {
    const isNew = version !== this.version;
    if (error && !changing) {
      this.say(`The recording was replaced and cannot be read: ${error}. This is the one from before.`, { bad: true, offer: isNew });
    } else if (isNew) this.say("The recording was replaced.", { offer: true });
    else this.say(changing ? "The recording is being replaced…" : "", {});
  }

  /** @param {string} text @param {{ bad?: boolean, offer?: boolean }} how */
  say(text, { bad = false, offer = false }) {
    if (this.text.textContent !== text) this.text.textContent = text;
    this.node.hidden = !text;
    this.node.classList.toggle("bad", bad);
    this.button.hidden = !offer;
  }

  /** Load the page anew; what is chosen is told by its names, as numbers mean something else in it. */
  reload() {
    const { model } = this, { report, state } = model, tree = model.tree(), fn = model.selected();
    const names = lineage(tree, model.zoom()).map((node) => nameOf(report, tree, node));
    history.replaceState({ names, fn: report.functions[fn] ?? "" }, "", state.hash());
    location.reload();
  }

  goThere() {
    const { model } = this, { report, state } = model, kept = history.state;
    if (!Array.isArray(kept?.names)) return;
    history.replaceState(null, "", state.hash());
    const tree = model.tree();
    let zoom = 0;
    for (const name of kept.names) {
      let child = tree.first[zoom];
      while (child && nameOf(report, tree, child) !== name) child = tree.next[child];
      if (!child) break;
      zoom = child;
    }
    state.set({ zoom, fn: report.functions.indexOf(kept.fn) }, true);
  }
}

/** Instructions of functions that the page does not hold: the server is asked for each once. */
export class AskedCode {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<number, { report: import("../stacks/data.js").Report, note: string }>} */
    this.known = new Map();
  }

  /** The report with the code of a function, and what there is to say of that. @param {number} fn */
  of(fn) {
    const { report } = this.model, known = this.known.get(fn), name = report.functions[fn];
    if (known) return known;
    const kind = report.kinds[report.column.kind[report.column.function.indexOf(fn)]]?.[0];
    const isVain = report.difference || ["kernel", "unknown"].includes(kind) || report.codes.some(([called]) => called === name);
    if (!report.live || isVain || location.protocol === "file:") return { report, note: "" };
    const asked = { report, note: "Its instructions are being asked for." };
    this.known.set(fn, asked);
    this.ask(fn, new URLSearchParams({ name, version: report.live.version }));
    return asked;
  }

  /** @param {number} fn @param {URLSearchParams} query */
  async ask(fn, query) {
    const { report, state } = this.model;
    let found = { report, note: "No instructions: goinspect has ended." };
    try {
      const answer = await fetch(`code?${query}`), told = await answer.json();
      found = answer.ok && !told.error ? { report: { ...report, ...told, column: { ...report.column, ...told.column } }, note: "" }
        : { report, note: `No instructions: ${told.error}.` };
    } catch { /* what is said already */ }
    this.known.set(fn, found);
    state.tell();
  }
}
