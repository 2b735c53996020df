// The cases that are left, by cause and model.
function casesView(given) {
  const cases = filtered(given);
  const pair = DATA.pairs.find((one) => one.id === given.pair);
  const word = DATA.marks.find(({ key }) => key === given.mark)?.word;
  const cause = DATA.groups.find(({ key }) => key === given.group)?.why;
  const places = [given.route, given.lane, pair && pairName(pair), given.model, given.family, word, cause].filter(Boolean);
  const heading = [h("h2", {}, places.join(" · ") || "All cases"), given.pair || given.group !== undefined ? h("p", {}, h("a", { href: address("cases", { ...given, pair: undefined, group: undefined }) }, "All pairs and causes")) : null];
  if (!cases.length) return [...heading, h("p", {}, "No case is left by these filters.")];
  const groups = grouped(cases, (one) => (CASES.group[one] >= 0 ? CASES.group[one] : `mark ${CASES.mark[one]}`));
  const first = (members) => CASES.mark[members[0]];
  const sorted = [...groups].sort(([, one], [, two]) => first(one) - first(two) || two.length - one.length);
  return [...heading, legend(cases), listed(sorted, ([key, members]) => caseGroup(key, members, sorted.length), { first: 30 })];
}

function caseGroup(key, members, groups) {
  const group = typeof key === "number" ? DATA.groups[key] : null;
  const byModel = [...members].sort((one, two) => DATA.models[CASES.model[one]].localeCompare(DATA.models[CASES.model[two]], "en") || one - two);
  const models = new Set(members.map((one) => CASES.model[one])).size;
  return h(
    "section",
    { class: "group" },
    h("h3", {}, verdict(CASES.mark[members[0]]), " ", group?.outcome ? h("span", { class: "outcome" }, group.outcome) : null, h("span", { class: "counts" }, `${plural(models, "model")}, ${plural(members.length, "case")}`)),
    group ? [...group.lines, ...group.ways].map(sentence) : null,
    listed(byModel, (one) => caseRow(one, { marked: false }), { first: groups > 8 ? 10 : 50 }),
  );
}
