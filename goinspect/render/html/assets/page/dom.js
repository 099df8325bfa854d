// Elements. Names are untrusted text: they go in through textContent and attributes that hold text, never as markup.

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, any>} [properties] of the element; `aria-…`, `role` and `for` become attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/^(aria-|role$|for$|data-)/.test(name)) made.setAttribute(name, String(value));
    else /** @type {any} */ (made)[name] = value;
  }
  made.append(...children);
  return made;
}

/**
 * A labelled choice.
 * @param {string} label
 * @param {[string, string][]} choices value and text of each
 * @param {(value: string) => void} onChange
 */
export function choice(label, choices, onChange) {
  const select = element("select", {}, ...choices.map(([value, text]) => element("option", { value }, text)));
  select.addEventListener("change", () => onChange(select.value));
  return { select, node: element("label", { className: "choice" }, `${label} `, select) };
}

/**
 * A labelled switch.
 * @param {string} label
 * @param {string} title
 * @param {(on: boolean) => void} onChange
 */
export function toggle(label, title, onChange) {
  const box = element("input", { type: "checkbox" });
  box.addEventListener("change", () => onChange(box.checked));
  return { box, node: element("label", { className: "toggle", title }, box, ` ${label}`) };
}

/**
 * Put `node` beside the box of a frame, never over it.
 * @param {HTMLElement} node
 * @param {{ x: number, top: number, bottom: number }} at in px of the window
 */
export function besideBox(node, at) {
  node.hidden = false;
  const { width, height } = node.getBoundingClientRect();
  const below = at.bottom + 6;
  node.style.left = `${Math.max(4, Math.min(at.x + 10, innerWidth - width - 4))}px`;
  node.style.top = `${below + height < innerHeight ? below : Math.max(0, at.top - 6 - height)}px`;
}
