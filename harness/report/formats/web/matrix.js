// All routes and pairs at a glance; then a grid for each route: transformers down, timm across.
function matrixView(given) {
  const cases = filtered(given);
  if (!cases.length) return [h("p", {}, "No case is left by these filters.")];
  const routes = grouped(cases, (one) => CASES.route[one]);
  const sorted = [...routes].sort(([one], [two]) => one - two).map(([route, members]) => [DATA.routes[route], members]);
  return [
    legend(cases),
    h("p", { class: "hint" }, "In a cell the worst verdict by shape and colour, and the share that passed of what was run. It leads to its cases."),
    h(
      "div",
      { class: "beside" },
      pairTable("routes down, pairs across", sorted, (members, pair) => address("cases", { ...given, route: DATA.routes[CASES.route[members[0]]], pair })),
      h("section", {}, h("h2", {}, "Causes"), causesOf(cases, given, { open: 1 })),
    ),
    h("h2", {}, "Each route by transformers and timm"),
    h("div", { class: "grids" }, sorted.map(([route, members]) => grid(route, members, given))),
  ];
}

const distinct = (name) => [...new Set(DATA.pairs.map((pair) => pair[name]))].sort((one, two) => one.localeCompare(two, "en", { numeric: true }));

function grid(route, members, given) {
  const byPair = grouped(members, (one) => CASES.pair[one]);
  const used = [...byPair.keys()].map((place) => DATA.pairs[place]);
  const columns = distinct("timm").filter((version) => used.some((pair) => pair.timm === version));
  const rows = distinct("transformers").filter((version) => used.some((pair) => pair.transformers === version));
  const at = (transformers, timm) =>
    [...byPair].filter(([place]) => DATA.pairs[place].transformers === transformers && DATA.pairs[place].timm === timm).sort(([one], [two]) => one - two);
  const body = rows.map((transformers) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, transformers),
      columns.map((timm) => h("td", {}, at(transformers, timm).map(([place, found]) => cell(found, address("cases", { ...given, route, pair: DATA.pairs[place].id }), `${route}, ${pairName(DATA.pairs[place])}`)))),
    ),
  );
  const head = h("tr", {}, h("td", { class: "corner" }, "timm"), columns.map((version) => h("th", { scope: "col" }, version)));
  return h("section", { class: "grid" }, h("h3", {}, h("a", { href: address("matrix", { ...given, route }) }, route)), scrolling(`${route}, transformers down, timm across`, h("table", {}, h("thead", {}, head), h("tbody", {}, body))));
}
