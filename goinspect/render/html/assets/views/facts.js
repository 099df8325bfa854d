// What is known of the recording: what the last line of the command says, and what stands behind it.

import { element } from "../page/dom.js";

export class FactsView {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    const sections = model.report.facts.flatMap(([heading, lines]) => [
      element("h2", {}, heading),
      element("ul", {}, ...lines.map((line) => element("li", {}, element("bdi", {}, line)))),
    ]);
    this.node = element("section", { className: "facts-page", "aria-label": "Facts", tabIndex: 0 }, ...sections);
  }

  update() {}
}
