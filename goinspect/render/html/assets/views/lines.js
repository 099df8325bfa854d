// What the lines of one function cost, beside their source where it is in the file, and its instructions.

import { choice, element } from "../page/dom.js";
import { AskedCode } from "../page/live.js";
import { formatShare, formatWeight } from "../../../assets/numbers.js";
import { codeOf, CodeTable } from "./code.js";
import { linesOf, listed, SourceTable } from "./source.js";

export class LinesView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const { state } = model;
    this.model = model;
    this.asked = new AskedCode(model);
    this.shown = ""; // what the panes were made of: they keep their place while it is the same
    this.name = element("bdi", { className: "of" });
    this.facts = element("span", { className: "weights" });
    this.note = element("p", { className: "note", role: "status" });
    this.show = choice("Listing", [["both", "Source and instructions"], ["source", "Source"], ["code", "Instructions"]],
      (show) => state.set({ show }));
    const onLine = (/** @type {number} */ line) => {
      const at = `${model.middle()}:${line}`;
      state.set({ line: at === state.now.line ? "" : at });
    };
    this.source = new SourceTable(model.report, onLine);
    this.code = new CodeTable(model.report, onLine);
    this.node = element("section", { className: "lines", "aria-label": "Lines" },
      element("div", { className: "title" }, element("h2", {}, this.name, " ", this.facts), this.show.node), this.note,
      element("div", { className: "panes" }, this.source.node, this.code.node));
  }

  update() {
    const { model } = this, { report, state: { now } } = model, fn = model.middle();
    this.node.hidden = fn < 0;
    if (fn < 0) return;
    const { own, total } = model.sums("function"), whole = model.selection().total, name = report.functions[fn];
    const share = (/** @type {number} */ value) => `${formatWeight(value, report.unit)} (${formatShare(value, whole)})`;
    this.name.textContent = name.length > 400 ? `${name.slice(0, 399)}…` : name;
    this.facts.textContent = `total ${share(total[fn])} · own ${share(own[fn])}`;
    this.show.select.value = now.show;
    const lines = model.once("lines", [model.shape, fn], () => linesOf(model, fn));
    const asked = this.asked.of(fn), pieces = model.once("code", [fn, asked.note, asked.report === report], () => codeOf(asked.report, fn));
    this.note.textContent = this.told(name, lines, pieces, asked.note);
    this.source.node.hidden = now.show === "code" && pieces.length > 0;
    this.code.node.hidden = now.show === "source" || !pieces.length;
    const of = JSON.stringify([model.shown, model.shape, fn, asked.report === report]);
    if (of !== this.shown) {
      this.source.fill(name, listed(report, fn, lines), whole);
      this.code.report = asked.report;
      this.code.fill(name, pieces);
    }
    this.shown = of;
    const [whose, line] = now.line.split(":").map(Number);
    for (const table of [this.source, this.code]) table.mark(whose === fn ? line : 0);
  }

  /** How much of what ended in it is in these instructions. @param {import("./code.js").Piece[]} pieces */
  covered(pieces) {
    const { model } = this, { report } = model, { unit, total } = report.whole, own = model.sums("function").own[model.middle()];
    const all = "Instructions have the weights of all samples";
    if (model.off || model.selection().total !== total || report.unit !== unit) return `${all}.`;
    const inside = pieces.reduce((sum, piece) => sum + piece.inner, 0);
    const command = `${report.annotate} ${quoted(report.functions[model.middle()])}`;
    return inside >= own ? `${all}.` : `${all}: ${formatWeight(inside, unit)} of what ended in it did so here, the rest at `
      + `instructions that are not in the report. All of them shows: ${command}`;
  }

  /**
   * What is not here, and how to get it.
   * @param {string} name @param {import("./source.js").Line[]} lines @param {import("./code.js").Piece[]} pieces
   * @param {string} asked what is said of asking
   */
  told(name, lines, pieces, asked) {
    const { report } = this.model, { column } = report, kind = report.kinds[column.kind[column.function.indexOf(this.model.middle())]][0];
    const notes = new Map(report.sources?.map(([file, , note]) => [file, note])), told = new Set();
    if (report.difference) told.add("Lines and instructions are told of one profile, not of a difference.");
    else if (!lines.length) told.add("Nothing went through it: it is switched off, or left out.");
    else if (lines.every(({ line }) => !line)) told.add("Its lines are not known.");
    else if (!report.sources) told.add("--source DIR puts the source below DIR into the report.");
    for (const { file, line } of lines) if (line && notes.get(file)) told.add(`${report.files[file]}: ${notes.get(file)}.`);
    if (report.difference) return [...told].join(" ");
    if (pieces.length) told.add(this.covered(pieces));
    else if (asked) told.add(asked);
    else if (report.codes_note) told.add(`No instructions: ${report.codes_note}.`);
    else if (["kernel", "unknown"].includes(kind)) told.add("The report has no instructions of it.");
    else if (!report.codes.length) told.add("No instructions: they are in the report where binaries are at hand.");
    else {
      told.add(`The report has the instructions of ${report.codes.length} of the hottest functions; those of this one shows: `
        + `${report.annotate} ${quoted(name)}`);
    }
    return [...told].slice(0, 6).join(" ");
  }
}

/** A word of the shell. @param {string} text */
const quoted = (text) => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
