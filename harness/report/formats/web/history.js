// The outcomes of each run, by day, and the cases whose outcome differs from the last time.
const NIGHTS = 30;
const FAMILY = Object.fromEntries(DATA.models.map((model, position) => [model, DATA.families[position]]));

function historyView(query) {
  const ran = (run) => run.failed || run.ended === null || Object.keys(run.counts).some((outcome) => outcome !== "not-run");
  const wanted = DATA.runs.filter((run) => (!query.lane || run.lane === query.lane) && (!query.pair || run.pair === query.pair) && ran(run));
  if (!wanted.length) return [h("p", {}, "No run is recorded.")];
  const nights = [...grouped(wanted, (run) => (run.started ?? "").slice(0, 10))].sort(([a], [b]) => b.localeCompare(a));
  return [
    h("p", { class: "hint" }, "Every recorded run that tried anything, with whatever version of the harness. Percentages are the share passed of what that run tried. A case has changed if its outcome differs from the last time; the filters apply to changed cases."),
    h("h2", {}, "By day"),
    nightsTable(nights.slice(0, NIGHTS), query),
    h("h2", {}, "Runs"),
    listed(nights, ([day, runs]) => h("section", { class: "night" }, h("h3", {}, day || "no date"), [...runs].reverse().map((run) => runRow(run, query))), { first: 14 }),
  ];
}

// How many cases passed, of how many that ran, from a run's counts by outcome.
function passedOf(counts) {
  const state = (outcome) => DATA.states[outcome];
  const sum = (wanted) => Object.entries(counts).filter(([outcome]) => wanted.includes(state(outcome))).reduce((total, [, count]) => total + count, 0);
  return { passed: sum(["green"]), ran: sum(["green", "broken"]) };
}

function nightsTable(nights, query) {
  const pairs = DATA.pairs.filter((pair) => nights.some(([, runs]) => runs.some((run) => run.pair === pair.id)));
  const head = h("tr", {}, h("td", { class: "corner" }, "pair"), nights.map(([day]) => h("th", { scope: "col" }, day.slice(5))));
  const body = pairs.map((pair) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: address("history", { ...query, pair: query.pair ? undefined : pair.id }) }, `${pair.transformers} × ${pair.timm}`)),
      nights.map(([, runs]) => {
        const here = runs.filter((run) => run.pair === pair.id);
        const { passed, ran } = here.map((run) => passedOf(run.counts)).reduce((a, b) => ({ passed: a.passed + b.passed, ran: a.ran + b.ran }), { passed: 0, ran: 0 });
        const turned = here.reduce((total, run) => total + turnsOf(run, query).length, 0);
        const bad = here.some((run) => run.failed) ? "failed" : here.some((run) => run.ended === null) ? "broken off" : null;
        const percent = percentOf(passed, ran);
        return h("td", { class: bad ? "bad" : turned ? "turned" : null }, percent === null ? "" : `${percent}%`, [bad, turned ? `${turned} changed` : null].filter(Boolean).map((text) => h("small", {}, text)));
      }),
    ),
  );
  return scrolling("pairs down, days across: share passed", h("table", { class: "nights" }, h("thead", {}, head), h("tbody", {}, body)));
}

function turnsOf(run, query) {
  const holds = modelTest(query.model);
  return run.turns.filter(([id]) => {
    const model = id.split("/")[1].split(/[@+]/)[0];
    return holds(model) && (!query.family || FAMILY[model] === query.family) && (!query.route || id.startsWith(`${query.route}/`));
  });
}

function runRow(run, query) {
  const turns = turnsOf(run, query);
  const done = Object.values(run.counts).reduce((total, count) => total + count, 0);
  const end = run.failed ? `failed: ${run.failed}` : run.ended === null ? `did not end: ${done} of ${run.planned} cases` : plural(done, "case");
  const where = new Set(DATA.runs.map(({ folder }) => folder)).size > 1 ? ` in ${run.folder}` : "";
  const title = `${clock(run.started).slice(11)} UTC ${run.pair} ${run.lane}${where}, ${end}`;
  const counts = Object.entries(run.counts).map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return fold(
    [title, turns.length ? h("span", { class: "outcome" }, `${turns.length} changed`) : null],
    () => [
      h("p", {}, counts),
      h("p", {}, [run.platform, run.device].filter(Boolean).join(", "), `; lock ${run.lock ?? "none"}, harness ${run.code}`),
      listed(turns, ([id, before, now, reason]) => h("p", {}, h("code", {}, id), ` was ${before}, is ${now}`, reason ? `: ${reason}` : "")),
    ],
    { className: run.failed || run.ended === null ? "row bad" : "row" },
  );
}
