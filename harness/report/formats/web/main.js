// The frame: status, views, filters; a change of the address draws the view anew.
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

// A filter that is being typed replaces the address, so that it is one step back.
function go(view, query, { writing = false } = {}) {
  if (!writing) location.hash = address(view, query);
  else {
    history.replaceState(null, "", address(view, query));
    draw();
  }
}

// The element with this id has this content and no other.
function refill(id, ...content) {
  const element = document.getElementById(id);
  element.replaceChildren();
  append(element, content);
}

function drawStatus() {
  refill(
    "status",
    DATA.answers.map((text) => h("p", { class: "answer" }, text)),
    DATA.alerts.map((text) => h("p", { class: "unfinished", role: "alert" }, text)),
    h("p", { class: "totals" }, DATA.totals.join(" · ")),
    h("p", {}, DATA.ending),
    DATA.part ? fold("A part of the matrix", () => h("code", {}, DATA.part)) : null,
  );
  refill(
    "footer",
    DATA.said.map((text) => h("p", {}, text)),
    h("p", {}, `Drawn ${clock(DATA.made)} UTC from ${plural(COUNT, "case")} of ${plural(DATA.pairs.length, "pair")}. Keys: / goes to the model filter, arrows move in a grid, 1 to 6 choose a view.`),
  );
}

let shown = null;

function draw() {
  const parsed = readAddress();
  const view = isView(parsed.view) ? parsed.view : "matrix";
  const query = { ...parsed };
  delete query.view;
  if (!isView(parsed.view) && DATA.lanes.length > 1) query.lane = firstLane();
  const target = [view, query.pair, query.group, view === "models" ? query.model : null].join(" ");
  const [moved, onLink] = [shown !== null && shown !== target, document.activeElement?.closest("#views")];
  shown = target;
  drawViews(view, query);
  drawForm(view, query);
  refill("main", VIEWS[view].draw(query));
  document.title = `${DATA.title} · ${VIEWS[view].label}`;
  if (onLink) document.querySelector("#views [aria-current]").focus();
  else if (moved && document.activeElement?.name !== "model") {
    // After a link, reading begins at the top of the new view.
    document.getElementById("main").focus({ preventScroll: true });
    document.getElementById("main").scrollIntoView();
  }
}

function drawViews(view, query) {
  const filters = Object.fromEntries(EVERY.map((name) => [name, query[name]]));
  const links = Object.entries(VIEWS).map(([name, { label }]) => h("a", { href: address(name, filters), "aria-current": name === view ? "page" : null }, label));
  refill("views", links);
}

function drawForm(view, query) {
  const form = document.getElementById("filters");
  const active = form.contains(document.activeElement) ? document.activeElement.name : null;
  if (active === "model") {
    // A field that is being typed into stays in place.
    for (const field of form.elements) {
      if (field.name && (field.name !== "model" || field.value.trim() !== (query.model ?? ""))) field.value = query[field.name] ?? "";
    }
    return;
  }
  const change = (name, value) => {
    const now = readAddress();
    go(view, { ...(isView(now.view) ? now : query), [name]: value }, { writing: name === "model" });
  };
  refill("filters", drawFilters(query, VIEWS[view].filters, change));
  if (active) form.elements[active]?.focus();
}

// Arrow keys move the focus from cell to cell of a grid.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function move(event) {
  const [down, across] = STEPS[event.key];
  const start = event.target.closest("td");
  let row = start.parentElement;
  let column = start.cellIndex;
  while (row) {
    column += across;
    if (down) row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    const next = row?.cells[column];
    if (!next) return;
    const link = next.querySelector("a.cell");
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
