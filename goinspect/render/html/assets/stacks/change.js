// What became of a weight, and what is noise: the rules are those of views/difference.py.

import { formatWeight } from "../../../assets/numbers.js";

/**
 * @typedef {object} Side
 * @property {string} path
 * @property {number} samples
 * @property {number} weight
 * @property {number} grain what a sample weighs, 0: not known
 */
/**
 * @typedef {object} Difference
 * @property {Side} base
 * @property {Side} other
 * @property {boolean} absolute
 * @property {[number, number]} scale what weights of the base are multiplied with, as a fraction
 */
/**
 * @typedef {object} Change
 * @property {number} now
 * @property {number} before as it is compared
 * @property {number} delta
 * @property {number | null} error
 * @property {string} what
 * @property {number | null} factor
 * @property {number | null} factorError
 */

/** How often a normal value is beyond `x`, of 2 and more. @param {number} x */
function beyond(x) {
  let fraction = x;
  for (let k = 60; k > 0; k--) fraction = x + k / fraction;
  return Math.exp((-x * x) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
}

/** How many standard errors are noise where so many differences are looked at. @param {number} compared */
export function errorsAllowed(compared) {
  const wanted = beyond(2) / Math.max(compared, 1);
  let low = 2, high = 12;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (beyond(middle) > wanted) low = middle;
    else high = middle;
  }
  return low;
}

/** A weight of the base, as it is compared. @param {Difference} difference @param {number} weight */
const scaled = ({ scale: [by, part] }, weight) => Math.round((weight * by) / part);

/**
 * @param {Difference} difference @param {number} most standard errors that are noise
 * @param {number} now @param {number} recorded of the base
 * @returns {Change}
 */
export function changeOf(difference, most, now, recorded) {
  const { base, other, absolute, scale: [by, part] } = difference, before = scaled(difference, recorded), delta = now - before;
  const times = by / part, isCounted = base.grain > 0 && other.grain > 0, whole = absolute ? 0 : other.weight;
  let error = null;
  if (isCounted) {
    const ofWhole = (/** @type {number} */ weight) => (whole ? weight * Math.max(1 - weight / whole, 0) : weight);
    const old = recorded * times, grains = [other.grain, base.grain * times];
    const found = ofWhole(now) * grains[0] + ofWhole(old) * grains[1];
    const same = (now / grains[0] + old / grains[1]) / (1 / grains[0] + 1 / grains[1]);
    error = Math.sqrt(Math.max(found, ofWhole(same) * (grains[0] + grains[1])));
  }
  const factor = recorded ? (now * part) / (recorded * by) : null;
  const what = !delta ? "same" : error !== null && Math.abs(delta) <= most * error ? "noise"
    : !now ? "gone" : !recorded ? "new" : delta > 0 ? "grew" : "shrank";
  return { now, before, delta, what, factor, error: error === null ? null : Math.round(error),
    factorError: error === null || !factor ? null : factor * Math.sqrt(other.grain / now + base.grain / recorded) };
}

/** The colour: grew, shrank; by how much. @param {Change} change */
export function classOf({ what, delta, now, before }) {
  if (what === "same" || what === "noise") return "d0";
  const small = Math.min(now, before), large = Math.max(now, before);
  return `${delta > 0 ? "d" : "e"}${1 + Number(4 * large >= 5 * small) + Number(large >= 2 * small)}`;
}

/** @param {number} value @param {string} unit */
const formatSigned = (value, unit) => `${value > 0 ? "+" : value < 0 ? "-" : ""}${formatWeight(Math.abs(value), unit)}`;

/** @param {Change} change @param {string} unit */
export function changeWords({ delta, error, factor, what }, unit) {
  if (what === "same") return "the same";
  const times = factor && Math.round(factor * 100) ? `, × ${factor.toFixed(2)}` : "";
  return `${formatSigned(delta, unit)}${error === null ? "" : ` ± ${formatWeight(2 * error, unit)}`}${times}, `
    + (what === "noise" ? "within noise" : what);
}
