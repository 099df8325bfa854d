// The way back from what is zoomed into.

import { element } from "./dom.js";
import { nameOf } from "./paint.js";
import { shorten } from "../../../assets/labels.js";
import { lineage } from "../stacks/tree.js";

const MOST_CRUMBS = 7;

/**
 * Buttons for what is above a node, and for itself.
 * @param {import("../model.js").Model} model @param {number} zoom
 */
export function wayTo(model, zoom) {
  const { report, state } = model, tree = model.tree(), nodes = [0, ...lineage(tree, zoom)];
  const left = nodes.length > MOST_CRUMBS ? nodes.length - MOST_CRUMBS + 1 : 0;
  const parts = [];
  for (const [i, node] of nodes.entries()) {
    if (i > 0 && i <= left) {
      if (i === 1) parts.push(element("span", { title: `${left} more` }, "…"));
      continue;
    }
    const name = nameOf(report, tree, node);
    const button = element("button", { type: "button", title: name.slice(0, 400) }, shorten(name, 32, true) || name.slice(0, 32));
    if (node === zoom) button.setAttribute("aria-current", "location");
    button.addEventListener("click", () => state.set({ zoom: node }));
    parts.push(button);
  }
  return parts;
}
