// The sentences of `ask` and `upgrade`, of the latter without its first word: harness/atlas/words.py says the same, and a
// test compares them.
import { DATA, KINDS, STATES, TIMM, TRANSFORMERS } from "./answers.js";

export const pairName = ([first, second]) => `transformers ${TRANSFORMERS[first]} with timm ${TIMM[second]}`;
export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
export const pins = ([first, second]) => `transformers==${TRANSFORMERS[first]} timm==${TIMM[second]}`;

export function sentence(answer) {
  const said = DATA.order
    .map((index) => [STATES[index].name, answer.parts.filter((part) => part.state === index).length])
    .filter(([, count]) => count)
    .map(([name, count]) => `${name}: ${count}`);
  return `${pairName(answer.pair)} in ${DATA.lane}: ${said.join(", ")}, of ${plural(answer.parts.length, "case")}.`;
}

export function verdict(moved) {
  const said = KINDS.map(({ name }) => [name, moved.changes.filter(({ kind }) => kind.name === name).length])
    .filter(([, count]) => count)
    .map(([name, count]) => `${name}: ${count}`);
  const told = said.length ? `${said.join(", ")}, of ${plural(moved.changes.length, "case")}` : "nothing was measured that could tell";
  return `From ${pairName(moved.start)} to ${pairName(moved.end)} in ${DATA.lane}: ${told}.`;
}

const options = (parts) => {
  const routes = [...new Set(parts.map(({ route }) => ` --route ${route.name}`))].join("");
  const models = [...new Set(parts.map(({ model }) => model).filter(Boolean))].map((model) => ` --model ${model}`).join("");
  return routes + models;
};
export const toKnow = (answer, unknown) => `nox -s pair -- ${pins(answer.pair)} --lane ${DATA.lane}${options(unknown)}`;
