// The changes from one pair to another, by kind and cause. The table of kinds is that of `nox -s upgrade`.
function upgradeView(query) {
  const from = DATA.pairs.findIndex((pair) => pair.id === query.from);
  const to = DATA.pairs.findIndex((pair) => pair.id === query.to);
  const choose = (name, label, chosen) =>
    h(
      "label",
      {},
      label,
      h("select", { name, onchange: (event) => go("upgrade", { ...query, [name]: event.target.value }) }, h("option", { value: "" }, "choose a pair"), DATA.pairs.map((pair, position) => h("option", { value: pair.id, selected: position === chosen, title: pairName(pair) }, `${pair.transformers} × ${pair.timm}${pair.id.split(/-timm[^-]+/)[1]}`))),
    );
  const form = h("div", { class: "choice" }, choose("from", "From transformers × timm", from), choose("to", "To transformers × timm", to));
  if (from < 0 || to < 0) return [h("p", { class: "hint" }, "Choose the pair that you have and the pair that you are considering."), form];
  const sides = [from, to].map((pair) => filtered({ ...query, pair: DATA.pairs[pair].id, mark: "" }));
  const changes = changed(...sides, DATA.blind[from] || DATA.blind[to]);
  const kinds = grouped(changes, (change) => change.kind);
  const counts = DATA.kind_order.filter((kind) => kinds.has(kind)).map((kind) => `${kinds.get(kind).length.toLocaleString("en")} ${kind}`);
  const unknown = sides.map((side) => side.filter((index) => stateOf(index) === "unknown").length);
  return [
    form,
    h("p", { class: "totals" }, counts.join(" · ") || (isKnown(sides) ? "Nothing changes." : "Nothing is known: no case has a result on both sides.")),
    unknown.some(Boolean) ? h("p", {}, `No result is on record for ${plural(unknown[0], "case")} of the old pair, ${unknown[1].toLocaleString("en")} of the new one.`) : null,
    DATA.kind_order.filter((kind) => kinds.has(kind)).map((kind) => kindSection(kind, kinds.get(kind))),
  ];
}

const caseKey = (index) => [CASES.lane[index], CASES.route[index], CASES.model[index], CASES.variant[index], CASES.size[index]].join(" ");

// As `fail_alike` and `newly_broken` in harness/results/failure.py decide.
function failAlike(was, now) {
  if (CASES.outcome[was] !== CASES.outcome[now]) return false;
  const bothExplained = CASES.explaining[was] >= 0 && CASES.explaining[now] >= 0;
  return bothExplained ? CASES.explaining[was] === CASES.explaining[now] : CASES.cause[was] === CASES.cause[now];
}

function newlyBroken(was, now) {
  const [before, after] = [was, now].map((index) => nameOf("scenarios", CASES.scenarios[index]) ?? {});
  const green = Object.keys(before).filter((name) => before[name] === "green");
  const died = after[""] === "broken" && !("" in before);
  return died ? green.length > 0 : green.some((name) => after[name] === "broken");
}

function isKnown([olds, news]) {
  const known = new Set(olds.filter((index) => stateOf(index) !== "unknown").map(caseKey));
  return news.some((index) => stateOf(index) !== "unknown" && known.has(caseKey(index)));
}

// If the cases of a pair are unknown for want of a catalog (`blind`), only cases that both sides have are compared.
function changed(olds, news, blind) {
  const before = new Map(olds.map((index) => [caseKey(index), index]));
  const after = new Map(news.map((index) => [caseKey(index), index]));
  const changes = [];
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const [was, now] = [before.get(key), after.get(key)];
    if (blind && (was === undefined || now === undefined)) continue;
    let kind = DATA.kinds[`${stateOf(was)} ${stateOf(now)}`];
    if (!kind) continue;
    if (kind === "gone" && now !== undefined && CASES.variant[now]) kind = "option dropped"; // 0 is the default variant
    if (kind === "broken otherwise" && newlyBroken(was, now)) kind = "newly broken";
    if (kind === "broken otherwise" && failAlike(was, now)) continue;
    if (kind === "newly drifted" && !(outcomeOf(was) === "passed" && outcomeOf(now) === "drifted")) continue;
    changes.push({ kind, was, now, broken: kind === "newly fixed" ? was : now ?? was });
  }
  return changes;
}

function kindSection(kind, changes) {
  const causeOf = ({ broken }) => (CASES.group[broken] >= 0 ? CASES.group[broken] : reasonOf(broken));
  const groups = [...grouped(changes, causeOf)].sort(([, a], [, b]) => b.length - a.length);
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
