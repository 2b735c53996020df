// What was recorded, as the page holds it: lists of names, and a column of small numbers for each fact of a case.
const DATA = JSON.parse(document.getElementById("data").textContent);
const CASES = Object.fromEntries(
  Object.entries(DATA.cases).map(([name, column]) => [name, column.includes(null) ? column : Float64Array.from(column)]),
);
const COUNT = CASES.pair.length;
const MARK = Object.fromEntries(DATA.marks.map((mark, place) => [mark.key, place]));
const GREEN = new Set([MARK.passed, MARK.drifted, MARK.fixed]); // what is fixed came out green
const UNTRIED = new Set([MARK["not-run"], MARK.unsupported]);

const nameOf = (list, place) => (place < 0 ? null : DATA[list][place]);

// As `harness.record.Case.id` writes it.
function caseId(one) {
  const variant = CASES.variant[one] ? `@${DATA.variants[CASES.variant[one]]}` : "";
  const size = CASES.size[one] ? `+${DATA.sizes[CASES.size[one]]}` : "";
  return `${DATA.routes[CASES.route[one]]}/${DATA.models[CASES.model[one]]}${variant}${size}`;
}

// As a shell reads it: a word of other signs than these is quoted.
const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

function command(one) {
  const [route, model] = [DATA.routes[CASES.route[one]], DATA.models[CASES.model[one]]];
  const words = ["--lane", DATA.lanes[CASES.lane[one]], ...DATA.own, ...(DATA.weights ? ["--weights", DATA.weights] : []), ...(DATA.own.length && route === "own" ? [] : ["--route", route]), ...(DATA.own.length ? [] : ["--model", model])];
  words.push("--variant", DATA.variants[CASES.variant[one]]);
  if (CASES.size[one]) words.push("--size", DATA.sizes[CASES.size[one]]);
  words.push("--rerun");
  return DATA.commands[DATA.pairs[CASES.pair[one]].id] + words.map(shellWord).join(" ");
}

const outcomeOf = (one) => DATA.outcomes[CASES.outcome[one]];
const reasonOf = (one) => nameOf("reasons", CASES.reason[one]) ?? outcomeOf(one);
const stateOf = (one) => (one === undefined ? "none" : DATA.states[outcomeOf(one)]);

// The rule that explains what was recorded; one that a case was only held against explains nothing.
const isAsExpected = (one) => CASES.mark[one] > MARK.incomplete;
const explanationOf = (one) => (isAsExpected(one) ? CASES.rule[one] : -1);

// How many cases have each mark, and of those that ran how many passed.
function tally(cases) {
  const marks = new Array(DATA.marks.length).fill(0);
  for (const one of cases) marks[CASES.mark[one]] += 1;
  return marks;
}

// Not rounded: 100 is all, and 0 is none.
const percentOf = (passed, ran) => (ran ? Math.max(Math.floor((100 * passed) / ran), passed ? 1 : 0) : null);

function share(marks) {
  let passed = 0;
  let ran = 0;
  marks.forEach((count, mark) => {
    if (GREEN.has(mark)) passed += count;
    if (!UNTRIED.has(mark) && mark !== MARK.incomplete) ran += count;
  });
  return { passed, ran, percent: percentOf(passed, ran), worst: marks.findIndex(Boolean) };
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

function grouped(cases, keyOf) {
  const groups = new Map();
  for (const one of cases) {
    const key = keyOf(one);
    if (groups.has(key)) groups.get(key).push(one);
    else groups.set(key, [one]);
  }
  return groups;
}
