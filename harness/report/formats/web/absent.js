// What is said where the filters leave no case: of a model that was not run, which one stands for it.
const ALIKE = 0.2; // the share of pairs of letters from which on two names are alike; the same name has 0.5
const NEAR = 3; // names

// The names that are most like a text.
function nearest(text, names) {
  const pairsOf = (word) => new Set([...word.slice(1)].map((letter, position) => word[position] + letter));
  const wanted = pairsOf(text);
  const scored = names.map((name) => {
    const pairs = pairsOf(name);
    return [name, [...pairs].filter((pair) => wanted.has(pair)).length / (pairs.size + wanted.size)];
  });
  const alike = scored.filter(([, score]) => score > ALIKE).sort(([, a], [, b]) => b - a);
  return alike.slice(0, NEAR).map(([name]) => name);
}

const standIn = (model) => (Object.hasOwn(DATA.stand_ins, model) ? DATA.models[DATA.stand_ins[model]] : null);

// Null for a model or a glob of this run.
function notRun(view, query) {
  const { model } = query;
  const other = model ? standIn(model) : null;
  if (!model || (!other && DATA.models.some(modelTest(model)))) return null;
  const link = (name) => h("a", { href: address(view, { ...query, model: name }) }, name);
  const say = (...content) => h("p", { class: "absent" }, h("code", {}, model), " is not in this run. ", content);
  if (other) return say(link(other), " stands for it: a model of the same family with the same traits.");
  const names = nearest(model, [...DATA.models, ...Object.keys(DATA.stand_ins)]);
  return say(names.length ? "Names like it: " : "", names.map((name, position) => [position ? ", " : "", link(name)]));
}

const nothingLeft = (view, query) => notRun(view, query) ?? h("p", {}, "No case is left by these filters.");
