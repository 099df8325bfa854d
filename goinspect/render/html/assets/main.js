// The page: reads the recording, puts the views together, and lets choices and views follow each other.

import { COLORINGS } from "./page/coloring.js";
import { WORDS, columnsOf } from "./page/columns.js";
import { unpack } from "./stacks/data.js";
import { element, toggle } from "./page/dom.js";
import { Live } from "./page/live.js";
import { Menu } from "./page/menu.js";
import { Model } from "./model.js";
import { FOLDS, PARTS, isPresent } from "./stacks/paths.js";
import { SearchBar } from "./page/searchbar.js";
import { printed } from "./page/paint.js";
import { State } from "./page/state.js";
import { formatShare, formatWeight } from "../../assets/numbers.js";
import { FactsView } from "./views/facts.js";
import { FlameView } from "./views/flame.js";
import { LinesView } from "./views/lines.js";
import { SandwichView } from "./views/sandwich.js";
import { Strip } from "./views/strip.js";
import { TableView } from "./views/table.js";
import { TimeView } from "./views/time.js";
import { TreemapView } from "./views/treemap.js";

/** @typedef {import("./stacks/data.js").Report} Report */

/** @type {[string, string][]} */
const VIEWS = [["treemap", "Treemap"], ["flame", "Flame graph"], ["table", "Table"], ["sandwich", "Sandwich"], ["lines", "Lines"],
  ["time", "Time"], ["facts", "Facts"]];
/** The views that a report has. @param {Report} report */
const viewsOf = (report) => VIEWS.filter(([view]) => (view !== "time" || report.times) && view !== (report.sizes ? "lines" : "treemap"));
/** @type {[string, string][]} */
const KEYS = [["/", "search: a part of a name, /pattern/, package:… module:… file:main.go:42 kind:…"],
  ["Enter, Shift+Enter", "in the search: next, previous frame that was found"],
  ["Esc", "end the search, then zoom out, then show all stacks, all of the time again"], ["1 2 3 …", "the views"],
  ["Arrow keys, Home", "move from frame to frame, from row to row"],
  ["Enter", "zoom into the frame; in the table, its sandwich"],
  ["f, double click", "only stacks through the function"], ["Space", "in the table: select; in the lines: their instructions"],
  ["Arrow keys, with Shift", "on the time axis and the heat map: choose a part of the time"], ["i", "flame or icicle"],
  ["s, l", "sandwich, lines of the selected function"], ["?", "these keys"]];

/** @param {Report} report */
function stateOf(report) {
  const labels = Object.keys(report.labels), views = viewsOf(report).map(([view]) => view);
  const defaults = { view: views[0], zoom: 0, fn: -1, q: "", only: "", off: "", root: report.root || "none", order: report.order,
    layout: report.layout, color: report.difference ? "change" : "package", side: "now", from: "root", by: "function",
    sort: report.difference ? "ownChange" : "own", way: "down", what: "all",
    show: "both", line: "", series: "samples", begin: 0, end: 0, rows: "second" };
  return new State(defaults, { view: views, off: ["", ...PARTS.map(([name]) => name)],
    root: [...labels, "none"], order: ["name", "weight", ...(report.times ? ["time"] : [])], layout: ["flame", "icicle"],
    from: ["root", "leaf"],
    color: COLORINGS.map(([name]) => name), side: ["now", "before", "both"],
    by: ["function", "package", "module", "place", "kind"], show: ["both", "source", "code"],
    sort: ["name", ...columnsOf(report).flatMap(({ sort }) => sort)],
    what: ["all", "changed", ...WORDS], way: ["up", "down"], series: ["samples", ...(report.times?.waits ? ["waits"] : [])],
    rows: ["second", ...(report.times?.cpus.length ? ["cpu"] : []), ...(report.labels.thread?.length ? ["thread"] : [])] });
}

class Page {
  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.state = stateOf(report);
    this.model = new Model(report, this.state);
    this.menu = new Menu();
    /** @type {Record<string, any>} */
    this.views = { flame: new FlameView(this.model, this.menu), table: new TableView(this.model), sandwich: new SandwichView(this.model),
      lines: new LinesView(this.model), facts: new FactsView(this.model),
      ...(this.model.times && { time: new TimeView(this.model) }), ...(report.sizes && { treemap: new TreemapView(this.model) }) };
    this.strip = this.model.times && new Strip(this.model);
    this.bar = new SearchBar(this.model, (step) => (this.state.now.view === "flame" ? this.views.flame.step(step) : ""));
    this.help = this.helpOf();
    const bars = [...(report.live ? [new Live(this.model)] : []), ...(this.strip ? [this.strip] : [])].map(({ node }) => node);
    document.body.replaceChildren(this.headOf(), ...bars, this.mainOf(), this.footOf(), this.help, this.menu.node);
    this.state.listeners.push(() => this.update());
    document.addEventListener("keydown", (event) => this.press(event));
    for (const [event, isPrinted] of /** @type {[string, boolean][]} */ ([["beforeprint", true], ["afterprint", false]])) {
      addEventListener(event, () => {
        printed(isPrinted);
        this.views[this.state.now.view].print?.();
      });
    }
    this.update();
  }

  headOf() {
    const { state, report } = this, views = viewsOf(report);
    this.tabs = views.map(([view, text]) => {
      const tab = element("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": `view-${view}` }, text);
      tab.addEventListener("click", () => state.set({ view }));
      return tab;
    });
    const tabs = element("div", { className: "tabs", role: "tablist", "aria-label": "Views" }, ...this.tabs);
    tabs.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!step) return;
      const at = views.findIndex(([view]) => view === state.now.view), to = (at + step + views.length) % views.length;
      state.set({ view: views[to][0] });
      this.tabs?.[to].focus();
      event.preventDefault();
    });
    const present = PARTS.filter(([part]) => isPresent(report, part));
    this.toggles = new Map(present.map(([part, text]) => [part, toggle(text, FOLDS[part] ?? "", (on) => {
      const off = new Set(state.now.off.split(",").filter(Boolean));
      off[on ? "delete" : "add"](part);
      this.model.reshape({ off: [...off].sort().join(",") });
    })]));
    this.subtitle = element("p");
    const keys = element("button", { type: "button", className: "keys", "aria-label": "Keys", title: "Keys (?)" }, "?");
    keys.addEventListener("click", () => this.help.showModal());
    return element("header", {},
      element("div", { className: "titles" }, element("h1", { title: report.title }, report.title),
        this.subtitle, keys),
      element("div", { className: "bar-of-tabs" }, tabs, this.bar.node), this.bar.only,
      ...(present.length ? [element("fieldset", { className: "parts" }, element("legend", {}, "Frames:"),
        ...[...this.toggles.values()].map((part) => part.node))] : []));
  }

  mainOf() {
    const views = viewsOf(this.report);
    for (const [view] of views) {
      const { node } = this.views[view];
      node.id = `view-${view}`;
      node.setAttribute("role", "tabpanel");
    }
    return element("main", {}, ...views.map(([view]) => this.views[view].node));
  }

  footOf() {
    this.chosen = element("div", { className: "chosen", role: "status" });
    this.toSandwich = element("button", { type: "button" }, "Sandwich");
    this.toSandwich.addEventListener("click", () => this.state.set({ view: "sandwich" }));
    this.toLines = element("button", { type: "button" }, "Lines");
    this.toLines.addEventListener("click", () => this.state.set({ view: "lines" }));
    this.toNothing = element("button", { type: "button" }, "Deselect");
    this.toNothing.addEventListener("click", () => this.state.set({ fn: -1 }));
    return element("footer", {}, this.chosen, this.toSandwich, this.toLines, this.toNothing);
  }

  helpOf() {
    const close = element("button", { type: "button" }, "Close"), views = viewsOf(this.report);
    /** @type {[string, string]} */
    const digits = [views.map((_, i) => i + 1).join(" "), views.map(([, text]) => text.toLowerCase()).join(", ")];
    const dialog = element("dialog", { "aria-label": "Keys" }, element("h2", {}, "Keys"),
      element("dl", {}, ...[digits, ...KEYS].flatMap(([key, text]) =>
        [element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)])),
      element("p", {}, "A click on a frame zooms and selects its function; the table and the sandwich follow. The address holds "
        + "all of it: send the file and the part of the address behind the #."), close);
    close.addEventListener("click", () => dialog.close());
    return dialog;
  }

  update() {
    const { now } = this.state, { subtitle } = this.report;
    this.subtitle.textContent = this.subtitle.title = subtitle;
    this.strip?.update();
    viewsOf(this.report).forEach(([view], i) => {
      const shown = view === now.view, tab = this.tabs?.[i];
      this.views[view].node.classList.toggle("away", !shown);
      tab.setAttribute("aria-selected", String(shown));
      tab.tabIndex = shown ? 0 : -1;
    });
    for (const [part, { box }] of this.toggles ?? []) box.checked = !now.off.split(",").includes(part);
    this.bar.update();
    this.tellChosen();
    this.views[now.view].update();
  }

  tellChosen() {
    const { model, report } = this, fn = model.selected();
    this.toSandwich.hidden = this.toLines.hidden = this.toNothing.hidden = fn < 0;
    if (report.sizes) this.toLines.hidden = true;
    if (fn < 0) {
      this.chosen.replaceChildren(element("span", { className: "hint" }, "Nothing is selected. ", element("kbd", {}, "/"),
        " searches, ", element("kbd", {}, "?"), " lists all keys."));
      return;
    }
    const { own, total } = model.weightOf(fn), name = report.functions[fn];
    const share = (/** @type {number} */ value) => `${formatWeight(value, report.unit)} (${formatShare(value, model.selection().total)})`;
    this.chosen.replaceChildren(element("bdi", { title: name.slice(0, 2000) }, name.length > 400 ? `${name.slice(0, 399)}…` : name),
      element("span", {}, `own ${share(own)} · total ${share(total)}`));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (this.help.open || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { state } = this, { now } = state, typing = /^(INPUT|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "Escape") {
      if (now.q) state.set({ q: "" });
      else if (document.activeElement === this.bar.field) this.bar.field.blur();
      else if (/^(flame|treemap)$/.test(now.view) && this.model.zoom()) {
        state.set({ zoom: Math.max(0, this.model.tree().parent[this.model.zoom()]) });
      }
      else if (now.only) this.model.reshape({ only: "" });
      else if (this.model.part()) state.set({ begin: 0, end: 0 });
      else return;
      event.preventDefault();
      return;
    }
    if (typing && document.activeElement?.getAttribute("type") !== "checkbox") return;
    /** @type {Record<string, () => void>} */
    const does = { "/": () => this.bar.field.select(), "?": () => this.help.showModal(), s: () => state.set({ view: "sandwich" }),
      ...(this.report.sizes ? {} : { l: () => state.set({ view: "lines" }) }),
      f: () => this.model.focus(this.model.selected()), i: () => state.set({ layout: now.layout === "flame" ? "icicle" : "flame" }) };
    viewsOf(this.report).forEach(([view], i) => (does[i + 1] = () => state.set({ view })));
    if (!does[event.key]) return;
    event.preventDefault();
    does[event.key]();
  }
}

try {
  const data = document.getElementById("data");
  new Page(await unpack(data?.textContent ?? ""));
  data?.remove();
} catch (problem) {
  document.body.replaceChildren(element("p", { className: "empty", role: "alert" },
    `This browser cannot show the report: ${problem instanceof Error ? problem.message : problem}`));
}
