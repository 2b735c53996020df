// The frame: status, views, filters; a new address draws the view anew.
const VIEWS = {
  matrix: { label: "Matrix", draw: matrixView },
  cases: { label: "Cases", draw: casesView },
  models: { label: "Models", draw: modelsView },
  history: { label: "History", draw: historyView },
  upgrade: { label: "Upgrade", draw: upgradeView },
};
const KEPT = ["lane", "route", "family", "mark", "model"];

// At first the first lane in which anything was run.
const firstLane = DATA.lanes.find((_, lane) => CASES.lane.some((there, one) => there === lane && !UNTRIED.has(CASES.mark[one])));

function go(view, given) {
  location.hash = address(view, given);
}

function drawStatus() {
  document.getElementById("status").replaceChildren(
    ...DATA.unfinished.map((text) => h("p", { class: "unfinished", role: "alert" }, text)),
    h("p", { class: "totals" }, DATA.totals.join(" · ")),
  );
  document.getElementById("footer").replaceChildren(
    ...DATA.said.map((text) => h("p", {}, text)),
    h("p", {}, `Drawn ${clock(DATA.made)} from ${plural(COUNT, "case")} of ${plural(DATA.pairs.length, "pair")}. Keys: / goes to the model filter, arrows move in a grid, 1 to 5 choose a view.`),
  );
}

function draw() {
  const found = readAddress();
  const view = VIEWS[found.view] ? found.view : "matrix";
  const given = { ...found };
  delete given.view;
  if (!VIEWS[found.view] && firstLane && DATA.lanes.length > 1) given.lane = firstLane;
  const kept = Object.fromEntries(KEPT.map((name) => [name, given[name]]));
  document.getElementById("views").replaceChildren(
    ...Object.entries(VIEWS).map(([name, { label }]) => h("a", { href: address(name, kept), "aria-current": name === view ? "page" : null }, label)),
  );
  const active = document.activeElement?.name;
  const form = document.getElementById("filters");
  if (form.contains(document.activeElement) && active === "model") {
    // Whoever writes goes on writing.
    for (const field of form.elements) if (field.name !== "model" && field.name) field.value = given[field.name] ?? "";
  } else {
    form.replaceChildren(...drawFilters(given, (name, value) => {
      const now = readAddress();
      go(VIEWS[now.view] ? now.view : "matrix", { ...(VIEWS[now.view] ? now : given), [name]: value });
    }));
    if (active) form.elements[active]?.focus();
  }
  document.getElementById("main").replaceChildren(...VIEWS[view].draw(given).flat(Infinity).filter(Boolean));
  document.title = `${VIEWS[view].label} · transformers × timm`;
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
    document.forms.filters.elements.model.focus();
  } else if (/^[1-5]$/.test(event.key)) {
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
