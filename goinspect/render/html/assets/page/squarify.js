// Rectangles for weights, as square as they can be: Bruls, Huizing and van Wijk, Squarified Treemaps (2000).

/** @typedef {{ x: number, y: number, width: number, height: number }} Room */

/**
 * Rows of rectangles along the shorter side of what is left, each as long as that makes its worst one squarer.
 * @param {number[]} weights positive, the heaviest first @param {Room} room @returns {Room[]}
 */
export function squarify(weights, room) {
  /** @type {Room[]} */
  const made = [];
  let { x, y, width, height } = room, rest = weights.reduce((sum, weight) => sum + weight, 0);
  while (made.length < weights.length) {
    const side = Math.min(width, height), area = rest > 0 ? (width * height) / rest : 0, begin = made.length;
    let end = begin, sum = 0, worst = Infinity;
    for (; end < weights.length; end++) {
      const more = sum + weights[end], thick = (more * area) / side;
      const ratio = Math.max((weights[begin] * area) / (thick * thick), (thick * thick) / (weights[end] * area));
      if (ratio > worst) break;
      sum = more;
      worst = ratio;
    }
    const thick = side > 0 ? (sum * area) / side : 0, isColumn = height <= width;
    let at = isColumn ? y : x;
    for (; made.length < end;) {
      const long = sum > 0 ? (side * weights[made.length]) / sum : 0;
      made.push(isColumn ? { x, y: at, width: thick, height: long } : { x: at, y, width: long, height: thick });
      at += long;
    }
    if (isColumn) {
      x += thick;
      width = Math.max(width - thick, 0);
    } else {
      y += thick;
      height = Math.max(height - thick, 0);
    }
    rest -= sum;
  }
  return made;
}
