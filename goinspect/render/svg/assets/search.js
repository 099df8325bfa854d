// Search: a regular expression over the full names. Each different name is tested once, however often it is drawn.

const search = { hits: null, error: "" }; // hits: one flag per entry of data.frames, null when nothing is searched

const isHit = (i) => search.hits !== null && search.hits[frame[i]] === 1;

function setQuery(query) {
  view.query = query;
  search.hits = null;
  search.error = "";
  if (query) {
    try {
      const pattern = compile(query);
      search.hits = Uint8Array.from(data.frames, ([name]) => (pattern.test(name) ? 1 : 0));
    } catch (problem) {
      search.error = problem.message;
    }
  }
  layer.classList.toggle("searching", search.hits !== null);
  for (let i = 0; i < count; i++) boxes[i].classList.toggle("hit", isHit(i));
}

// Go spells methods (*T).M and type arguments [...]: pasted from a stack trace, these mean themselves.
function compile(query) {
  const source = query
    .replace(/\[\.\.\.\]/g, "\\[\\.\\.\\.\\]")
    .replace(/\\.|\(\*([^()]*)(\)?)/g, (all, type, close) =>
      type === undefined ? all : `\\(\\*${type}${close && "\\)"}`);
  const hasUpperCase = /\p{Lu}/u.test(query.replace(/\\./g, ""));
  return new RegExp(source, hasUpperCase ? "" : "i");
}

// The weight of the matches within the view, drawn or not. A match inside a match is already counted.
function matchedWeight() {
  let weight = 0;
  for (let i = view.root; i < end[view.root]; ) {
    if (isHit(i) && !isHidden(i)) {
      weight += total[i];
      i = end[i];
    } else weight += hiddenWeight(i++);
  }
  return weight;
}

function shownHits() {
  const found = [];
  for (let i = view.root; i < end[view.root]; i++) if (isHit(i) && isShown(i)) found.push(i);
  return found;
}

// Step to the next (+1) or previous (-1) match; answers the node, or -1.
function nextHit(step) {
  const found = shownHits();
  if (!found.length) return -1;
  if (step > 0) return found.find((i) => i > view.cursor) ?? found[0];
  return found.findLast((i) => i < view.cursor) ?? found[found.length - 1];
}
