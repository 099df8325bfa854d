// What is too narrow to be drawn: stacks from where they leave the drawn tree, packed by hidden.py. A search counts them.

const hidden = { known: !data.hidden, first: new Int32Array(count + 1), start: [0], path: [], weight: [] };

async function unpack() {
  const bytes = Uint8Array.from(atob(data.hidden), (letter) => letter.charCodeAt(0));
  const stream = new Response(bytes).body.pipeThrough(new DecompressionStream("deflate"));
  const rows = readColumns(await new Response(stream).arrayBuffer());
  for (const [name, inlined] of rows.frames) data.frames.push([name, "", "", inlined, "", 0]);
  let box = 0, used = 0, before = [];
  rows.box.forEach((step, row) => {
    box += step;
    before.length = rows.shared[row];
    for (const end = used + rows.count[row]; used < end; used++) before.push(rows.path[used]);
    for (const id of before) hidden.path.push(id);
    hidden.start.push(hidden.path.length);
    hidden.weight.push(rows.weight[row] * rows.scale);
    hidden.first[box + 1] = row + 1;
    if (before.every(isInlined)) addFlat(box, rows.weight[row] * rows.scale);
  });
  for (let i = 1; i <= count; i++) hidden.first[i] = Math.max(hidden.first[i], hidden.first[i - 1]);
  hidden.known = !data.unseen; // else what is said of a search is the least that it may be
}

// A line of JSON that tells the columns, and these one after another.
function readColumns(buffer) {
  const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f8: Float64Array };
  let at = new Uint8Array(buffer).indexOf(10) + 1;
  const rows = JSON.parse(new TextDecoder().decode(buffer.slice(0, at)));
  for (const [name, kind, length] of rows.columns) {
    const end = at + length * kinds[kind].BYTES_PER_ELEMENT;
    rows[name] = new kinds[kind](buffer.slice(at, end));
    at = end;
  }
  return rows;
}

const isInlined = (id) => data.frames[id][3] === 1;

// What inlined code did, its caller did.
function addFlat(box, weight) {
  flatOwn[box] += weight;
  if (box && frameOf(box).inlined) addFlat(parent[box], weight);
}

// The weight of the hidden stacks below these boxes, and no further, in which a frame matches.
function hiddenWeight(box) {
  let weight = 0;
  for (let row = hidden.first[box]; row < hidden.first[box + 1]; row++) {
    for (let at = hidden.start[row]; at < hidden.start[row + 1]; at++) {
      const id = hidden.path[at];
      if (!search.hits[id] || (view.flat && isInlined(id))) continue;
      weight += hidden.weight[row];
      break;
    }
  }
  return weight;
}

// Where a browser cannot unpack it, what is said of a search is the least that it may be.
if (!hidden.known) {
  unpack().then(() => {
    setQuery(view.query);
    refresh();
  }, () => {});
}
