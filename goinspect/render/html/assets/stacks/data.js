// The recording as it is in the page: see columns.py.

/**
 * @typedef {Uint8Array | Uint16Array | Uint32Array | Float64Array} Column
 * @typedef {object} Report
 * @property {string} title
 * @property {string} subtitle
 * @property {string} unit of weights
 * @property {number} scale
 * @property {Record<string, string[]>} labels values of each label
 * @property {string} root the label that stands above stacks
 * @property {string} order
 * @property {string} layout
 * @property {[string, string][]} kinds key and name of each
 * @property {([string, string] | null)[]} colors light and dark; null: hatched
 * @property {[string, number, string][]} legend text, colour and search of each entry
 * @property {[string, string[]][]} facts
 * @property {Record<string, any> | null} times of single samples
 * @property {boolean} sizes bytes of symbols, which lie in types and packages
 * @property {{ version: string } | null} live of a report that is served
 * @property {string[]} functions
 * @property {string[]} packages
 * @property {string[]} modules
 * @property {string[]} files
 * @property {boolean} lines are frames of different lines drawn apart?
 * @property {[number, string | null, string][] | null} sources row of the file, its text, and a note; null: not asked for
 * @property {Code[]} codes
 * @property {string} codes_note why there are none
 * @property {string} annotate command that shows the code of a function
 * @property {string[]} texts of instructions
 * @property {string[]} names of their functions and files
 * @property {[number, number, number][][]} inlines name, file and line of calls, the innermost first
 * @property {[string, string, string, string, string, number, number, number, number][]} binaries
 * @property {number} binaries_left
 * @property {[string, string, string[]][]} advice what was found, what helps, commands
 * @property {Record<string, Column>} column
 * @property {Int32Array} start
 * @property {Float64Array} weight
 * @property {Float64Array | null} base what each stack weighed before, as it was recorded; null: nothing is compared
 * @property {import("./change.js").Difference | null} difference
 * @property {number} baseScale
 * @property {number[]} kindColors of each kind
 * @property {number[]} heat colours of more and more
 * @property {[string, number, string][]} changeColors class, colour and meaning of each
 * @property {number} total
 * @property {{ total: number, unit: string }} whole what all samples weigh, whatever of the time is chosen
 */
/**
 * A function with code: its name, binary, entry and end, whether it is whole, what ended in it, went through it and is at no
 * one instruction, and how many instructions follow those of the one before.
 * @typedef {[string, string, string, string, boolean, number, number, number, number]} Code
 */

export const INLINED = 1, RESTORED = 2, GO = 4;

const TYPES = /** @type {Record<string, any>} */ ({
  u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array,
});

/** @param {string} text base64 @returns {Promise<Report>} */
export async function unpack(text) {
  const binary = atob(text);
  const packed = new Uint8Array(binary.length);
  for (let i = 0; i < packed.length; i++) packed[i] = binary.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const bytes = new Uint8Array(buffer);
  const line = bytes.indexOf(10);
  const report = JSON.parse(new TextDecoder().decode(bytes.subarray(0, line)));
  let at = line + 1;
  /** @type {Record<string, Column>} */
  const column = {};
  for (const [name, type, length] of report.columns) {
    const end = at + TYPES[type].BYTES_PER_ELEMENT * length;
    column[name] = new TYPES[type](buffer.slice(at, end));
    at = end;
  }
  const count = column.size.length;
  const start = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) start[i + 1] = start[i] + column.size[i];
  const weight = Float64Array.from(column.weight, (value) => value * report.scale);
  const total = weight.reduce((sum, value) => sum + value, 0);
  const base = report.difference ? Float64Array.from(column.base, (value) => value * report.baseScale) : null;
  return { difference: null, ...report, column, start, weight, base, total, whole: { total, unit: report.unit } };
}
