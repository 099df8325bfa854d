// What can be done with a frame: a menu where it was asked for, for the pointer, for keys and for fingers.

import { element } from "./dom.js";

/** @typedef {[string, () => void]} Item text, and what it does */

export class Menu {
  constructor() {
    this.node = element("div", { className: "menu", role: "menu", "aria-label": "Actions", hidden: true });
    /** @type {HTMLElement | null} */
    this.before = null;
    this.node.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.press(event));
    document.addEventListener("pointerdown", (event) => {
      if (!this.node.contains(/** @type {Node} */ (event.target))) this.close();
    });
    addEventListener("resize", () => this.close());
  }

  /** @param {Item[]} items @param {number} x @param {number} y in px of the window */
  open(items, x, y) {
    this.before = /** @type {HTMLElement | null} */ (document.activeElement);
    this.node.replaceChildren(...items.map(([text, does]) => {
      const item = element("button", { type: "button", role: "menuitem", tabIndex: -1 }, text);
      item.addEventListener("click", () => {
        this.close();
        does();
      });
      return item;
    }));
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    this.node.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 4))}px`;
    this.node.style.top = `${Math.max(4, Math.min(y, innerHeight - height - 4))}px`;
    this.node.firstElementChild?.focus();
  }

  close() {
    if (this.node.hidden) return;
    this.node.hidden = true;
    this.before?.focus();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const items = [...this.node.children], at = items.indexOf(/** @type {Element} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
