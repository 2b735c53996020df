// The names and buffers that are known to be lost, by family: where, and how long.
function needsView(query) {
  const wanted = (need) => (!query.family || need.family === query.family) && (!query.route || need.routes.includes(query.route));
  const families = new Map();
  for (const need of DATA.needs.filter(wanted)) families.set(need.family, [...(families.get(need.family) ?? []), need]);
  if (!families.size) return [h("p", {}, "No record here names a tensor that needs care.")];
  return [
    h("p", { class: "hint" }, "Names and buffers of timm's models that are known to be lost. Names are shortened to their ends; a cause that affects every name is left out."),
    [...families].map(([family, needs]) => [h("h2", {}, family), needs.map(drawNeed)]),
  ];
}

function drawNeed({ names, routes, pairs, until, rule }) {
  const { because, advice, url, script } = DATA.rules[rule];
  return fold(
    [h("span", {}, names.map((name, position) => [position ? ", " : "", h("code", {}, name)])), h("span", { class: "counts" }, until), h("span", { class: "why" }, because)],
    () => [h("p", {}, advice), h("p", {}, linked(url ?? script ?? "")), h("p", {}, `Seen on ${pairs.join(", ")}, by ${routes.join(", ")}.`)],
    { className: "cause" },
  );
}
