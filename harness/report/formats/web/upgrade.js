// From one pair to another: what is different, by kind and cause. The table of kinds is that of `nox -s upgrade`.
function upgradeView(given) {
  const from = DATA.pairs.findIndex((pair) => pair.id === given.from);
  const to = DATA.pairs.findIndex((pair) => pair.id === given.to);
  const choose = (name, label, chosen) =>
    h(
      "label",
      {},
      label,
      h("select", { name, onchange: (event) => go("upgrade", { ...given, [name]: event.target.value }) }, h("option", { value: "" }, "choose a pair"), DATA.pairs.map((pair, place) => h("option", { value: pair.id, selected: place === chosen, title: pairName(pair) }, `${pair.transformers} × ${pair.timm}${pair.id.split(/-timm[^-]+/)[1]}`))),
    );
  const form = h("div", { class: "choice" }, choose("from", "From transformers × timm", from), choose("to", "To transformers × timm", to));
  if (from < 0 || to < 0) return [h("p", { class: "hint" }, "Choose the pair that you have, and the one that you think of."), form];
  const sides = [from, to].map((pair) => filtered({ ...given, pair: DATA.pairs[pair].id, mark: "" }));
  const changes = changed(...sides, DATA.blind[from] || DATA.blind[to]);
  const kinds = grouped(changes, (change) => change.kind);
  const counts = DATA.kind_order.filter((kind) => kinds.has(kind)).map((kind) => `${kinds.get(kind).length.toLocaleString("en")} ${kind}`);
  const unknown = sides.map((side) => side.filter((one) => stateOf(one) === "unknown").length);
  return [
    form,
    h("p", { class: "totals" }, counts.join(" · ") || (isKnown(sides) ? "Nothing changes." : "Nothing is known: no case has a result on both sides.")),
    unknown.some(Boolean) ? h("p", {}, `Without a result, so that nothing is known of them: ${plural(unknown[0], "case")} of the old pair, ${unknown[1].toLocaleString("en")} of the new one.`) : null,
    DATA.kind_order.filter((kind) => kinds.has(kind)).map((kind) => kindSection(kind, kinds.get(kind))),
  ];
}

const placeOf = (one) => [CASES.lane[one], CASES.route[one], CASES.model[one], CASES.variant[one], CASES.size[one]].join(" ");

function failAlike(one, two) {
  if (CASES.outcome[one] !== CASES.outcome[two]) return false;
  const explained = explanationOf(one) >= 0 && explanationOf(one) === explanationOf(two);
  return explained || CASES.cause[one] === CASES.cause[two];
}

function isKnown([olds, news]) {
  const known = new Set(olds.filter((one) => stateOf(one) !== "unknown").map(placeOf));
  return news.some((one) => stateOf(one) !== "unknown" && known.has(placeOf(one)));
}

// Of a pair without a catalog nobody knows the cases: then only what both have is compared.
function changed(olds, news, blind) {
  const before = new Map(olds.map((one) => [placeOf(one), one]));
  const after = new Map(news.map((one) => [placeOf(one), one]));
  const changes = [];
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const [was, now] = [before.get(key), after.get(key)];
    if (blind && (was === undefined || now === undefined)) continue;
    const kind = DATA.kinds[`${stateOf(was)} ${stateOf(now)}`];
    if (!kind) continue;
    if (kind === "broken otherwise" && failAlike(was, now)) continue;
    if (kind === "newly drifted" && !(outcomeOf(was) === "passed" && outcomeOf(now) === "drifted")) continue;
    changes.push({ kind, was, now, broken: kind === "newly fixed" ? was : now ?? was });
  }
  return changes;
}

function kindSection(kind, changes) {
  const causeOf = ({ broken }) => (CASES.group[broken] >= 0 ? CASES.group[broken] : reasonOf(broken));
  const groups = [...grouped(changes, causeOf)].sort(([, one], [, two]) => two.length - one.length);
  return h(
    "section",
    { class: "kind" },
    h("h2", {}, kind),
    listed(groups, ([key, members]) => {
      const routes = routesOf(members.map(({ broken }) => broken));
      const lines = typeof key === "number" ? [...DATA.groups[key].lines, ...DATA.groups[key].ways] : [];
      return fold(
        [h("span", {}, routes), " ", h("span", { class: "outcome" }, outcomeOf(members[0].broken)), h("span", { class: "counts" }, plural(members.length, "case")), typeof key === "number" ? h("span", { class: "why" }, DATA.groups[key].why) : null],
        () => [lines.map(sentence), listed(members, ({ broken }) => caseRow(broken))],
        { open: kind === "newly broken" && groups.length <= 3, className: "cause" },
      );
    }, { first: 20 }),
  );
}
