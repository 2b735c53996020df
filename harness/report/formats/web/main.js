// The frame: status, views, filters; a new address draws the view anew.
const EVERY = FILTERS.map(({ name }) => name);
const VIEWS = {
  matrix: { label: "Matrix", draw: matrixView, filters: EVERY },
  cases: { label: "Cases", draw: casesView, filters: EVERY },
  models: { label: "Models", draw: modelsView, filters: EVERY },
  history: { label: "History", draw: historyView, filters: EVERY.filter((name) => name !== "mark") },
  upgrade: { label: "Upgrade", draw: upgradeView, filters: EVERY.filter((name) => name !== "mark") },
  needs: { label: "Needs", draw: needsView, filters: ["route", "family"] },
};
const isView = (name) => Object.hasOwn(VIEWS, name);

// At first the first lane in which anything was run.
const firstLane = DATA.lanes.find((_, lane) => CASES.lane.some((there, one) => there === lane && !UNTRIED.has(CASES.mark[one])));

// While somebody writes, one search is one step back.
function go(view, given, { writing = false } = {}) {
  if (!writing) location.hash = address(view, given);
  else {
    history.replaceState(null, "", address(view, given));
    draw();
  }
}

function drawStatus() {
  document.getElementById("status").replaceChildren(
    ...DATA.alerts.map((text) => h("p", { class: "unfinished", role: "alert" }, text)),
    h("p", { class: "totals" }, DATA.verdict),
    h("p", {}, DATA.totals.join(" · ")),
  );
  document.getElementById("footer").replaceChildren(
    ...DATA.said.map((text) => h("p", {}, text)),
    h("p", {}, `Drawn ${clock(DATA.made)} UTC from ${plural(COUNT, "case")} of ${plural(DATA.pairs.length, "pair")}. Keys: / goes to the model filter, arrows move in a grid, 1 to 6 choose a view.`),
  );
}

let shown = null;

function draw() {
  const found = readAddress();
  const view = isView(found.view) ? found.view : "matrix";
  const given = { ...found };
  delete given.view;
  if (!isView(found.view) && firstLane && DATA.lanes.length > 1) given.lane = firstLane;
  const place = [view, given.pair, given.group, view === "models" ? given.model : null].join(" ");
  const [moved, onLink] = [shown !== null && shown !== place, document.activeElement?.closest("#views")];
  shown = place;
  drawViews(view, given);
  drawForm(view, given);
  document.getElementById("main").replaceChildren(...VIEWS[view].draw(given).flat(Infinity).filter(Boolean));
  document.title = `${VIEWS[view].label} · transformers × timm`;
  if (onLink) document.querySelector("#views [aria-current]").focus();
  else if (moved && document.activeElement?.name !== "model") {
    // Who followed a link begins at the top of what it led to.
    document.getElementById("main").focus({ preventScroll: true });
    document.getElementById("main").scrollIntoView();
  }
}

function drawViews(view, given) {
  const kept = Object.fromEntries(EVERY.map((name) => [name, given[name]]));
  const links = Object.entries(VIEWS).map(([name, { label }]) => h("a", { href: address(name, kept), "aria-current": name === view ? "page" : null }, label));
  document.getElementById("views").replaceChildren(...links);
}

function drawForm(view, given) {
  const form = document.getElementById("filters");
  const active = form.contains(document.activeElement) ? document.activeElement.name : null;
  if (active === "model") {
    // Whoever writes goes on writing.
    for (const field of form.elements) {
      if (field.name && (field.name !== "model" || field.value.trim() !== (given.model ?? ""))) field.value = given[field.name] ?? "";
    }
    return;
  }
  form.replaceChildren(...drawFilters(given, VIEWS[view].filters, (name, value) => {
    const now = readAddress();
    go(view, { ...(isView(now.view) ? now : given), [name]: value }, { writing: name === "model" });
  }));
  if (active) form.elements[active]?.focus();
}

// Arrows move in a grid from cell to cell.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function move(event) {
  const [down, across] = STEPS[event.key];
  let place = event.target.closest("td");
  let row = place.parentElement;
  let column = place.cellIndex;
  while (row) {
    column += across;
    if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    place = row?.cells[column];
    if (!place) return;
    const link = place.querySelector("a.cell");
    if (link) {
      event.preventDefault();
      link.focus();
      return;
    }
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in STEPS && event.target.matches?.("td a.cell")) return move(event);
  if (event.target.matches?.("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.forms.filters.elements.model?.focus();
  } else if (/^[1-6]$/.test(event.key)) {
    document.querySelectorAll("#views a")[Number(event.key) - 1].click();
  }
});
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
addEventListener("hashchange", draw);
drawStatus();
draw();
