// What the data say of a pair, a move, or every pair: no text is made here that data.py did not give.
if (!globalThis.DecompressionStream) document.getElementById("answer").textContent = "This page needs a browser of May 2023 or later.";
const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (letter) => letter.charCodeAt(0));
const DATA = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
const [answersIn, standsIn, basesIn] = DATA.rows;

export const [TRANSFORMERS, TIMM] = DATA.releases;
export const STATES = DATA.states.map(([name, mark, good], index) => ({ index, name, mark, good }));
export const KINDS = DATA.kinds.map(([name, mark, harm]) => ({ name, mark, harm }));
export const ROUTES = DATA.routes.map(([name, about, hasTimm], index) => ({ index, name, about, hasTimm }));
export const CLASS_OF = new Map(DATA.classes.flatMap((models, index) => models.map((model) => [model, index])));
export const MODELS = [...CLASS_OF.keys()].sort();
export const ANY = "";
export { DATA };

const state = (name) => STATES.find((one) => one.name === name).index;
const [WORKS, REMEDY, BROKEN, UNSUPPORTED, UNKNOWN] = ["works", "works with a remedy", "broken", "unsupported", "not known"].map(state);
export const worst = (states) => DATA.worst.find((one) => states.has(one)) ?? UNKNOWN;

const MEASURED = DATA.measured.map(([first, second, day, asked]) => ({ pair: [first, second], day, asked }));
const keyOf = ([first, second]) => first * TIMM.length + second;
export const LAST_DAY = MEASURED.reduce((last, { day }) => (day > last ? day : last), "");
const DAY_OF = new Map(MEASURED.map(({ pair, day }) => [keyOf(pair), day]));
export const dayOf = (pair) => DAY_OF.get(keyOf(pair));
const distance = (one, other) => Math.abs(DATA.rank[0][one[0]] - DATA.rank[0][other[0]]) + Math.abs(DATA.rank[1][one[1]] - DATA.rank[1][other[1]]);
const byDistance = (pair) => MEASURED.map((other) => [distance(pair, other.pair), other]).sort((one, other) => one[0] - other[0]).map(([, other]) => other);

// The answer for a model on a route; the model's name stands in its texts.
function partOf(pair, route, model) {
  const row = DATA.pairs[keyOf(pair)];
  const answers = DATA.answers[answersIn[row][route.index]];
  const stands = DATA.stands[standsIn[row][route.index]];
  const bases = DATA.how[basesIn[row][route.index]];
  const at = answers.length > 1 ? CLASS_OF.get(model) : 0;
  const [signature, measured] = [answers[at], DATA.standing[stands[at]]];
  const [stateIndex, rules, mended, changed, because] = DATA.signatures[signature];
  const told = because.replaceAll(DATA.name, model);
  return { route, model, signature, state: stateIndex, measured, rules, mended, changed, because: told, general: because, basis: DATA.bases[bases[at]] };
}

// The models that are asked for on a route: those that are named, or those that were measured nearest to the pair.
function modelsFor(pair, route, named) {
  if (!route.hasTimm) return ["bert"];
  if (named.length) return named;
  const there = byDistance(pair).find((other) => DATA.asked[other.asked[route.index]].length);
  return there ? DATA.asked[there.asked[route.index]].map((index) => DATA.classes[index][0]).sort() : [ANY];
}

const chosen = (routes) => (routes.length ? ROUTES.filter(({ name }) => routes.includes(name)) : ROUTES);

export function ask(pair, { models = [], routes = [] } = {}) {
  const parts = chosen(routes).flatMap((route) => modelsFor(pair, route, models).map((model) => partOf(pair, route, model)));
  const found = worst(new Set(parts.map((part) => part.state)));
  const nearest = [BROKEN, UNKNOWN, UNSUPPORTED].includes(found) ? nearestGood(pair, parts) : [];
  return { pair, parts, state: STATES[found], nearest };
}

// The nearest measured pairs that are good for all of it that is supported here, and that any measured pair is good for.
function nearestGood(pair, parts) {
  const supported = parts.filter((part) => part.state !== UNSUPPORTED);
  const others = byDistance(pair).map((other) => other.pair).filter((other) => keyOf(other) !== keyOf(pair));
  const ofRoute = ({ route, model }) => (other) => {
    const answers = DATA.answers[answersIn[DATA.pairs[keyOf(other)]][route.index]];
    return STATES[DATA.signatures[answers[answers.length > 1 ? CLASS_OF.get(model) : 0]][0]].good;
  };
  const good = (supported.length ? supported : parts).map((part) => new Set(others.filter(ofRoute(part)))).filter(({ size }) => size);
  return good.length ? others.filter((other) => good.every((some) => some.has(other))).slice(0, 3) : [];
}

// What a move changes, as harness/atlas/moving.py says it: its table of kinds is in the data.
export function move(start, end, { models = [], routes = [] } = {}) {
  const changes = chosen(routes).flatMap((route) => {
    const asked = [...new Set([...modelsFor(start, route, models), ...modelsFor(end, route, models)])].sort();
    return asked.map((model) => {
      const [old, now] = [partOf(start, route, model), partOf(end, route, model)];
      const letter = DATA.changes[DATA.alike[old.signature]].charCodeAt(DATA.alike[now.signature]) - 97;
      const [far, near] = KINDS[letter].name === "mended" ? [old, now] : [now, old];
      const known = new Set([...near.rules, ...near.mended]);
      return { ...now, old, kind: KINDS[letter], causes: [...far.rules, ...far.mended].filter((rule) => !known.has(rule)) };
    });
  });
  const has = (name) => changes.some(({ kind }) => kind.name === name);
  const harm = changes.some(({ kind }) => kind.harm);
  const gone = has("newly broken") || has("gone");
  const stays = changes.some((change) => change.state === BROKEN);
  const word = harm ? (gone ? "No" : "With remedies") : has("not known") || !changes.length ? "Not known" : stays ? "No worse" : "Yes";
  return { start, end, changes, word };
}

// For every pair the shares of what was asked, by row of answers, of which there are few.
export function grid({ models = [], routes = [] } = {}) {
  const sharesOf = new Map();
  const known = new Map();
  const picked = chosen(routes);
  const every = [...new Set(MEASURED.flatMap(({ asked }) => asked.flatMap((some) => DATA.asked[some])))];
  const classes = models.length ? [...new Set(models.map((model) => CLASS_OF.get(model)))] : every;
  const ofAnswers = (index, hasTimm) => {
    const key = hasTimm ? index : -1 - index;
    if (!known.has(key)) {
      const answers = DATA.answers[index];
      const told = answers.length > 1 ? classes.map((at) => answers[at]) : answers;
      const counts = STATES.map(() => 0);
      for (const signature of told) counts[DATA.signatures[signature][0]] += 1;
      known.set(key, counts);
    }
    return known.get(key);
  };
  const ofRow = (row) => {
    if (!sharesOf.has(row)) {
      const counts = STATES.map(() => 0);
      for (const route of picked) ofAnswers(answersIn[row][route.index], route.hasTimm).forEach((count, index) => { counts[index] += count; });
      // A pair of which something is known shows that; the rest is told when it is asked about.
      const shares = [WORKS, REMEDY, BROKEN].map((index) => [STATES[index], counts[index]]).filter(([, count]) => count);
      const only = STATES[counts[UNKNOWN] || !counts[UNSUPPORTED] ? UNKNOWN : UNSUPPORTED];
      sharesOf.set(row, { shares, known: shares.reduce((sum, [, count]) => sum + count, 0), only });
    }
    return sharesOf.get(row);
  };
  return (pair) => ({ ...ofRow(DATA.pairs[keyOf(pair)]), day: dayOf(pair) });
}

export const counted = (items, of) => {
  const counts = new Map();
  for (const item of items) for (const key of of(item)) counts.set(key, [...(counts.get(key) ?? []), item]);
  return [...counts].sort((one, other) => other[1].length - one[1].length);
};
