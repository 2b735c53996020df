// The filtered cases, by cause and model.
function casesView(query) {
  const cases = filtered(query);
  const pair = DATA.pairs.find(({ id }) => id === query.pair);
  const word = DATA.marks.find(({ key }) => key === query.mark)?.word;
  const cause = DATA.groups.find(({ key }) => key === query.group)?.why;
  const title = [query.route, query.lane, pair && pairName(pair), query.model, query.family, word, cause].filter(Boolean);
  const heading = [h("h2", {}, title.join(" · ") || "All cases"), query.pair || query.group !== undefined ? h("p", {}, h("a", { href: address("cases", { ...query, pair: undefined, group: undefined }) }, "All pairs and causes")) : null];
  if (!cases.length) return [...heading, nothingLeft("cases", query)];
  const groups = grouped(cases, (index) => (CASES.group[index] >= 0 ? CASES.group[index] : `mark ${CASES.mark[index]}`));
  const first = (members) => CASES.mark[members[0]];
  const sorted = [...groups].sort(([, a], [, b]) => first(a) - first(b) || b.length - a.length);
  return [...heading, legend(cases), listed(sorted, ([key, members]) => caseGroup(key, members, sorted.length), { first: 30 })];
}

function caseGroup(key, members, groups) {
  const group = typeof key === "number" ? DATA.groups[key] : null;
  const byModel = [...members].sort((a, b) => DATA.models[CASES.model[a]].localeCompare(DATA.models[CASES.model[b]], "en") || a - b);
  const models = new Set(members.map((index) => CASES.model[index])).size;
  return h(
    "section",
    { class: "group" },
    h("h3", {}, verdict(CASES.mark[members[0]]), " ", group?.outcome ? h("span", { class: "outcome" }, group.outcome) : null, h("span", { class: "counts" }, `${plural(models, "model")}, ${plural(members.length, "case")}`)),
    group ? [...group.lines, ...group.ways].map(sentence) : null,
    listed(byModel, (index) => caseRow(index, { marked: false }), { first: groups > 8 ? 10 : 50 }),
  );
}
