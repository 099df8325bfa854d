// Everything around the frames: header, details, help, keys, pointer, and the address that remembers the view.

const HEAD_TOP = 10, LEGEND_ROW = 20, FOOT = 66, NARROW = 760;
const head = svg.querySelector(".head");
const foot = svg.querySelector(".foot");
const titleText = head.querySelector(".title");
const titleFull = data.title, subtitleFull = data.subtitle; // the still picture may have had to cut them
const subtitleText = head.querySelector(".subtitle");
const footNote = foot.querySelector("text").textContent;
const isDocument = document.documentElement === svg;

// HTML inside the picture: real text fields and text that wraps.
function html(tag, className, content = "") {
  const element = document.createElementNS(XHTML, tag);
  if (className) element.className = className;
  element.textContent = content;
  return element;
}

function island(parentNode, className, child) {
  const place = parentNode.appendChild(document.createElementNS(SVG, "foreignObject"));
  place.setAttribute("class", className);
  place.appendChild(child);
  return place;
}

function button(label, tip, action) {
  const element = html("button", "", label);
  element.type = "button";
  element.title = tip;
  element.addEventListener("click", action);
  return element;
}

const field = html("input", "");
field.type = "text";
field.placeholder = "Search: name or regex   /";
field.setAttribute("aria-label", "Search function names");
field.spellcheck = false;
field.autocomplete = "off";
const resetButton = button("Reset zoom", "Show everything again (Esc)", () => zoom(0));
const helpButton = button("?", "Keys (?)", () => toggleHelp());
const bar = html("div", "bar");
bar.append(field, resetButton, helpButton);
const barPlace = island(head, "controls", bar);

const nameLine = html("div", "name");
const factsLine = html("div", "facts");
const what = html("div", "what");
what.append(nameLine, factsLine);
const matched = html("div", "matched");
matched.setAttribute("role", "status");
const details = html("div", "details");
details.append(what, matched);
const detailsPlace = island(foot, "controls", details);
foot.querySelector("text").remove();

// ---- Fitting the window

function fit() {
  arrange();
  if (Math.abs(availableWidth() - view.width) > 0.5) arrange(); // a scroll bar came or went
}

function availableWidth() {
  return data.width || Math.max(280, svg.getBoundingClientRect().width);
}

function arrange() {
  view.width = availableWidth();
  view.inner = view.width - 2 * MARGIN;
  const headHeight = arrangeHead();
  const chart = rowCount() * ROW;
  const tight = headHeight + chart + FOOT;
  const fills = isDocument && !data.width && chart > window.innerHeight / 3; // a small chart would look lost
  const height = fills ? Math.max(tight, window.innerHeight) : tight;
  const top = data.inverted ? headHeight : height - FOOT - chart; // flames stand on the details, icicles hang
  svg.setAttribute("height", isDocument && !data.width ? Math.max(height, window.innerHeight) : height);
  view.height = height;
  view.top = top;
  layer.setAttribute("transform", `translate(${MARGIN},${top})`);
  setBox(detailsPlace, MARGIN, 6, view.inner, FOOT - 6);
  draw();
  stick();
}

function arrangeHead() {
  const narrow = view.width < NARROW;
  const barWidth = narrow ? view.inner : Math.min(430, view.inner / 2);
  const room = narrow ? view.inner : view.inner - barWidth - 24;
  fitText(titleText, titleFull, room);
  fitText(subtitleText, subtitleFull, room);
  setBox(barPlace, view.width - MARGIN - barWidth, narrow ? HEAD_TOP + 48 : HEAD_TOP + 4, barWidth, 34);
  const legendTop = narrow ? 104 : 64;
  const height = legendTop + arrangeLegend(legendTop) * LEGEND_ROW + 8;
  head.querySelector(".paper").setAttribute("height", height - 6);
  return height;
}

// Flow the legend like words on a page; answers how many lines it took.
function arrangeLegend(top) {
  let x = MARGIN, line = 0, before = null;
  for (const key of head.querySelectorAll(".key")) {
    const width = 17 + key.querySelector("text").getComputedTextLength();
    const isPackage = key.classList.contains("package"); // packages begin a line of their own
    if (x > MARGIN && (x + width > view.width - MARGIN || (isPackage && before === false))) {
      x = MARGIN;
      line++;
    }
    key.setAttribute("transform", `translate(${x},${top + line * LEGEND_ROW})`);
    x += width + 18;
    before = isPackage;
  }
  return line + 1;
}

function setBox(element, x, y, width, height) {
  for (const [name, value] of Object.entries({ x, y, width, height })) element.setAttribute(name, value);
}

function fitText(element, full, room) {
  element.textContent = full;
  let keep = full.length;
  while (keep > 1 && element.getComputedTextLength() > room) {
    keep = Math.min(keep - 1, Math.floor((keep * room) / element.getComputedTextLength()));
    element.textContent = full.slice(0, keep).trimEnd() + "…";
  }
}

// Header and details stay in sight while a tall picture scrolls under them.
function stick() {
  const above = -svg.getBoundingClientRect().top;
  const below = Math.min(view.height, above + window.innerHeight);
  head.setAttribute("transform", `translate(0,${Math.max(0, above)})`);
  foot.setAttribute("transform", `translate(0,${Math.max(below, FOOT) - FOOT})`);
  for (const place of svg.querySelectorAll(".helping")) place.setAttribute("y", Math.max(0, above) + 60);
}

// ---- Zoom and search

function zoom(target, remembered = true) {
  const node = isHidden(target) ? parentOf(target) : target;
  if (node === view.root) return;
  view.root = node;
  view.hover = -1;
  draw();
  if (remembered) remember(true);
  refresh();
}

function searchFor(query, remembered = true) {
  setQuery(query);
  if (field.value !== query) field.value = query;
  if (remembered) remember(false);
  refresh();
}

function toggleInlined() {
  view.flat = !view.flat;
  if (isHidden(view.root)) view.root = parentOf(view.root);
  fit();
  remember(false);
  refresh();
}

// ---- The address

function remember(asNewEntry) {
  const state = new URLSearchParams();
  if (view.root) {
    state.set("zoom", frameOf(view.root).name.slice(0, 200));
    state.set("at", view.root);
  }
  if (view.query) state.set("search", view.query);
  if (view.flat) state.set("inlined", "0");
  const address = `${location.href.split("#")[0]}#${state}`;
  if (address === location.href || (!location.hash && !String(state))) return;
  try {
    history[asNewEntry ? "pushState" : "replaceState"](null, "", address);
  } catch {
    // A sandboxed page may not write its address: the view then cannot be shared, all else works.
  }
}

// Whatever stands in the address, the answer is a view of this picture.
function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  view.flat = state.get("inlined") === "0";
  const target = findNode(state.get("zoom"), state.get("at"));
  view.root = isHidden(target) ? parentOf(target) : target;
  if (view.cursor >= 0) boxes[view.cursor].classList.remove("cursor");
  view.cursor = -1;
  fit();
  searchFor((state.get("search") ?? "").slice(0, 1000), false);
}

// The node at that number if its name is right; else the heaviest of that name: recordings change, names stay.
function findNode(name, at) {
  if (!name) return 0;
  const named = (i) => frameOf(i).name.slice(0, 200) === name;
  const number = /^\d{1,9}$/.test(at ?? "") ? Number(at) : 0;
  if (number < count && named(number)) return number;
  let best = 0;
  for (let i = 1; i < count; i++) if (named(i) && (!best || total[i] > total[best])) best = i;
  return best;
}
