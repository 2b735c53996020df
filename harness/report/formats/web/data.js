// The records as the page holds them: lists of names, and a column of small numbers for each fact of a case.
// A case is its `index` in these columns.
const DATA = JSON.parse(document.getElementById("data").textContent);
const CASES = Object.fromEntries(
  Object.entries(DATA.cases).map(([name, column]) => [name, column.includes(null) ? column : Float64Array.from(column)]),
);
const COUNT = CASES.pair.length;
const MARK = Object.fromEntries(DATA.marks.map((mark, position) => [mark.key, position]));
const GREEN = new Set(DATA.outcomes.flatMap((outcome, position) => (DATA.states[outcome] === "green" ? [position] : [])));
const UNTRIED = new Set([MARK["not-run"], MARK.unsupported]);

const nameOf = (list, position) => (position < 0 ? null : DATA[list][position]);

// As `Case.id` in harness/contract/record.py writes it.
function caseId(index) {
  const variant = CASES.variant[index] ? `@${DATA.variants[CASES.variant[index]]}` : "";
  const size = CASES.size[index] ? `+${DATA.sizes[CASES.size[index]]}` : "";
  return `${DATA.routes[CASES.route[index]]}/${DATA.models[CASES.model[index]]}${variant}${size}`;
}

// Quoted for a shell if it has any other character than these.
const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

function command(index) {
  const [route, model] = [DATA.routes[CASES.route[index]], DATA.models[CASES.model[index]]];
  const words = ["--lane", DATA.lanes[CASES.lane[index]], ...DATA.own, ...(DATA.weights ? ["--weights", DATA.weights] : []), ...(DATA.own.length && route === "own" ? [] : ["--route", route]), ...(DATA.own.length ? [] : ["--model", model])];
  words.push("--variant", DATA.variants[CASES.variant[index]]);
  if (CASES.size[index]) words.push("--size", DATA.sizes[CASES.size[index]]);
  words.push("--rerun");
  return DATA.commands[DATA.pairs[CASES.pair[index]].id] + words.map(shellWord).join(" ");
}

const outcomeOf = (index) => DATA.outcomes[CASES.outcome[index]];
const reasonOf = (index) => nameOf("reasons", CASES.reason[index]) ?? outcomeOf(index);
const stateOf = (index) => (index === undefined ? "none" : DATA.states[outcomeOf(index)]);

// The rule of a case that is not as expected explains nothing.
const isAsExpected = (index) => CASES.mark[index] > MARK.incomplete;

// How many cases have each mark.
function tally(cases) {
  const marks = new Array(DATA.marks.length).fill(0);
  for (const index of cases) marks[CASES.mark[index]] += 1;
  return marks;
}

// How many cases of each lane have each mark, and the worst of these marks.
const LANE_MARKS = DATA.lanes.map(() => new Array(DATA.marks.length).fill(0));
for (let index = 0; index < COUNT; index += 1) LANE_MARKS[CASES.lane[index]][CASES.mark[index]] += 1;
const worstOf = (marks) => marks.findIndex(Boolean);

// The lane that is shown first: the one with the worst mark, or of several the first. None if nothing was run.
function firstLane() {
  const worst = Math.min(...LANE_MARKS.map(worstOf));
  return UNTRIED.has(worst) ? undefined : DATA.lanes.find((_, lane) => worstOf(LANE_MARKS[lane]) === worst);
}

// Of these marks those that are not as expected, worst first.
const attention = (marks) => [...marks.keys()].filter((mark) => marks[mark] && mark <= MARK.incomplete);

// Rounded so that only all is 100 and only none is 0.
const percentOf = (passed, ran) => (ran ? Math.max(Math.floor((100 * passed) / ran), passed ? 1 : 0) : null);

function share(cases, marks) {
  let passed = 0;
  let ran = 0;
  for (const index of cases) passed += GREEN.has(CASES.outcome[index]);
  marks.forEach((count, mark) => {
    if (!UNTRIED.has(mark) && mark !== MARK.incomplete) ran += count;
  });
  const remedied = marks[MARK.remedied];
  const percent = percentOf(passed, ran);
  const shown = percent === null ? "" : remedied ? `${percent}% → ${percentOf(passed + remedied, ran)}%` : `${percent}%`;
  return { passed, ran, percent, shown, worst: worstOf(marks) };
}

const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

function grouped(cases, keyOf) {
  const groups = new Map();
  for (const index of cases) {
    const key = keyOf(index);
    if (groups.has(key)) groups.get(key).push(index);
    else groups.set(key, [index]);
  }
  return groups;
}
