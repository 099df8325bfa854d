// The frames: reads the numbers, puts every <g> in its place, shortens labels. No names from the recording are ever
// parsed as markup: text goes in through textContent only.

const SVG = "http://www.w3.org/2000/svg";
const XHTML = "http://www.w3.org/1999/xhtml";
const svg = document.currentScript ? document.currentScript.closest("svg") : document.documentElement;
const data = JSON.parse(svg.querySelector("metadata").textContent);
const layer = svg.querySelector(".frames");
const boxes = Array.from(layer.children); // one <g> per node, in node order: a parent before its children
const rects = boxes.map((box) => box.querySelector("rect"));
const count = boxes.length;

const MARGIN = 12, ROW = 18, PAD = 4;

const { parent, total, own, frame } = data;
const start = new Float64Array(count); // left edge, in weight units
const end = new Int32Array(count); // the node after the last descendant: a subtree is a range of nodes
const depth = new Int32Array(count);
const flatDepth = new Int32Array(count); // depth when inlined frames are hidden
const flatOwn = Float64Array.from(own);
for (let i = 0; i < count; i++) {
  const up = parent[i];
  const hides = frameOf(i).inlined ? 1 : 0;
  start[i] = i ? start[up] + data.offset[i] : 0;
  depth[i] = i ? depth[up] + 1 : 0;
  flatDepth[i] = i ? flatDepth[up] + 1 - hides : 0;
}
for (let i = count - 1; i >= 0; i--) {
  end[i] = Math.max(end[i], i + 1);
  if (i) end[parent[i]] = Math.max(end[parent[i]], end[i]);
  if (i && frameOf(i).inlined) flatOwn[parent[i]] += flatOwn[i]; // what inlined code did, its caller did
}

// What the reader has chosen. Everything drawn follows from this.
const view = { root: 0, query: "", cursor: -1, hover: -1, flat: false, width: 0, inner: 0 };

function frameOf(i) {
  const [name, pkg, kind, inlined, location, isGo] = data.frames[frame[i]];
  return { name, pkg, kind, inlined, location, isGo };
}

const isHidden = (i) => view.flat && i > 0 && frameOf(i).inlined === 1;
const rowOf = (i) => (view.flat ? flatDepth[i] : depth[i]);
const ownOf = (i) => (view.flat ? flatOwn[i] : own[i]);
const inView = (i) => i >= view.root && i < end[view.root];
const widthOf = (i) => (total[i] * view.inner) / total[view.root];
const isShown = (i) => !isHidden(i) && (isAbove(i) || (inView(i) && widthOf(i) >= data.minWidth));
const isAbove = (i) => i < view.root && end[i] > view.root;

// The nearest frame towards the root that is drawn.
function parentOf(i) {
  let up = parent[i];
  while (up > 0 && isHidden(up)) up = parent[up];
  return up;
}

function rowCount() {
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, rowOf(i));
  return most + 1;
}

// ---- Labels: the rules of svg.py, see shorten() there.

// Width of a monospace cell. Never less than the generous one of the still picture, so that both agree.
const cell = Math.max(7.25, measureCell());

function measureCell() {
  const probe = document.createElementNS(SVG, "text");
  probe.textContent = "0".repeat(40);
  const box = layer.appendChild(document.createElementNS(SVG, "g"));
  box.appendChild(probe);
  const width = probe.getComputedTextLength() / 40;
  box.remove();
  return width;
}

// ---- Drawing

// What the last drawing left behind: writing to the document is the slow part, so nothing is written twice.
const drawn = {
  cells: new Int32Array(count).fill(-1), // label budget: most labels do not change
  hidden: new Uint8Array(count),
  above: new Uint8Array(count),
  place: new Array(count).fill(""),
};

function draw() {
  const rows = rowCount();
  const scale = view.inner / total[view.root];
  for (let i = 0; i < count; i++) {
    const shown = isShown(i);
    if (drawn.hidden[i] === Number(shown)) {
      if (shown) boxes[i].removeAttribute("display");
      else boxes[i].setAttribute("display", "none");
      drawn.hidden[i] = Number(!shown);
    }
    if (!shown) continue;
    const above = isAbove(i);
    if (drawn.above[i] !== Number(above)) boxes[i].classList.toggle("above", above);
    drawn.above[i] = Number(above);
    const x = above ? 0 : (start[i] - start[view.root]) * scale;
    const y = (data.inverted ? rowOf(i) : rows - 1 - rowOf(i)) * ROW;
    place(i, `translate(${x.toFixed(2)},${y})`, above ? view.inner : total[i] * scale);
  }
}

function place(i, where, width) {
  if (drawn.place[i] !== where) boxes[i].setAttribute("transform", where);
  drawn.place[i] = where;
  rects[i].setAttribute("width", Math.max(width - 0.5, width * 0.7).toFixed(2));
  const budget = Math.max(0, Math.floor((width - 2 * PAD) / cell));
  if (budget === drawn.cells[i] || (budget < MIN_LABEL && drawn.cells[i] >= 0 && drawn.cells[i] < MIN_LABEL)) return;
  drawn.cells[i] = budget;
  const { name, isGo } = frameOf(i);
  setLabel(boxes[i], shorten(name, budget, isGo));
}

function setLabel(box, label) {
  let text = box.querySelector("text");
  if (!label) {
    if (text) text.remove();
    return;
  }
  if (!text) {
    text = box.appendChild(document.createElementNS(SVG, "text"));
    text.setAttribute("x", PAD);
    text.setAttribute("y", "12.5");
  }
  text.textContent = label;
  text.removeAttribute("textLength");
  if (!WIDE.test(label)) return;
  // Letters of unknown width are squeezed into the place they were given, if they need more.
  const room = cells(label) * cell;
  if (text.getComputedTextLength() <= room) return;
  text.setAttribute("textLength", room.toFixed(2));
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

const written = (value) => formatWeight(value, data.unit);
