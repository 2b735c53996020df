// Names of models by what is typed of them.
import uFuzzy from "@leeoniya/ufuzzy";
import { CLASS_OF, MODELS } from "./answers.js";

const fuzzy = new uFuzzy({ intraMode: 0, interSplit: "[^A-Za-z0-9*]+", intraIns: 0 });
const MOST = 12;

export function suggestions(typed) {
  const text = typed.trim();
  if (!text || CLASS_OF.has(text)) return [];
  const found = fuzzy.filter(MODELS, text) ?? [];
  return found.length ? [...found].slice(0, MOST).map((index) => MODELS[index]) : [];
}

// The models that a name or a glob names.
export function named(typed) {
  const text = typed.trim();
  if (!/[*?]/.test(text)) return CLASS_OF.has(text) ? [text] : [];
  const pattern = new RegExp(`^${text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".")}$`);
  return MODELS.filter((model) => pattern.test(model));
}
