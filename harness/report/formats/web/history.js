// Nights: what each run found, and which cases came out otherwise than the last time.
const NIGHTS = 30;
const FAMILY = Object.fromEntries(DATA.models.map((model, place) => [model, DATA.families[place]]));

function historyView(given) {
  const ran = (run) => run.failed || run.ended === null || Object.keys(run.counts).some((outcome) => outcome !== "not-run");
  const wanted = DATA.runs.filter((run) => (!given.lane || run.lane === given.lane) && (!given.pair || run.pair === given.pair) && ran(run));
  if (!wanted.length) return [h("p", {}, "No run is recorded.")];
  const nights = [...grouped(wanted, (run) => (run.started ?? "").slice(0, 10))].sort(([one], [two]) => two.localeCompare(one));
  return [
    h("p", { class: "hint" }, "Every run on record in which anything was run, of whatever version of the harness; the share that passed is of what that run itself tried. A case that came out otherwise than the last time has changed; the filters apply to these."),
    h("h2", {}, "By day"),
    nightsTable(nights.slice(0, NIGHTS), given),
    h("h2", {}, "Runs"),
    listed(nights, ([day, runs]) => h("section", { class: "night" }, h("h3", {}, day || "no date"), [...runs].reverse().map((run) => runRow(run, given))), { first: 14 }),
  ];
}

// Of a run's counts by outcome: how many passed, of how many that ran.
function passedOf(counts) {
  const state = (outcome) => DATA.states[outcome];
  const sum = (wanted) => Object.entries(counts).filter(([outcome]) => wanted.includes(state(outcome))).reduce((total, [, count]) => total + count, 0);
  return { passed: sum(["green"]), ran: sum(["green", "broken"]) };
}

function nightsTable(nights, given) {
  const pairs = DATA.pairs.filter((pair) => nights.some(([, runs]) => runs.some((run) => run.pair === pair.id)));
  const head = h("tr", {}, h("td", { class: "corner" }, "pair"), nights.map(([day]) => h("th", { scope: "col" }, day.slice(5))));
  const body = pairs.map((pair) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: address("history", { ...given, pair: given.pair ? undefined : pair.id }) }, `${pair.transformers} × ${pair.timm}`)),
      nights.map(([, runs]) => {
        const here = runs.filter((run) => run.pair === pair.id);
        const { passed, ran } = here.map((run) => passedOf(run.counts)).reduce((one, two) => ({ passed: one.passed + two.passed, ran: one.ran + two.ran }), { passed: 0, ran: 0 });
        const turned = here.reduce((total, run) => total + turnsOf(run, given).length, 0);
        const bad = here.some((run) => run.failed) ? "failed" : here.some((run) => run.ended === null) ? "broken off" : null;
        const percent = percentOf(passed, ran);
        return h("td", { class: bad ? "bad" : turned ? "turned" : null }, percent === null ? "" : `${percent}%`, [bad, turned ? `${turned} changed` : null].filter(Boolean).map((text) => h("small", {}, text)));
      }),
    ),
  );
  return scrolling("pairs down, days across: share passed", h("table", { class: "nights" }, h("thead", {}, head), h("tbody", {}, body)));
}

function turnsOf(run, given) {
  const holds = modelTest(given.model);
  return run.turns.filter(([id]) => {
    const model = id.split("/")[1].split(/[@+]/)[0];
    return holds(model) && (!given.family || FAMILY[model] === given.family) && (!given.route || id.startsWith(`${given.route}/`));
  });
}

function runRow(run, given) {
  const turns = turnsOf(run, given);
  const done = Object.values(run.counts).reduce((total, count) => total + count, 0);
  const end = run.failed ? `failed: ${run.failed}` : run.ended === null ? `did not end: ${done} of ${run.planned} cases` : plural(done, "case");
  const where = new Set(DATA.runs.map((one) => one.folder)).size > 1 ? ` in ${run.folder}` : "";
  const title = `${clock(run.started).slice(11)} UTC ${run.pair} ${run.lane}${where}, ${end}`;
  const counts = Object.entries(run.counts).map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return fold(
    [title, turns.length ? h("span", { class: "outcome" }, `${turns.length} changed`) : null],
    () => [
      h("p", {}, counts),
      h("p", {}, [run.platform, run.device].filter(Boolean).join(", "), `; lock ${run.lock ?? "none"}, harness ${run.code}`),
      listed(turns, ([id, before, now, reason]) => h("p", {}, h("code", {}, id), ` was ${before}, is ${now}`, reason ? `: ${reason}` : "")),
    ],
    { className: run.failed || run.ended === null ? "one bad" : "one" },
  );
}
