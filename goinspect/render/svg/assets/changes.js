// A difference of two profiles: what words.py says of a frame, said by the script.

const BECAME = ["the same", "within noise", "grew", "shrank", "new", "gone"];
const compares = data.base !== undefined;

function formatSigned(value) {
  return `${value > 0 ? "+" : value < 0 ? "-" : ""}${written(Math.abs(value))}`;
}

function changeOf(now, before, error, factor, became) {
  if (!became) return BECAME[0];
  const within = error === null ? "" : ` ± ${written(2 * error)}`;
  const times = factor ? `, × ${factor.toFixed(2)}` : "";
  return `${formatSigned(now - before)}${within}${times}, ${BECAME[became]}`;
}

// The lines of a tooltip, and facts below the frames.
function changesOf(i) {
  if (!compares) return [];
  const before = data.base[i], whole = data.base[0];
  const share = whole ? `, ${((100 * before) / whole).toFixed(1)} %` : "";
  const lines = [`before ${written(before)}${share}: ` +
    changeOf(total[i], before, data.error[i], data.factor[i], data.became[i])];
  if (own[i] || data.baseOwn[i]) {
    lines.push(`self ${written(own[i])}, before ${written(data.baseOwn[i])}: ` +
      changeOf(own[i], data.baseOwn[i], data.errorOwn[i], data.factorOwn[i], data.becameOwn[i]));
  }
  return lines;
}
