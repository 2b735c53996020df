// The names and buffers that are known to be lost, by cause and family: where, and how long.
function needsView(query) {
  const wanted = (need) => (!query.family || need.family === query.family) && (!query.route || need.routes.includes(query.route));
  const causes = new Map();
  for (const need of DATA.needs.filter(wanted)) causes.set(need.rule, [...(causes.get(need.rule) ?? []), need]);
  if (!causes.size) return [h("p", {}, "No record here names a tensor that needs care.")];
  return [
    h("p", { class: "hint" }, "Names and buffers of timm's models that are known to be lost. Names are shortened to their ends; a cause that affects every name is left out."),
    [...causes].sort((one, other) => other[1].length - one[1].length).map(([rule, needs]) => drawCause(DATA.rules[rule], needs)),
  ];
}

function drawCause({ because, advice, url, script }, needs) {
  return [h("h2", {}, because), h("p", {}, advice), h("p", {}, linked(url ?? script ?? "")), needs.map(drawNeed)];
}

function drawNeed({ family, names, routes, pairs, until }) {
  return fold(
    [h("span", {}, family, ": ", names.map((name, position) => [position ? ", " : "", h("code", {}, name)])), h("span", { class: "counts" }, until)],
    () => [h("p", {}, `Seen on ${pairs.join(", ")}, by ${routes.join(", ")}.`)],
    { className: "cause" },
  );
}
