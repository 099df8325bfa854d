// Labels of frames, in picture and report: the rules are those of labels.py.

export const MIN_LABEL = 3;
export const WIDE = /[^\x00-\u02ff\u2026]/; // may be wider than a monospace cell

/** How many monospace cells a text needs at most. @param {string} text */
export function cells(text) {
  let used = 0;
  for (const character of text) used += WIDE.test(character) ? 2 : 1;
  return used;
}

/** @param {string} name */
function withoutTypeArguments(name) {
  let kept = "", nested = 0;
  for (const character of name) {
    if (character === "[") kept += nested++ ? "" : "[…]";
    else if (character === "]" && nested) nested--;
    else if (!nested) kept += character;
  }
  return kept;
}

/** @param {string} name */
function* forms(name) {
  yield name;
  const plain = withoutTypeArguments(name);
  yield plain;
  const local = plain.slice(plain.lastIndexOf("/") + 1);
  yield local;
  const dot = local.indexOf(".");
  const rest = dot > 0 ? local.slice(dot + 1) : "";
  if (!rest) return;
  yield rest;
  const method = rest.includes(").") ? rest.slice(rest.lastIndexOf(").") + 2) : rest;
  if (!/^(?:func|gowrap|deferwrap)?[\d.]+$/.test(method)) yield method;
}

/**
 * The longest telling form of a name in `budget` cells, or nothing.
 * @param {string} name @param {number} budget @param {boolean} isGo
 */
export function shorten(name, budget, isGo) {
  if (budget < MIN_LABEL) return "";
  let last = name;
  for (const form of isGo ? forms(name) : [name]) {
    if (form.length <= budget && cells(form) <= budget) return form;
    last = form;
  }
  return cut(last, budget);
}

/** The beginning of a text in `budget` cells, or nothing. @param {string} text @param {number} budget */
export function cut(text, budget) {
  let used = 1, kept = ""; // 1: the ellipsis
  for (const character of text) {
    used += cells(character);
    if (used > budget) return Array.from(kept).length >= MIN_LABEL ? `${kept.trimEnd()}…` : "";
    kept += character;
  }
  return text;
}
