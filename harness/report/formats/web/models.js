// One model through all versions: routes down, pairs across. A list of models if the filters leave more than one.
function modelsView(query) {
  const cases = filtered(query);
  const models = grouped(cases, (index) => CASES.model[index]);
  if (!models.size) return [nothingLeft("models", query)];
  if (models.size > 1) return [notRun("models", query), h("p", { class: "hint" }, `${plural(models.size, "model")}. Choose one to see it through all versions.`), modelList(models, query)];
  const [[model, members]] = models;
  const nameOfRow = (index) => caseId(index).replace(`/${DATA.models[model]}`, "");
  const rows = [...grouped(members, nameOfRow)];
  const target = (cases, pair) => address("cases", { ...query, model: DATA.models[model], pair, route: DATA.routes[CASES.route[cases[0]]] });
  return [
    notRun("models", query),
    h("h2", {}, DATA.models[model], " ", h("span", { class: "counts" }, DATA.families[model])),
    query.model ? h("p", {}, h("a", { href: address("models", { ...query, model: undefined }) }, "All models")) : null,
    legend(members),
    pairTable(`${DATA.models[model]}: routes down, pairs across`, rows, target),
    h("h2", {}, "Causes"),
    causesOf(members, query),
  ];
}

function modelList(models, query) {
  const sorted = [...models].sort(([a], [b]) => DATA.models[a].localeCompare(DATA.models[b], "en"));
  return listed(
    sorted,
    ([model, members]) =>
      h(
        "p",
        { class: "model" },
        h("a", { href: address("models", { ...query, model: DATA.models[model] }) }, DATA.models[model]),
        h("span", { class: "counts" }, DATA.families[model]),
        legend(members),
      ),
    { first: 100 },
  );
}
