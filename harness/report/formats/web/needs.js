// What needs care, by family: the names and buffers that are known to be lost, where, and how long.
function needsView(given) {
  const wanted = (need) => (!given.family || need.family === given.family) && (!given.route || need.routes.includes(given.route));
  const families = new Map();
  for (const need of DATA.needs.filter(wanted)) families.set(need.family, [...(families.get(need.family) ?? []), need]);
  if (!families.size) return [h("p", {}, "Nothing that is recorded here names a tensor that needs care.")];
  return [
    h("p", { class: "hint" }, "Names and buffers of timm's models that are known to be lost, told by the ends of their names. What befalls every name is not here."),
    [...families].map(([family, needs]) => [h("h2", {}, family), needs.map(drawNeed)]),
  ];
}

function drawNeed({ names, routes, pairs, until, rule }) {
  const { because, advice, url, script } = DATA.rules[rule];
  return fold(
    [h("span", {}, names.map((name, place) => [place ? ", " : "", h("code", {}, name)])), h("span", { class: "counts" }, until), h("span", { class: "why" }, because)],
    () => [h("p", {}, advice), h("p", {}, linked(url ?? script ?? "")), h("p", {}, `Seen on ${pairs.join(", ")}, by ${routes.join(", ")}.`)],
    { className: "cause" },
  );
}
