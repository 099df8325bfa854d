// What the reader takes away: text to the clipboard, pictures as files.

/** @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not allowed here: as it was done before
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const link = document.createElement("a"), url = URL.createObjectURL(blob);
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A name for a file out of a title. @param {string} title @param {string} suffix */
export function fileName(title, suffix) {
  const plain = title.replace(/[^\p{L}\p{N}._-]+/gu, "-").slice(0, 80).replace(/^-|-$/g, "");
  return `${plain || "flame"}.${suffix}`;
}

/** @param {string} text */
const markup = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
  .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\0-\x08\x0b-\x1f\ufffe\uffff]/g, "\ufffd");

/**
 * @typedef {object} Rectangle
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {string} fill
 * @property {number} opacity
 * @property {string} label
 * @property {string} title
 */

/**
 * A picture of rectangles with text, as an SVG file.
 * @param {string} title @param {number} width @param {number} height @param {number} row height of a rectangle
 * @param {{ paper: string, ink: string }} colors @param {Rectangle[]} rectangles
 */
export function svgOf(title, width, height, row, { paper, ink }, rectangles) {
  const number = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);
  const shapes = rectangles.map(({ x, y, width: wide, fill, opacity, label, title: told }) =>
    `<g><title>${markup(told)}</title><rect x="${number(x)}" y="${number(y)}" width="${number(wide)}" height="${row - 1}" rx="2" `
    + `fill="${fill}"${opacity < 1 ? ` fill-opacity="${opacity}"` : ""}/>`
    + `${label ? `<text x="${number(x + 4)}" y="${number(y + 12.5)}">${markup(label)}</text>` : ""}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" `
    + `font-family="ui-monospace, monospace" font-size="12" fill="${ink}"><title>${markup(title)}</title>`
    + `<rect width="${width}" height="${height}" fill="${paper}"/>${shapes.join("")}</svg>\n`;
}
