// Numbers, in picture and report: the rules are those of values.py.

const UNIT_PARTS = { thousandths: 1e3, millionths: 1e6, billionths: 1e9 };

/** @param {number} value @param {string} unit */
export function formatWeight(value, unit) {
  const grouped = value.toLocaleString("en-US");
  const [, part, whole] = /^(thousandths|millionths|billionths) of (.*)/.exec(unit) ?? [];
  if (part) return `${formatParts(value, UNIT_PARTS[/** @type {"thousandths"} */ (part)])} ${whole}`;
  if (unit === "bytes") return formatBytes(value);
  if (unit !== "ns") return grouped + (unit === "count" ? "" : unit === "samples" && value === 1 ? " sample" : ` ${unit}`);
  for (const [size, name] of /** @type {[number, string][]} */ ([[1e9, "s"], [1e6, "ms"], [1e3, "µs"]])) {
    if (value < size) continue;
    const amount = value / size;
    const digits = amount < 10 ? 2 : amount < 100 ? 1 : 0;
    return `${amount.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${name}`;
  }
  return value ? `${value} ns` : "0";
}

/** @param {number} value @param {number} parts */
function formatParts(value, parts) {
  const thousandths = Math.floor((value * 1000 + parts / 2) / parts);
  if (!thousandths && value) return "<0.001";
  return (thousandths / 1000).toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** @param {number} value */
function formatBytes(value) {
  for (const [size, name] of /** @type {[number, string][]} */ ([[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]])) {
    if (value * 20000 < size * 19999) continue;
    const tenths = Math.floor((value * 10 + size / 2) / size);
    return `${Math.floor(tenths / 10).toLocaleString("en-US")}.${tenths % 10} ${name}`;
  }
  return `${value} B`;
}

/** @param {number} part @param {number} whole */
export function formatShare(part, whole) {
  const share = whole ? (100 * part) / whole : 0;
  if (!share) return "0 %";
  if (share < 0.01) return "<0.01 %";
  return `${share.toFixed(share < 1 ? 2 : 1)} %`;
}
