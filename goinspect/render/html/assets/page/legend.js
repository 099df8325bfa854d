// What colours stand for.

import { legendOf } from "./coloring.js";
import { element } from "./dom.js";
import { fillOf } from "./paint.js";

/** Entries of the legend: each searches for what it stands for. @param {import("../model.js").Model} model @returns {HTMLElement[]} */
export function keysOf(model) {
  const { report, state } = model;
  return legendOf(model).map(([text, color, query]) => {
    const swatch = element("i", { className: fillOf(report, color) ? "" : "hatched" });
    if (fillOf(report, color)) swatch.style.background = fillOf(report, color);
    if (!query) return element("span", { className: "step" }, swatch, text);
    const short = query.slice(0, 400);
    const button = element("button", { type: "button", title: short, "aria-label": `Search for ${short}` }, swatch, text);
    button.addEventListener("click", () => state.set({ q: state.now.q === query ? "" : query }));
    return button;
  });
}
