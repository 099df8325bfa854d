// Search: a part of names, /a pattern/, package:…, module:…, file:…, kind:… or, for a whole name, function:…; each frame is
// looked at once, however often it is drawn.

/** @typedef {import("./data.js").Report} Report */

/**
 * What a query asks of a text. Upper case counts where there is any.
 * @param {string} wanted
 * @returns {(text: string) => boolean}
 */
function compile(wanted) {
  const hasUpperCase = /\p{Lu}/u.test(wanted.replace(/\\./g, ""));
  const pattern = /^\/(.+?)\/?$/s.exec(wanted)?.[1];
  if (pattern !== undefined) {
    const made = new RegExp(pattern, hasUpperCase ? "" : "i");
    return (text) => made.test(text);
  }
  if (hasUpperCase) return (text) => text.includes(wanted);
  const lower = wanted.toLowerCase();
  return (text) => text.toLowerCase().includes(lower);
}

/**
 * Which frames a query finds; null: nothing is asked. Throws SyntaxError where a pattern is none.
 * @param {Report} report @param {string} query @returns {Uint8Array | null}
 */
export function find(report, query) {
  const [, field, rest] = /^(package|module|file|kind|function):(.*)$/s.exec(query) ?? [, "", query];
  if (!rest) return null;
  const test = field === "function" ? (/** @type {string} */ text) => text === rest : compile(/** @type {string} */ (rest));
  const { function: name, package: package_, module, file, line, kind } = report.column;
  if (field === "file") return Uint8Array.from(file, (row, i) => (report.files[row] && test(`${report.files[row]}:${line[i]}`) ? 1 : 0));
  const [column, found] =
    field === "package" ? [package_, report.packages.map(test)]
    : field === "module" ? [module, report.modules.map(test)]
    : field === "kind" ? [kind, report.kinds.map(([key, label]) => test(key) || test(label))]
    : [name, report.functions.map(test)];
  return Uint8Array.from(column, (row) => (found[row] ? 1 : 0));
}

/** Is a query about lines, which frames are not drawn apart by? @param {string} query */
export const asksLines = (query) => query.startsWith("file:");

/**
 * Frames that are drawn for at least one that was found.
 * @param {Report} report @param {Uint8Array} hits @param {boolean} folds are closures drawn as their functions?
 */
export function drawn(report, hits, folds) {
  const { same, outer } = report.column, out = new Uint8Array(hits.length);
  for (let i = 0; i < hits.length; i++) if (hits[i]) out[i] = out[same[folds ? outer[i] : i]] = 1;
  return out;
}

/**
 * What the frames found weigh: each stack once, whatever of it was found.
 * @param {Report} report @param {import("./paths.js").Paths} paths @param {Uint8Array} hits
 */
export function weigh(report, paths, hits) {
  const names = new Uint8Array(report.functions.length), { function: name } = report.column;
  let total = 0, own = 0, functions = 0;
  for (let i = 0; i + 1 < paths.start.length; i++) {
    const end = paths.start[i + 1];
    if (!paths.weight[i] && !paths.samples[i] && !paths.base?.[i]) continue;
    let some = false;
    for (let j = paths.start[i]; j < end; j++) {
      const row = paths.frame[j];
      if (!hits[row]) continue;
      some = true;
      if (!names[name[row]]) {
        names[name[row]] = 1;
        functions++;
      }
    }
    if (some) total += paths.weight[i];
    if (some && hits[paths.frame[end - 1]]) own += paths.weight[i];
  }
  return { total, own, functions };
}
