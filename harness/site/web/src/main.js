// The form, the address, and what is drawn when either changes.
import { html, nothing, render } from "lit-html";
import { DATA, ROUTES, TIMM, TRANSFORMERS, ask, grid, move } from "./answers.js";
import { named, suggestions } from "./search.js";
import { address, answered, moved, pairs } from "./view.js";
import { pairName } from "./words.js";

const NAMES = ["transformers", "timm", "model", "route", "from"];
const [form, answer, said, table] = ["form", "answer", "said", "pairs"].map((id) => document.getElementById(id));
let asked = {};
let active = -1; // of the suggestions, the one that the keyboard is on
let hidden = false; // the suggestions, after one was taken or refused
let typing = false; // the name of a model, of which the first key was kept already

const completed = (one) => ({ ...one, transformers: one.transformers || DATA.current[0], timm: one.timm || DATA.current[1] });
// What is asked stands behind # or ?; a place on the page, as of the link that skips the head, asks nothing.
function readAddress() {
  const given = new URLSearchParams(location.hash.length > 1 ? location.hash.slice(1) : location.search);
  if (given.size && !NAMES.some((name) => given.has(name))) return;
  asked = completed(Object.fromEntries(NAMES.map((name) => [name, [...(given.get(name) ?? "").trim()].slice(0, 100).join("")])));
}

// 5.23 is 5.23.0, and timm==1.0.31 is 1.0.31.
const padded = (text) => text.replace(/^(transformers|timm)?\s*(==|v)?\s*/, "").replace(/^(\d+\.\d+)$/, "$1.0");
const pairOf = (first, second) => {
  const pair = [TRANSFORMERS.indexOf(padded(first)), TIMM.indexOf(padded(second))];
  return pair.includes(-1) ? null : pair;
};
// A release tells whose it is. The one that is not named stays.
function startOf(text) {
  const words = text.replaceAll(/transformers|timm|==/g, " ").split(/[\s,-]+/).filter(Boolean).map(padded);
  const [first, second] = [TRANSFORMERS, TIMM].map((releases) => words.filter((word) => releases.includes(word)));
  if (!words.length || first.length > 1 || second.length > 1 || first.length + second.length < words.length) return null;
  return pairOf(first[0] ?? asked.transformers, second[0] ?? asked.timm);
}

// The releases next to one that there is not; the newest for what is no number.
function near(text, releases) {
  const number = (release) => release.split(".").slice(0, 3).reduce((sum, part, index) => sum + Math.min(Number.parseInt(part, 10), 999) * 1000 ** (3 - index), 0);
  if (Number.isNaN(number(text))) return `the newest are ${releases.slice(-2).join(" and ")}`;
  const by = [...releases].sort((one, other) => Math.abs(number(one) - number(text)) - Math.abs(number(other) - number(text)));
  return `next to it are ${by.slice(0, 2).join(" and ")}`;
}

function problem() {
  for (const [name, releases] of [["transformers", TRANSFORMERS], ["timm", TIMM]]) {
    if (!releases.includes(padded(asked[name]))) return `${name} ${asked[name]} is no release that is known here; ${near(asked[name], releases)}.`;
  }
  if (asked.from && !startOf(asked.from)) return `${asked.from} is no pair that is known here; write a release of each, as 4.57.6, 1.0.22, or of one.`;
  if (asked.route && !ROUTES.some(({ name }) => name === asked.route)) return `There is no route ${asked.route}.`;
  if (asked.model && !named(asked.model).length) return suggestions(asked.model).length ? null : `No LayerScale model of timm has a name like ${asked.model}.`;
  return null;
}

const PAUSE = 150; // milliseconds in which the next key is typed
let drawing; // the grid, soon
let told = ""; // what the answer on the page is about
let shown = "";

function draw() {
  drawForm();
  const wrong = problem();
  const models = asked.model ? named(asked.model) : [];
  const about = { models, routes: asked.route ? [asked.route] : [] };
  const end = pairOf(asked.transformers, asked.timm);
  if (wrong || (asked.model && !models.length)) {
    told = "";
    render(html`<p class="verdict not-known"><span class="shape" aria-hidden="true"></span>${wrong ? "No answer" : "Which model?"}</p><p class="sentence">${wrong ?? fitting()}</p>`, answer);
  } else {
    const start = asked.from ? startOf(asked.from) : null;
    const now = JSON.stringify([end, start, about]);
    if (now !== told) render(start ? moved(move(start, end, about)) : answered(ask(end, about), asked), answer);
    told = now;
  }
  tell(end);
  drawPairs(about, end);
}

// The title, and for a screen reader the answer alone.
function tell(end) {
  const [verdict, sentence] = [".verdict", ".sentence"].map((name) => answer.querySelector(name).textContent.trim().replace(/\s+/g, " "));
  document.title = `${verdict}${end ? `: ${pairName(end)}` : ""}${asked.model ? `, ${asked.model}` : ""}`;
  if (said.textContent !== `${verdict}. ${sentence}`) said.textContent = `${verdict}. ${sentence}`;
}

// The models that what is typed may mean, to choose from also where the list below the field is closed.
function fitting() {
  const found = suggestions(asked.model);
  return html`Choose one: ${found.map((model, index) => html`${index ? ", " : ""}<a href=${address({ ...asked, model })}>${model}</a>`)}; or go on writing. * stands for anything, as in vit_*.`;
}

// The grid is drawn after the answer, which people wait for; of a model or route that there is not, it has nothing to say.
function drawPairs(about, end) {
  const isKnown = (!asked.model || about.models.length) && (!asked.route || ROUTES.some(({ name }) => name === asked.route));
  const key = JSON.stringify([end, about, asked.from, isKnown]);
  if (key === shown) return;
  shown = key;
  requestAnimationFrame(() => {
    clearTimeout(drawing);
    drawing = setTimeout(() => render(isKnown ? pairs(grid(about), asked, end) : nothing, table), typing ? PAUSE : 0);
  });
}

// The back button leads to what was asked before, not to what was half typed.
function go(change) {
  history[typing ? "replaceState" : "pushState"](null, "", address({ ...asked, ...change }));
  asked = completed({ ...asked, ...change });
  draw();
}

function take(model) {
  hidden = true;
  active = -1;
  go({ model });
}

function onKey(event, found) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!found.length) return;
    event.preventDefault();
    active = (active + (event.key === "ArrowDown" ? 1 : found.length)) % found.length;
    if (event.key === "ArrowUp" && active < 0) active = found.length - 1;
  } else if (event.key === "Enter" && found.length) {
    event.preventDefault();
    take(found[Math.max(active, 0)]);
    return;
  } else if (event.key === "Escape") hidden = true;
  else return;
  drawForm();
}

function drawForm() {
  const found = hidden ? [] : suggestions(asked.model);
  const typed = (name) => (event) => go({ [name]: event.target.value.trim() });
  const release = (name, releases) => html`<label>${name}<input name=${name} list="${name}-releases" .value=${asked[name]} @change=${typed(name)} autocomplete="off" spellcheck="false" inputmode="decimal">
    <datalist id="${name}-releases">${[...releases].reverse().map((one) => html`<option value=${one}></option>`)}</datalist></label>`;
  render(html`
    ${release("transformers", TRANSFORMERS)}${release("timm", TIMM)}
    <label class="wide">model of timm
      <input name="model" .value=${asked.model} placeholder="one of each kind, or a name, or convnext_*" autocomplete="off" spellcheck="false"
        role="combobox" aria-expanded=${found.length > 0} aria-controls="found" aria-activedescendant=${active >= 0 && found.length ? `found-${active}` : nothing}
        @input=${(event) => { hidden = false; active = -1; go({ model: event.target.value.trim() }); typing = true; }} @keydown=${(event) => onKey(event, found)} @blur=${() => { typing = false; hidden = true; drawForm(); }}>
      <span id="found" role="listbox" aria-label="Models" class=${found.length ? "found" : "found none"}>${found.map((model, index) => html`<span role="option" id="found-${index}" aria-selected=${index === active}
        @mousedown=${(event) => { event.preventDefault(); take(model); }}>${model}</span>`)}</span></label>
    <label>route<select name="route" .value=${asked.route} @change=${typed("route")}><option value="" ?selected=${!asked.route}>every route</option>${ROUTES.map(({ name }) => html`<option value=${name} ?selected=${asked.route === name}>${name}</option>`)}</select></label>
    <label>moving from<input name="from" .value=${asked.from} placeholder="4.57.6, 1.0.22" @change=${typed("from")} autocomplete="off" spellcheck="false"></label>`, form);
}

// Arrow keys move from cell to cell of the grid.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
table.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const place = event.target.closest("td");
  if (!step || !place) return;
  event.preventDefault();
  const row = place.parentElement.parentElement.rows[place.parentElement.sectionRowIndex + step[0]];
  row?.cells[place.cellIndex + step[1]]?.querySelector("a")?.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, select")) return;
  event.preventDefault();
  form.querySelector("[name=model]").focus();
});
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", () => { readAddress(); draw(); });
asked = completed({});
readAddress();
draw();
