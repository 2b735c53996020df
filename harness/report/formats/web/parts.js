// What several views show.
function verdict(place) {
  const mark = DATA.marks[place];
  return h("span", { class: `mark ${mark.key}` }, h("span", { "aria-hidden": "true" }, `${mark.shape} `), mark.word);
}

// A cell of a heat map: a shape and the share that passed, and where it leads.
function cell(cases, target, name) {
  const marks = tally(cases);
  const { passed, ran, percent, worst } = share(marks);
  const mark = DATA.marks[worst];
  const counts = DATA.marks.map((one, place) => marks[place] && `${marks[place]} ${one.word}`).filter(Boolean).join(", ");
  const link = h(
    "a",
    { href: target, class: `cell ${mark.key}`, "aria-label": `${name}: ${counts}`, title: `${name}\n${counts}` },
    h("span", {}, mark.shape, percent === null ? "" : ` ${percent}%`),
    h("small", {}, ran ? `${passed.toLocaleString("en")}/${ran.toLocaleString("en")}` : `${cases.length}`),
  );
  link.style.setProperty("--share", percent ?? 100);
  return link;
}

// What tells pairs apart: both libraries, and what these run on where pairs differ in it.
const TOLD = ["transformers", "timm", ...["torch", "torchvision", "python"].filter((name) => new Set(DATA.pairs.map((one) => one[name])).size > 1)];
const pairName = (pair) => TOLD.map((name) => `${name} ${pair[name]}`).join(", ");

const legend = (cases) =>
  h("p", { class: "legend" }, tally(cases).map((count, place) => count > 0 && h("span", {}, verdict(place), ` ${count.toLocaleString("en")}`)));

// Causes, those first that need a look: what breaks, why, what to do, and a command that shows it.
function causesOf(cases, given, { open = 3 } = {}) {
  const groups = [...grouped(cases, (one) => CASES.group[one])].filter(([group]) => group >= 0);
  groups.sort(([one, ones], [two, twos]) => DATA.groups[one].mark - DATA.groups[two].mark || twos.length - ones.length);
  if (!groups.length) return h("p", {}, "Nothing here is broken or missing.");
  return listed(groups.map((group, place) => ({ group, place })), ({ group: [group, members], place }) => cause(group, members, given, place < open), { first: 30 });
}

const MANY = 6;

function routesOf(members) {
  const routes = [...new Set(members.map((one) => DATA.routes[CASES.route[one]]))];
  return routes.length > MANY ? `${routes.length} routes` : routes.join(", ");
}

function cause(group, members, given, open) {
  const { key, mark, outcome, lines, ways, why, cases } = DATA.groups[group];
  const models = new Set(members.map((one) => CASES.model[one])).size;
  const pairs = new Set(members.map((one) => CASES.pair[one])).size;
  const counts = `${plural(models, "model")}, ${plural(members.length, "case")}, ${plural(pairs, "pair")}`;
  const title = [verdict(mark), " ", h("span", {}, routesOf(members)), outcome ? h("span", { class: "outcome" }, outcome) : null, h("span", { class: "counts" }, counts), h("span", { class: "why" }, why)];
  const example = members.reduce((best, one) => ((CASES.seconds[one] ?? Infinity) < (CASES.seconds[best] ?? Infinity) ? one : best));
  return fold(
    title,
    () => [
      // The reason is that of the case whose command stands below it; what the records offer instead is of all cases.
      (mark === MARK.fixed ? lines : [reasonOf(example), ...lines.slice(1)]).map(sentence),
      members.length === cases ? ways.map(sentence) : null,
      commandLine(command(example)),
      h("p", {}, h("a", { href: address("cases", { ...given, group: key }) }, `Its ${plural(members.length, "case")}`)),
    ],
    { open, className: "cause" },
  );
}

// Everything that is known of a case.
function facts(one) {
  const pair = DATA.pairs[CASES.pair[one]];
  const run = nameOf("runs", CASES.run[one]);
  const rule = nameOf("rules", CASES.rule[one]);
  const figure = (name) => (Number.isFinite(CASES[name][one]) && CASES[name][one] !== null ? String(CASES[name][one]) : null);
  const row = (name, ...value) => (value.some((part) => part !== null && part !== undefined && part !== "") ? [h("dt", {}, name), h("dd", {}, value)] : []);
  const difference = [["max abs", figure("max_abs")], ["max rel", figure("max_rel")], ["noise of native timm", figure("noise")]];
  const measured = difference.filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`).join(", ");
  const installed = run ? Object.entries(DATA.installed[run.installed]) : [];
  return h(
    "dl",
    {},
    row("verdict", verdict(CASES.mark[one]), CASES.silent[one] ? ", and neither library warned" : ""),
    row("outcome", outcomeOf(one)),
    row("reason", reasonOf(one)),
    rule ? row(isAsExpected(one) ? "because" : `expected ${rule.outcome}`, rule.because) : [],
    rule && isAsExpected(one) ? row("advice", rule.advice) : [],
    rule && (rule.url || rule.script) ? row("tracked", linked(rule.url ?? rule.script)) : [],
    row("difference", measured),
    CASES.same_as[one] < 0 ? [] : row("not run itself", `but as ${nameOf("models", CASES.same_as[one])}, which is the same once slim`),
    row("seconds", figure("seconds")),
    row("environment", Object.entries(pair).filter(([name, value]) => name !== "id" && value).map(([name, value]) => `${name} ${value}`).join(", ")),
    run ? row("machine", [run.platform, run.device].filter(Boolean).join(", ")) : [],
    run ? row("run", `${clock(run.started)} UTC in ${run.folder}, lock ${run.lock ?? "none"}, harness ${run.cell}`) : [],
    installed.length ? row("packages", fold(plural(installed.length, "package"), () => h("p", { class: "packages" }, installed.map(([name, version]) => `${name}==${version}`).join(" ")))) : [],
    row("run it again", commandLine(command(one))),
    row("elsewhere", h("a", { href: address("models", { model: DATA.models[CASES.model[one]], lane: DATA.lanes[CASES.lane[one]] }) }, "this model through all versions")),
  );
}

function caseRow(one, { marked = true } = {}) {
  const lane = DATA.lanes.length > 1 ? `${DATA.lanes[CASES.lane[one]]} ` : "";
  const pair = DATA.pairs[CASES.pair[one]];
  const where = DATA.pairs.length > 1 ? `${pair.transformers} × ${pair.timm} ` : "";
  return fold(
    [marked ? verdict(CASES.mark[one]) : null, " ", h("span", { class: "case" }, caseId(one)), h("span", { class: "counts" }, `${lane}${where}`)],
    () => facts(one),
    { className: "one" },
  );
}

// A heat map with pairs across; `rows` are names with their cases.
function pairTable(label, rows, target) {
  const held = new Set(rows.flatMap(([, members]) => members.map((one) => CASES.pair[one])));
  const used = DATA.pairs.map((_, place) => place).filter((place) => held.has(place));
  const head = TOLD.map((name) =>
    h("tr", {}, h("td", { class: "corner" }, name), used.map((place) => h("th", { scope: "col" }, DATA.pairs[place][name]))),
  );
  const body = rows.map(([name, members]) => {
    const byPair = grouped(members, (one) => CASES.pair[one]);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      used.map((place) => h("td", {}, byPair.has(place) ? cell(byPair.get(place), target(members, DATA.pairs[place].id), `${name}, ${pairName(DATA.pairs[place])}`) : null)),
    );
  });
  return scrolling(label, h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

const clock = (text) => (text ?? "").slice(0, 16).replace("T", " ");

const scrolling = (label, table) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
