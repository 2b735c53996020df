// Names of models by what is typed of them.
import uFuzzy from "@leeoniya/ufuzzy";
import { CLASS_OF, MODELS } from "./answers.js";

const fuzzy = new uFuzzy({ intraMode: 0, interSplit: "[^A-Za-z0-9]+", intraIns: 0 });
const MOST = 12;

// As people copy it from the hub: hf_hub:timm/convnext_base.fb_in22k is convnext_base.
const plain = (typed) => {
  const name = typed.trim().toLowerCase().replace(/^(hf[-_]hub:)?(timm\/)?/, "");
  const untagged = name.replace(/\..*$/, "");
  return /[a-z0-9]/.test(untagged) ? untagged : name;
};
const isGlob = (text) => /[*?]/.test(text);

export function suggestions(typed) {
  const text = plain(typed);
  if (!text || isGlob(text) || CLASS_OF.has(text)) return [];
  const found = fuzzy.filter(MODELS, text) ?? [];
  return found.length ? [...found].slice(0, MOST).map((index) => MODELS[index]) : [];
}

// A star takes the least that lets what follows it fit, and nothing else is tried: many stars take no longer.
function patternOf(glob) {
  const [first, ...rest] = glob.split(/\*+/).map((part) => part.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("?", "."));
  const last = rest.pop();
  const between = rest.map((part, index) => `(?=(.*?${part}))\\${index + 1}`).join("");
  return new RegExp(last === undefined ? `^${first}$` : `^${first}${between}.*${last}$`);
}

// The models that a name or a glob names.
export function named(typed) {
  const text = plain(typed);
  if (!isGlob(text)) return CLASS_OF.has(text) ? [text] : [];
  const pattern = patternOf(text);
  return MODELS.filter((model) => pattern.test(model));
}
