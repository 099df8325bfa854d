// Where nodes of a tree stand beside and above each other.

/** @typedef {{ node: number, x: number, width: number, row: number }} Box `node` -1: several that are too narrow for places of their own */

/**
 * Boxes of a node and of what is above it.
 * @param {(node: number) => number[]} children in their order
 * @param {Float64Array} size of each node
 * @param {Box} top
 * @param {{ from: number, to: number, least: number }} seen rows, and the width of a box that is one
 * @returns {Box[]}
 */
export function spread(children, size, top, { from, to, least }) {
  const boxes = [], scale = top.width / size[top.node], todo = [top];
  for (let box = todo.pop(); box; box = todo.pop()) {
    if (box.row >= from) boxes.push(box);
    if (box.row >= to) continue;
    const row = box.row + 1;
    let x = box.x, narrow = x; // narrow: where a run of frames begins that are too narrow for one of their own
    for (const node of children(box.node)) {
      const width = size[node] * scale;
      if (width >= least) {
        if (x - narrow >= least) boxes.push({ node: -1, x: narrow, width: x - narrow, row });
        todo.push({ node, x, width, row });
        narrow = x + width;
      }
      x += width;
    }
    if (x - narrow >= least) boxes.push({ node: -1, x: narrow, width: x - narrow, row });
  }
  return boxes;
}
