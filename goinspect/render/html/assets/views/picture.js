// All rows of a graph as a picture: what is below and above the window, too.

import { svgOf } from "../page/keep.js";
import { describe, nameOf, themed } from "../page/paint.js";

/** @typedef {import("./chart.js").Chart} Chart */

const MOST_PIXELS = 16_000; // of a side: more than that, canvases of some browsers cannot have

/** @param {Chart} chart */
function whole(chart) {
  const width = chart.scroll.clientWidth, height = chart.tall;
  return { width, height, boxes: chart.layOut(width, 0, Infinity), base: chart.upward ? height : 0 };
}

/** @param {Chart} chart @param {string} title */
export function asSvg(chart, title) {
  const { width, height, boxes, base } = whole(chart), tree = chart.tree, pen = chart.canvas.getContext("2d");
  if (!tree) return "";
  const cell = pen.measureText("0".repeat(40)).width / 40;
  const shapes = boxes.map((box) => {
    const look = chart.lookOf(box, cell);
    const told = box.node < 0 ? "too narrow to be shown"
      : [nameOf(chart.report, tree, box.node), ...describe(chart.report, tree, box.node)].join("\n");
    return { ...box, y: chart.y(box, base), width: Math.max(box.width - 0.5, 0.3), fill: look.fill || themed("hatch"),
      opacity: look.opacity, label: look.label, title: told };
  });
  return svgOf(title, width, height, chart.rowHeight, { paper: themed("paper"), ink: themed("ink") }, shapes);
}

/** @param {Chart} chart @returns {Promise<Blob | null>} */
export function asPng(chart) {
  const { width, height, boxes, base } = whole(chart), canvas = document.createElement("canvas");
  const ratio = Math.min(devicePixelRatio || 1, MOST_PIXELS / Math.max(width, height));
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  pen.scale(ratio, ratio);
  pen.fillStyle = themed("paper");
  pen.fillRect(0, 0, width, height);
  chart.paint(pen, boxes, base);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
