// A part of the time, chosen on a canvas by dragging or with keys.

/** @typedef {import("../stacks/times.js").Part} Part */

const FEW = 3; // px that a click may move

export class Brush {
  /**
   * @param {import("../model.js").Model} model
   * @param {HTMLCanvasElement} canvas
   * @param {{ partAt: (x: number, y: number) => Part | null, steps: () => { x: number, y: number }, picks?: boolean }} how
   *   `partAt`: the time that is drawn at a place; `steps` of the arrow keys, in µs; `picks`: a click chooses what is under it,
   *   in place of all
   */
  constructor(model, canvas, how) {
    this.model = model;
    this.how = how;
    this.canvas = canvas;
    /** @type {import("./state.js").Choices | null} */
    this.before = null;
    /** @type {{ part: Part, x: number, y: number } | null} */
    this.start = null;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.up());
    canvas.addEventListener("pointercancel", () => this.back());
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("keyup", () => this.keep());
    canvas.addEventListener("blur", () => this.keep());
  }

  /** @param {PointerEvent} event */
  at(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return this.how.partAt(event.clientX - left, event.clientY - top);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const part = event.button === 0 ? this.at(event) : null;
    if (!part) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = { part, x: event.clientX, y: event.clientY };
    this.moved = false;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { start } = this, part = start && this.at(event);
    if (!start || !part) return;
    this.moved ||= Math.hypot(event.clientX - start.x, event.clientY - start.y) > FEW;
    if (!this.moved) return;
    const waiting = this.next;
    this.next = { from: Math.min(start.part.from, part.from), to: Math.max(start.part.to, part.to) };
    if (!waiting) requestAnimationFrame(() => this.follow());
  }

  follow() {
    if (this.next) this.show(this.next);
    this.next = undefined;
  }

  up() {
    const { start } = this;
    if (!start) return;
    this.start = null;
    this.follow();
    if (!this.moved) this.show(this.how.picks ? start.part : { from: 0, to: 0 });
    this.keep();
  }

  /** Show a part; the address follows when it is kept. @param {Part} part */
  show({ from, to }) {
    const { state, times } = this.model, end = Math.ceil((times?.length ?? 0) / 1000);
    this.before ??= state.now;
    state.now = { ...state.now, begin: Math.max(0, Math.floor(from / 1000)), end: Math.min(end, Math.ceil(to / 1000)) };
    state.tell();
  }

  keep() {
    const { state } = this.model, { begin, end } = state.now;
    if (!this.before || this.start) return;
    state.now = this.before;
    this.before = null;
    state.set({ begin, end });
  }

  back() {
    this.start = null;
    this.next = undefined;
    if (this.before) this.model.state.now = this.before;
    this.before = null;
    this.model.state.tell();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const part = this.model.part(), steps = this.how.steps(), length = this.model.times?.length ?? 0;
    const by = { ArrowLeft: -steps.x, ArrowRight: steps.x, ArrowUp: steps.y, ArrowDown: -steps.y }[event.key];
    const wide = part ? part.to - part.from : 0;
    if (event.key === "Escape" && part) this.show({ from: 0, to: 0 });
    else if (by !== undefined && !part) this.show({ from: 0, to: Math.abs(by) });
    else if (by !== undefined && part && event.shiftKey) {
      this.show({ from: part.from, to: Math.max(part.from + 1000, part.to + by) });
    } else if (by !== undefined && part) {
      const from = Math.max(0, Math.min(part.from + by, length - wide));
      this.show({ from, to: from + wide });
    } else if (event.key === "Home" && part) this.show({ from: 0, to: wide });
    else if (event.key === "End" && part) this.show({ from: Math.max(0, length - wide), to: length });
    else return;
    event.preventDefault();
  }
}

/** Steps of an axis that are easy to read, not narrower than `wanted`. @param {number} wanted in µs */
export function roundStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1)));
  const minutes = [60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400].map((seconds) => seconds * 1e6);
  if (wanted > 20e6) return minutes.find((step) => step >= wanted) ?? Math.ceil(wanted / 86400e6) * 86400e6;
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= wanted) ?? power;
}

/** A time on the axis. @param {number} time in µs @param {number} step what it is told to */
export function formatTime(time, step) {
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(Math.max(step, 1)) - 1e-9)));
  const seconds = (time / 1e6).toFixed(digits);
  if (time < 60e6 * 2) return `${seconds} s`;
  const whole = Math.floor(time / 60e6), rest = (time / 1e6 - whole * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const hours = Math.floor(whole / 60);
  return hours ? `${hours}:${String(whole % 60).padStart(2, "0")}:${rest}` : `${whole}:${rest}`;
}
