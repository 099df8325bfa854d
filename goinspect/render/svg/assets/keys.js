// Details of the frame under the pointer or the cursor; mouse, keyboard and help; and the start.

// ---- Details

function refresh() {
  resetButton.disabled = view.root === 0;
  showDetails();
  showMatched();
}

function showDetails() {
  const i = [view.hover, view.cursor].find((node) => node >= 0 && isShown(node)) ?? (view.root || -1);
  factsLine.textContent = "";
  if (i < 0) {
    nameLine.textContent = "";
    factsLine.append("Point at a frame for details, click to zoom, ", html("kbd", "", "/"), " to search, ",
      html("kbd", "", "?"), ` for all keys · ${footNote}`);
    return;
  }
  nameLine.textContent = frameOf(i).name;
  factsLine.append(html("b", "", written(total[i])));
  for (const fact of factsOf(i)) factsLine.append(` · ${fact}`);
}

function factsOf(i) {
  const { pkg, kind, inlined, location } = frameOf(i);
  const facts = [`${formatShare(total[i], total[0])} of total`];
  if (view.root && inView(i)) facts.push(`${formatShare(total[i], total[view.root])} of view`);
  const self = ownOf(i);
  if (compares) facts.push(...changesOf(i));
  else facts.push(self ? `self ${written(self)} (${formatShare(self, total[0])})` : "self 0");
  if (inlined) facts.push("inlined");
  if (restoredOf(i)) facts.push(restoredWords(i));
  if (pkg) facts.push(pkg);
  facts.push(data.kinds[kind]);
  if (location) facts.push(location);
  return facts;
}

const restoredOf = (i) => data.restored?.[i] ?? 0;

function restoredWords(i) {
  const part = restoredOf(i) === total[i] ? "" : ` in ${formatShare(restoredOf(i), total[i])}`;
  return `restored from the code${part}`;
}

function showMatched() {
  matched.classList.toggle("bad", search.error !== "");
  field.classList.toggle("bad", search.error !== "");
  matched.textContent = "";
  matched.title = search.error;
  if (search.error) matched.append("invalid pattern");
  if (!search.hits) return;
  const found = shownHits();
  const here = found.indexOf(view.cursor);
  const frames = `${found.length.toLocaleString("en-US")} frame${found.length === 1 ? "" : "s"}`;
  matched.append(`matched: ${hidden.known ? "" : "at least "}${formatShare(matchedWeight(), total[view.root])}`,
    html("small", "", here < 0 ? frames : `${here + 1} of ${frames}`));
}

// The still picture has tooltips on the frames one can point at there; zooming makes more of them worth one.
function refreshTooltip(i) {
  const title = boxes[i].querySelector("title") ?? boxes[i].insertBefore(document.createElementNS(SVG, "title"),
    boxes[i].firstChild);
  if (!title.textContent) {
    const name = frameOf(i).name;
    title.textContent = `${name.length > 500 ? `${name.slice(0, 499)}…` : name}\n` +
      `${written(total[i])}, ${formatShare(total[i], total[0])}` +
      (restoredOf(i) ? `\n${restoredWords(i)}` : "") + changesOf(i).map((line) => `\n${line}`).join("");
  }
}

// ---- Pointer

const nodeOfBox = new Map(boxes.map((box, i) => [box, i]));
const nodeAt = (target) => nodeOfBox.get(target.closest?.(".frames > g")) ?? -1;

layer.addEventListener("pointerover", (event) => {
  const i = nodeAt(event.target);
  if (i < 0) return;
  view.hover = i;
  refreshTooltip(i);
  showDetails();
});
layer.addEventListener("pointerleave", () => {
  view.hover = -1;
  showDetails();
});
layer.addEventListener("click", (event) => {
  const i = nodeAt(event.target);
  if (i < 0) return;
  moveTo(i);
  zoom(i);
});
layer.addEventListener("focusin", (event) => {
  const i = nodeAt(event.target);
  if (i >= 0 && i !== view.cursor) moveTo(i, false);
});

// Pointing at a key of the legend leaves in colour what it stands for.
for (const key of head.querySelectorAll(".key")) {
  key.addEventListener("pointerenter", () => {
    const wanted = meaningOf(key);
    for (let i = 0; i < count; i++) boxes[i].classList.toggle("other", !wanted(frameOf(i), boxes[i]));
  });
  key.addEventListener("pointerleave", () => {
    for (const box of boxes) box.classList.remove("other");
  });
}

function meaningOf(key) {
  if (key.classList.contains("i")) return ({ inlined }) => inlined === 1;
  const color = key.querySelector("rect").getAttribute("class"), kind = color[0];
  if (key.classList.contains("change")) return (_, box) => box.classList.contains(color);
  if (key.classList.contains("kind")) return (one) => one.kind === kind;
  const path = key.querySelector("title").textContent;
  return ({ pkg }) => pkg === path;
}

// ---- Cursor: the frame the keyboard is on

function moveTo(i, takeFocus = true) {
  if (view.cursor >= 0) {
    boxes[view.cursor].classList.remove("cursor");
    boxes[view.cursor].setAttribute("tabindex", "-1");
  }
  view.cursor = i;
  view.hover = -1;
  if (i >= 0) {
    const { name } = frameOf(i);
    boxes[i].setAttribute("tabindex", "0");
    boxes[i].setAttribute("role", "button");
    boxes[i].setAttribute("aria-label", `${name}, ${written(total[i])}, ${formatShare(total[i], total[0])}`);
    if (takeFocus) boxes[i].focus({ preventScroll: true });
  }
  refresh();
}

function markCursor(i, takeFocus) {
  if (i < 0) return;
  moveTo(i, takeFocus);
  boxes[i].classList.add("cursor");
  const box = boxes[i].getBoundingClientRect(), hidden = head.getBoundingClientRect().bottom;
  if (box.top < hidden) window.scrollBy(0, box.top - hidden - ROW);
  const low = window.innerHeight - FOOT - ROW;
  if (box.bottom > low) window.scrollBy(0, box.bottom - low);
}

// From an ancestor of the view only one way leads up again; from elsewhere the way of most weight.
function heaviestChild(i) {
  let best = -1;
  for (let child = i + 1; child < end[i]; child++) {
    if (isShown(child) && parentOf(child) === i && (best < 0 || total[child] > total[best])) best = child;
  }
  return best;
}

// The next drawn frame of the same row: a sibling, or a cousin where there is no more sibling.
function neighbour(i, step) {
  for (let other = i + step; other >= view.root && other < end[view.root]; other += step) {
    if (rowOf(other) === rowOf(i) && isShown(other)) return other;
  }
  return -1;
}

function arrow(key) {
  const i = view.cursor >= 0 && isShown(view.cursor) ? view.cursor : -1;
  if (i < 0) return view.root;
  if (key === "ArrowLeft") return neighbour(i, -1);
  if (key === "ArrowRight") return neighbour(i, +1);
  const outwards = key === (data.inverted ? "ArrowUp" : "ArrowDown");
  return outwards ? (i ? parentOf(i) : -1) : heaviestChild(i);
}

// ---- Keys

const KEYS = [
  ["/", "search: a name or a regular expression"], ["Enter", "next match; zoom in on the focused frame"],
  ["n N", "next and previous match"], ["← → ↑ ↓", "move between frames"], ["Backspace", "zoom out one level"],
  ["Esc", "clear the search, then the zoom"], ["i", "hide or show inlined frames"], ["c", "copy the name"],
  ["?", "open or close this list"],
];

const actions = {
  "/": () => openSearch(),
  "?": () => toggleHelp(),
  n: () => markCursor(nextHit(+1), true),
  N: () => markCursor(nextHit(-1), true),
  i: () => toggleInlined(),
  c: () => copyName(),
  Backspace: () => zoom(view.root ? parentOf(view.root) : 0),
  Enter: () => view.cursor >= 0 && zoom(view.cursor),
  Escape: () => escapeOnce(),
};

function openSearch() {
  field.focus();
  field.select();
}

function escapeOnce() {
  if (svg.querySelector(".helping")) toggleHelp();
  else if (view.query) searchFor("");
  else zoom(0);
}

function copyName() {
  const i = view.hover >= 0 ? view.hover : view.cursor >= 0 ? view.cursor : view.root;
  navigator.clipboard?.writeText(frameOf(i).name).then(() => {
    matched.textContent = "copied";
    setTimeout(showMatched, 1200);
  }, () => {});
}

function toggleHelp() {
  const open = svg.querySelector(".helping");
  if (open) {
    open.remove();
    return;
  }
  const list = html("dl");
  for (const [keys, meaning] of KEYS) {
    const term = html("dt");
    for (const key of keys.split(" ")) term.append(html("kbd", "", key), " ");
    list.append(term, html("dd", "", meaning));
  }
  const card = html("div", "help");
  card.append(html("h2", "", "Keys"), list);
  const place = island(svg, "helping", card);
  const width = Math.min(460, view.inner);
  setBox(place, (view.width - width) / 2, 0, width, 288);
  place.addEventListener("click", toggleHelp);
  stick();
}

document.addEventListener("keydown", (event) => {
  if (event.target === field || event.defaultPrevented) return;
  const find = isDocument && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f";
  if (find) {
    event.preventDefault(); // a second Ctrl-F, from within the field, is the browser's own
    openSearch();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("button, input, textarea, select, [contenteditable]") && event.key !== "Escape") return;
  if (!isDocument && !svg.contains(event.target)) return; // a page around the picture has keys of its own
  const action = event.key.startsWith("Arrow") ? () => markCursor(arrow(event.key), true) : actions[event.key];
  if (!Object.hasOwn(actions, event.key) && !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  action();
});

field.addEventListener("input", () => searchFor(field.value));
field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter") markCursor(nextHit(event.shiftKey ? -1 : +1), false);
  else if (event.key === "ArrowDown") markCursor(view.cursor >= 0 ? view.cursor : view.root, true);
  else if (event.key === "Escape") {
    if (view.query) searchFor("");
    else field.blur();
  } else return;
  event.preventDefault();
});

// ---- Start

svg.classList.add("live");
svg.removeAttribute("viewBox");
svg.setAttribute("width", data.width || "100%");
boxes[0].setAttribute("tabindex", "0");
recall();
// The root of a tall flame is at its foot. `chromium --headless --screenshot` takes its picture from the top of the
// document whatever is scrolled, and would get an empty one.
const takesFromTop = /HeadlessChrome/.test(navigator.userAgent) && !navigator.webdriver;
if (isDocument && !data.inverted && !takesFromTop) window.scrollTo(0, view.height);
stick();
window.addEventListener("resize", fit);
window.addEventListener("beforeprint", () => svg.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`));
window.addEventListener("afterprint", () => svg.removeAttribute("viewBox"));
window.addEventListener("scroll", stick, { passive: true });
window.addEventListener("popstate", recall);
window.addEventListener("hashchange", recall);
