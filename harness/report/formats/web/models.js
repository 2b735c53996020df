// One model through all versions: routes down, pairs across. Without a model, the models that there are.
function modelsView(given) {
  const cases = filtered(given);
  const models = grouped(cases, (one) => CASES.model[one]);
  if (!models.size) return [h("p", {}, "No case is left by these filters.")];
  if (models.size > 1) return [h("p", { class: "hint" }, `${plural(models.size, "model")}. Choose one to see it through all versions.`), modelList(models, given)];
  const [[model, members]] = models;
  const nameOfRow = (one) => caseId(one).replace(`/${DATA.models[model]}`, "");
  const rows = [...grouped(members, nameOfRow)];
  const target = (ones, pair) => address("cases", { ...given, model: DATA.models[model], pair, route: DATA.routes[CASES.route[ones[0]]] });
  return [
    h("h2", {}, DATA.models[model], " ", h("span", { class: "counts" }, DATA.families[model])),
    given.model ? h("p", {}, h("a", { href: address("models", { ...given, model: undefined }) }, "All models")) : null,
    legend(members),
    pairTable(`${DATA.models[model]}: routes down, pairs across`, rows, target),
    h("h2", {}, "Causes"),
    causesOf(members, given),
  ];
}

function modelList(models, given) {
  const sorted = [...models].sort(([one], [two]) => DATA.models[one].localeCompare(DATA.models[two], "en"));
  return listed(
    sorted,
    ([model, members]) =>
      h(
        "p",
        { class: "model" },
        h("a", { href: address("models", { ...given, model: DATA.models[model] }) }, DATA.models[model]),
        h("span", { class: "counts" }, DATA.families[model]),
        legend(members),
      ),
    { first: 100 },
  );
}
