// Parts that several views share.
function verdict(position) {
  const mark = DATA.marks[position];
  return h("span", { class: `mark ${mark.key}` }, h("span", { "aria-hidden": "true" }, `${mark.shape} `), mark.word);
}

// A cell of a heat map: a shape and the share that passed, as it is and with remedies, with a link to `target`.
function cell(cases, target, name) {
  const marks = tally(cases);
  const { passed, ran, percent, shown, worst } = share(cases, marks);
  const mark = DATA.marks[worst];
  const counts = DATA.marks.map(({ word }, position) => marks[position] && `${marks[position]} ${word}`).filter(Boolean).join(", ");
  const link = h(
    "a",
    { href: target, class: `cell ${mark.key}`, "aria-label": `${name}: ${counts}`, title: `${name}\n${counts}` },
    h("span", {}, `${mark.shape} ${shown}`.trim()),
    h("small", {}, ran ? `${passed.toLocaleString("en")}/${ran.toLocaleString("en")}` : `${cases.length}`),
  );
  link.style.setProperty("--share", percent ?? 100);
  return link;
}

// The packages whose versions name a pair: both libraries, and any other in which pairs differ.
const PACKAGES = ["transformers", "timm", ...["torch", "torchvision", "python"].filter((name) => new Set(DATA.pairs.map((pair) => pair[name])).size > 1)];
const pairName = (pair) => PACKAGES.map((name) => `${name} ${pair[name]}`).join(", ");

const legend = (cases) =>
  h("p", { class: "legend" }, tally(cases).map((count, position) => count > 0 && h("span", {}, verdict(position), ` ${count.toLocaleString("en")}`)));

// Causes, unexpected ones first: what breaks, why, what to do, and a command that shows it.
function causesOf(cases, query, { open = 3 } = {}) {
  const groups = [...grouped(cases, (index) => CASES.group[index])].filter(([group]) => group >= 0);
  groups.sort(([a, inA], [b, inB]) => DATA.groups[a].mark - DATA.groups[b].mark || inB.length - inA.length);
  if (!groups.length) return h("p", {}, "Nothing here is broken or missing.");
  return listed(groups.map((group, position) => ({ group, position })), ({ group: [group, members], position }) => cause(group, members, query, position < open), { first: 30 });
}

const MANY = 6;

function routesOf(members) {
  const routes = [...new Set(members.map((index) => DATA.routes[CASES.route[index]]))];
  return routes.length > MANY ? `${routes.length} routes` : routes.join(", ");
}

function cause(group, members, query, open) {
  const { key, mark, outcome, lines, ways, why, cases } = DATA.groups[group];
  const models = new Set(members.map((index) => CASES.model[index])).size;
  const pairs = new Set(members.map((index) => CASES.pair[index])).size;
  const counts = `${plural(models, "model")}, ${plural(members.length, "case")}, ${plural(pairs, "pair")}`;
  const title = [verdict(mark), " ", h("span", {}, routesOf(members)), outcome ? h("span", { class: "outcome" }, outcome) : null, h("span", { class: "counts" }, counts), h("span", { class: "why" }, why)];
  const example = members.reduce((best, index) => ((CASES.seconds[index] ?? Infinity) < (CASES.seconds[best] ?? Infinity) ? index : best));
  return fold(
    title,
    () => [
      // The reason is of the case whose command stands below; the alternatives hold for all cases of the cause only.
      (mark === MARK.fixed ? lines : [reasonOf(example), ...lines.slice(1)]).map(sentence),
      members.length === cases ? ways.map(sentence) : null,
      commandLine(command(example)),
      h("p", {}, h("a", { href: address("cases", { ...query, group: key }) }, `Its ${plural(members.length, "case")}`)),
    ],
    { open, className: "cause" },
  );
}

// How a rule relates to the verdict on a case.
function relation(index, rule) {
  if (CASES.mark[index] === MARK.regressed) return "known beside it";
  return CASES.mark[index] === MARK.fixed ? `no longer ${rule.outcome}` : "because";
}

// All facts about a case.
function facts(index) {
  const pair = DATA.pairs[CASES.pair[index]];
  const run = nameOf("runs", CASES.run[index]);
  const rule = nameOf("rules", CASES.rule[index]);
  const figure = (name) => (Number.isFinite(CASES[name][index]) && CASES[name][index] !== null ? String(CASES[name][index]) : null);
  const row = (name, ...value) => (value.some((part) => part !== null && part !== undefined && part !== "") ? [h("dt", {}, name), h("dd", {}, value)] : []);
  const difference = [["max abs", figure("max_abs")], ["max rel", figure("max_rel")], ["noise of native timm", figure("noise")]];
  const measured = difference.filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`).join(", ");
  const installed = run ? Object.entries(DATA.installed[run.installed]) : [];
  return h(
    "dl",
    {},
    row("verdict", verdict(CASES.mark[index]), CASES.silent[index] ? ", and neither library warned" : ""),
    row("outcome", outcomeOf(index)),
    row("reason", reasonOf(index)),
    rule ? row(relation(index, rule), rule.because) : [],
    rule && isAsExpected(index) ? row("advice", rule.advice) : [],
    rule && (rule.url || rule.script) ? row("tracked", linked(rule.url ?? rule.script)) : [],
    row("difference", measured),
    CASES.same_as[index] < 0 ? [] : row("not run itself", `has the result of ${nameOf("models", CASES.same_as[index])}, which is identical once slim`),
    row("seconds", figure("seconds")),
    row("environment", Object.entries(pair).filter(([name, value]) => name !== "id" && value).map(([name, value]) => `${name} ${value}`).join(", ")),
    run ? row("machine", [run.platform, run.device].filter(Boolean).join(", ")) : [],
    run ? row("run", `${clock(run.started)} UTC in ${run.folder}, lock ${run.lock ?? "none"}, harness ${run.code}`) : [],
    installed.length ? row("packages", fold(plural(installed.length, "package"), () => h("p", { class: "packages" }, installed.map(([name, version]) => `${name}==${version}`).join(" ")))) : [],
    row("run it again", commandLine(command(index))),
    row("elsewhere", h("a", { href: address("models", { model: DATA.models[CASES.model[index]], lane: DATA.lanes[CASES.lane[index]] }) }, "this model through all versions")),
  );
}

function caseRow(index, { marked = true } = {}) {
  const lane = DATA.lanes.length > 1 ? `${DATA.lanes[CASES.lane[index]]} ` : "";
  const pair = DATA.pairs[CASES.pair[index]];
  const where = DATA.pairs.length > 1 ? `${pair.transformers} × ${pair.timm} ` : "";
  return fold(
    [marked ? verdict(CASES.mark[index]) : null, " ", h("span", { class: "case" }, caseId(index)), h("span", { class: "counts" }, `${lane}${where}`)],
    () => facts(index),
    { className: "row" },
  );
}

// A heat map with pairs across; `rows` are pairs of a name and its cases.
function pairTable(label, rows, target) {
  const present = new Set(rows.flatMap(([, members]) => members.map((index) => CASES.pair[index])));
  const used = DATA.pairs.map((_, position) => position).filter((position) => present.has(position));
  const head = PACKAGES.map((name) =>
    h("tr", {}, h("td", { class: "corner" }, name), used.map((position) => h("th", { scope: "col" }, DATA.pairs[position][name]))),
  );
  const body = rows.map(([name, members]) => {
    const byPair = grouped(members, (index) => CASES.pair[index]);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      used.map((position) => h("td", {}, byPair.has(position) ? cell(byPair.get(position), target(members, DATA.pairs[position].id), `${name}, ${pairName(DATA.pairs[position])}`) : null)),
    );
  });
  return scrolling(label, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

const clock = (text) => (text ?? "").slice(0, 16).replace("T", " ");

const scrolling = (label, table) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
