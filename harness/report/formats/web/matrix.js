// All routes and pairs at a glance; then a grid for each route: transformers down, timm across.
function matrixView(query) {
  const cases = filtered(query);
  if (!cases.length) return [nothingLeft("matrix", query), otherLanes(query)];
  const routes = grouped(cases, (index) => CASES.route[index]);
  const sorted = [...routes].sort(([a], [b]) => a - b).map(([route, members]) => [DATA.routes[route], members]);
  return [
    legend(cases),
    otherLanes(query),
    h("p", { class: "hint" }, "Each cell shows the worst verdict by shape and colour, and the share passed of what was run; after an arrow, the share that passes with the remedies, which were run too. It links to its cases."),
    h(
      "div",
      { class: "beside" },
      pairTable("routes down, pairs across", sorted, (members, pair) => address("cases", { ...query, route: DATA.routes[CASES.route[members[0]]], pair })),
      h("section", {}, h("h2", {}, "Causes"), causesOf(cases, query, { open: 1 })),
    ),
    h("h2", {}, "Each route by transformers and timm"),
    h("div", { class: "grids" }, sorted.map(([route, members]) => grid(route, members, query))),
  ];
}

// The lanes that are not shown and in which something is not as expected, with links to them.
function otherLanes(query) {
  if (!query.lane) return null;
  const lanes = [...grouped(filtered({ ...query, lane: undefined }), (index) => CASES.lane[index])].sort(([a], [b]) => a - b);
  const others = lanes.map(([lane, cases]) => [DATA.lanes[lane], tally(cases)]).filter(([lane, marks]) => lane !== query.lane && attention(marks).length);
  const counts = (marks) => attention(marks).map((mark) => [verdict(mark), ` ${marks[mark].toLocaleString("en")} `]);
  const link = ([lane, marks]) => h("span", {}, h("a", { href: address("matrix", { ...query, lane }) }, lane), " ", counts(marks));
  return others.length ? h("p", { class: "legend others" }, "Other lanes:", others.map(link)) : null;
}

const distinct = (name) => [...new Set(DATA.pairs.map((pair) => pair[name]))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

function grid(route, members, query) {
  const byPair = grouped(members, (index) => CASES.pair[index]);
  const used = [...byPair.keys()].map((position) => DATA.pairs[position]);
  const columns = distinct("timm").filter((version) => used.some((pair) => pair.timm === version));
  const rows = distinct("transformers").filter((version) => used.some((pair) => pair.transformers === version));
  const at = (transformers, timm) =>
    [...byPair].filter(([position]) => DATA.pairs[position].transformers === transformers && DATA.pairs[position].timm === timm).sort(([a], [b]) => a - b);
  const body = rows.map((transformers) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, transformers),
      columns.map((timm) => h("td", {}, at(transformers, timm).map(([position, cases]) => cell(cases, address("cases", { ...query, route, pair: DATA.pairs[position].id }), `${route}, ${pairName(DATA.pairs[position])}`)))),
    ),
  );
  const head = h("tr", {}, h("td", { class: "corner" }, "timm"), columns.map((version) => h("th", { scope: "col" }, version)));
  return h("section", { class: "grid" }, h("h3", {}, h("a", { href: address("matrix", { ...query, route }) }, route)), scrolling(`${route}, transformers down, timm across`, h("table", {}, h("thead", {}, head), h("tbody", {}, body))));
}
