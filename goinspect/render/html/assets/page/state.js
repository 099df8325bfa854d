// What the reader has chosen. It stands in the address: a link shows the same, and the browser's back goes back.

/**
 * @typedef {object} Choices
 * @property {string} view
 * @property {number} zoom node of the flame graph
 * @property {number} fn function that is selected, -1: none
 * @property {string} q what is searched for
 * @property {string} only a search: stacks without it are left out
 * @property {string} off parts that are switched off, with commas
 * @property {string} root label above stacks, or "none"
 * @property {string} order of siblings
 * @property {string} layout
 * @property {string} color what colours say
 * @property {string} side of a difference: how wide frames are
 * @property {string} from which end stacks are merged
 * @property {string} by what the table tells apart
 * @property {string} sort column of the table
 * @property {string} way up or down
 * @property {string} what of a difference: which rows of the table
 * @property {string} show of the lines view: source, code or both
 * @property {string} line function and line that is selected, or ""
 * @property {string} series samples or waits
 * @property {number} begin of the chosen part of the time, in ms
 * @property {number} end 0: all of the time is shown
 * @property {string} rows of the heat map
 */

export class State {
  /** @param {Choices} defaults @param {Record<string, string[]>} allowed values of the choices that are words */
  constructor(defaults, allowed) {
    this.defaults = defaults;
    this.allowed = allowed;
    /** @type {(() => void)[]} */
    this.listeners = [];
    this.now = this.read();
    addEventListener("popstate", () => this.reread());
    addEventListener("hashchange", () => this.reread());
  }

  reread() {
    const before = this.hash();
    this.now = this.read();
    if (this.hash() !== before) this.tell();
  }

  /** The choices in the address; what makes no sense there is as if it were not there. @returns {Choices} */
  read() {
    const found = /** @type {any} */ ({ ...this.defaults });
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      if (!(name in this.defaults)) continue;
      if (typeof found[name] === "number") {
        if (/^\d{1,9}$/.test(value)) found[name] = Number(value);
      } else if (!this.allowed[name] || value.split(",").every((word) => this.allowed[name].includes(word))) {
        found[name] = value;
      }
    }
    return found;
  }

  hash() {
    const told = new URLSearchParams();
    for (const [name, value] of Object.entries(this.now)) {
      if (value !== /** @type {any} */ (this.defaults)[name]) told.set(name, String(value));
    }
    return `#${told}`;
  }

  /**
   * Choose. `quietly`: without a step that the browser's back goes back to.
   * @param {Partial<Choices>} changes @param {boolean} [quietly]
   */
  set(changes, quietly = false) {
    const before = this.hash();
    this.now = { ...this.now, ...changes };
    const hash = this.hash();
    if (hash === before) return;
    history[quietly ? "replaceState" : "pushState"](null, "", hash);
    this.tell();
  }

  tell() {
    for (const listener of this.listeners) listener();
  }
}
