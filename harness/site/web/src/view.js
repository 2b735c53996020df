// The answer and the grid, drawn from what answers.js says.
import { html, nothing, svg } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import { ANY, DATA, KINDS, LAST_DAY, STATES, TIMM, TRANSFORMERS, counted, worst } from "./answers.js";
import { pairName, pins, plural, sentence, toKnow, verdict } from "./words.js";

const MOST = 6; // models named in a line
const RELATED = DATA.pages;

const page = (kind, name, text) => (RELATED ? html`<a href="${kind}/${name}.html">${text}</a>` : html`<span>${text}</span>`);
// Only an http or https address becomes a link; a browser would run others.
const tracked = (link) => (/^https?:\/\//.test(link) ? html`<a href=${link} rel="noreferrer">${link}</a>` : html`<code>${link}</code>`);

export const address = (asked) =>
  "#" + Object.entries(asked).filter(([, value]) => value).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");

async function copy(event) {
  const [button, code] = [event.currentTarget, event.currentTarget.previousElementSibling];
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
const command = (text) => html`<div class="command"><code>${text}</code><button type="button" @click=${copy}>Copy</button></div>`;

// The routes, with the models where there are several.
let several = true; // models are asked about
function where(parts) {
  const byRoute = counted(parts, (part) => [part.route]);
  return html`<ul class="where">${byRoute.map(([route, some]) => html`<li>${page("route", route.name, route.name)}${models(some)}</li>`)}</ul>`;
}
function models(parts) {
  const names = parts.filter(({ model, route, measured }) => route.hasTimm && model !== ANY && (several || measured));
  if (!names.length) return nothing;
  if (names.length > MOST) return html` <details class="inline"><summary>${plural(names.length, "model")}</summary>${names.map((part) => html`<span class="model">${page("model", part.model, part.model)}${stands(part)}</span> `)}</details>`;
  return html` ${names.map((part, index) => html`${index ? ", " : ""}${page("model", part.model, part.model)}${stands(part)}`)}`;
}
const stands = ({ measured }) => (measured ? html`, as ${measured}` : nothing);

// A few causes are open, and those of what is broken; of many others the titles stand there first.
function cause(rule, parts, open) {
  const [because, advice, link, releases, remedy] = DATA.rules[rule] ?? [rule, "", "", "", ""];
  return html`<li class="cause"><details ?open=${open}>
    <summary><span class="because">${because}</span> <span class="count">${plural(parts.length, "case")} · ${releases}</span></summary>
    ${advice ? html`<p class="advice">${advice}</p>` : nothing}
    ${remedy ? command(DATA.remedies[remedy]) : nothing}
    <p class="since">${link ? tracked(link) : nothing}${RELATED && !DATA.pageless.includes(rule) ? html` · ${page("rule", rule, "more of this cause")}` : nothing}</p>
    ${where(parts)}
  </details></li>`;
}
const FEW = 3;
function causes(parts, of, open = false) {
  const told = counted(parts, of);
  return html`<ul class="causes">${told.map(([rule, some]) => keyed(rule, cause(rule, some, open || told.length <= FEW)))}</ul>`;
}
function because(parts) {
  const told = counted(parts.filter((part) => part.because), (part) => [part.general]);
  return told.length ? html`<ul class="causes">${told.map(([, some]) => html`<li class="cause"><p class="because">${some.length === 1 ? some[0].because : some[0].general}</p>${where(some)}</li>`)}</ul>` : nothing;
}

// On which routes, where they are few.
function onRoutes(parts) {
  const routes = [...new Set(parts.map(({ route }) => route.name))];
  return routes.length > FEW ? `, on ${routes.length} routes` : `, on ${routes.join(", ").replace(/, ([^,]*)$/, " and $1")}`;
}
// Of models that are asked about by name: which was run for each.
function standIns(parts) {
  const pairs = [...new Map(parts.filter(({ measured, route }) => measured && route.hasTimm).map(({ model, measured }) => [model, measured]))];
  if (!pairs.length) return nothing;
  const [model, measured] = pairs[0];
  return pairs.length === 1 ? html` ${page("model", measured, measured)} was run for ${model}: it is of its kind.` : ` For ${pairs.length} of the models another of their kind was run.`;
}

const unknownState = STATES.findIndex(({ name }) => name === "not known");
const TITLES = { works: "Works as it is", "works with a remedy": "Works with a remedy", broken: "Broken", unsupported: "Not supported", "not known": "Not known" };
const ofState = (state) => state.name.replaceAll(" ", "-");

export function answered(answer, asked) {
  const sections = DATA.order.map((index) => [STATES[index], answer.parts.filter((part) => part.state === index)]).filter(([, parts]) => parts.length);
  const mended = answer.parts.filter((part) => STATES[part.state].name === "broken" && part.mended.length);
  const changed = answer.parts.filter((part) => part.changed.length);
  const unknown = answer.parts.filter((part) => STATES[part.state].name === "not known");
  several = new Set(answer.parts.map(({ model }) => model)).size > 2; // one, and the text model
  const known = new Set(answer.parts.map((part) => part.state));
  if (known.size > 1) known.delete(unknownState);
  const best = STATES[worst(known)];
  const partly = unknown.length > 0 && best.index !== unknownState;
  const worstParts = answer.parts.filter((part) => part.state === best.index);
  const bases = [...new Set(answer.parts.map(({ basis }) => basis).filter(Boolean))];
  return html`
    <p class="verdict ${ofState(answer.state)}"><span class="shape" aria-hidden="true"></span>${TITLES[best.name]}${partly && answer.state !== best ? ", as far as is known" : ""} <small>${plural(worstParts.length, "case")} of ${answer.parts.length.toLocaleString("en")}${best.good ? nothing : onRoutes(worstParts)}</small></p>
    <p class="sentence">${sentence(answer)}</p>
    <p class="basis">${bases.map((basis) => `${basis[0].toUpperCase()}${basis.slice(1)}. `)}A case is one model on one ${RELATED ? html`<a href="routes.html">route</a>` : "route"}, and may have several causes.${standIns(answer.parts)}${RELATED ? html` What changed with ${page("transformers", TRANSFORMERS[answer.pair[0]], `transformers ${TRANSFORMERS[answer.pair[0]]}`)} and ${page("timm", TIMM[answer.pair[1]], `timm ${TIMM[answer.pair[1]]}`)}.` : nothing}</p>
    ${asked.route ? html`<p class="basis">${asked.route}: ${answer.parts[0].route.about.split("`").map((text, index) => (index % 2 ? html`<code>${text}</code>` : text))}.</p>` : nothing}
    ${answer.nearest.length ? html`<p class="nearest">${DATA.nearest}: ${answer.nearest.map((pair, index) => html`${index ? "; " : ""}<a href=${address({ ...asked, transformers: TRANSFORMERS[pair[0]], timm: TIMM[pair[1]], from: "" })}>${pairName(pair)}</a>`)}.</p>` : nothing}
    ${sections.map(([state, parts]) => section(state, parts, answer))}
    ${mended.length ? html`<section><h2>Beside that, with a remedy</h2>${causes(mended, (part) => part.mended)}</section>` : nothing}
    ${changed.length ? html`<section><details><summary><h2>timm itself computes otherwise than older releases</h2></summary>${causes(changed, (part) => part.changed)}</details></section>` : nothing}
    ${unknown.length ? html`<section><h2>To know the rest</h2>${command(toKnow(answer, unknown))}</section>` : nothing}`;
}

function section(state, parts, answer) {
  const reasons = html`${state.name === "broken" ? causes(parts, (part) => part.rules, true) : causes(parts, (part) => part.mended)}${because(parts)}`;
  const title = html`<h2><span class="shape ${ofState(state)}" aria-hidden="true"></span>${TITLES[state.name]} <small>${plural(parts.length, "case")}</small></h2>`;
  if (state.name === "works") return html`<section><details><summary>${title}</summary>${where(parts)}</details></section>`;
  if (state.name === "unsupported") return html`<section><details><summary>${title}</summary>${reasons}</details></section>`;
  return html`<section>${title}${reasons}</section>`;
}

// What a kind of change means, where its name does not say it.
const MEANS = {
  "newly broken": "worked before, as it was or with a remedy",
  gone: "worked; the model or the route is not there any more",
  "newly needs a remedy": "worked without this one",
  "broken otherwise": "broken at both ends, by another cause",
  mended: "it does not have these causes any more",
  new: "there is no such model or route before the move",
};
const SAID = { Yes: "works", "No worse": "works-with-a-remedy", No: "broken", "With remedies": "works-with-a-remedy", "Not known": "not-known" };

export function moved(move) {
  several = new Set(move.changes.map(({ model }) => model)).size > 2;
  const broken = move.changes.filter(({ kind }) => kind.name === "newly broken" || kind.name === "gone");
  const told = KINDS.filter(({ mark }) => mark).map((kind) => [kind, move.changes.filter((change) => change.kind === kind)]).filter(([, changes]) => changes.length);
  return html`
    <p class="asks">Can the pin be moved?</p>
    <p class="verdict ${SAID[move.word]}"><span class="shape" aria-hidden="true"></span>${move.word}${broken.length ? html` <small>${plural(broken.length, "case")} of ${move.changes.length.toLocaleString("en")} newly broken${onRoutes(broken)}</small>` : nothing}</p>
    <p class="sentence">${verdict(move)}</p>
    ${told.map(([kind, changes]) => html`<section><h2>${kind.mark} ${kind.name} <small>${plural(changes.length, "case")}${MEANS[kind.name] ? `: ${MEANS[kind.name]}` : nothing}</small></h2>
      ${causes(changes, (change) => change.causes, kind.name === "newly broken")}
      ${["newly broken", "gone", "gone, and broken before", "broken otherwise", "not known"].includes(kind.name) ? because(changes) : nothing}
      ${["mended", "new", "works, before not known"].includes(kind.name) ? where(changes) : nothing}</section>`)}
    <section><h2>To measure both ends</h2>${command(`nox -s upgrade -- ${pins(move.end)} --from transformers${TRANSFORMERS[move.start[0]]}-timm${TIMM[move.start[1]]} --measure`)}</section>`;
}

const LEAST = 0.2; // of a cell: what is broken in few cases is seen too
// Releases of transformers down, of timm across, the newest first. A cell is a bar of the shares of its cases.
export function pairs(of, asked, here) {
  const cell = (first, second) => {
    const { shares, known, only, day } = of([first, second]);
    const current = here && here[0] === first && here[1] === second;
    const told = shares.length ? shares.map(([state, count]) => `${state.name}: ${count}`).join(", ") : only.name;
    const label = `${pairName([first, second])}: ${told}${day ? `, measured on ${day}` : known ? ", not measured: both neighbours agree" : ""}`;
    const how = day ? "measured" : known ? "between" : ofState(only);
    let x = 0;
    const widths = shares.map(([, count]) => Math.max(count / known, LEAST));
    const whole = widths.reduce((sum, width) => sum + width, 0);
    const bar = shares.map(([state], index) => {
      const [start, width] = [x, (100 * widths[index]) / whole];
      x += width;
      return svg`<rect class=${ofState(state)} x=${start} width=${width} height="10"></rect>`;
    });
    return html`<td><a class="cell ${how} ${day && day === LAST_DAY ? "fresh" : ""}" tabindex=${current || (!here && first === TRANSFORMERS.length - 1 && second === TIMM.length - 1) ? 0 : -1} aria-current=${current ? "true" : "false"} aria-label=${label} title=${label}
      href=${address({ ...asked, transformers: TRANSFORMERS[first], timm: TIMM[second] })}>${shares.length ? html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">${bar}</svg>` : nothing}</a></td>`;
  };
  const newest = (releases) => releases.map((_, index) => index).reverse();
  return html`<table>
    <caption class="unseen">What is known of each pair: releases of transformers down, of timm across</caption>
    <thead><tr><td></td>${newest(TIMM).map((second) => html`<th scope="col"><span>${TIMM[second]}</span></th>`)}</tr></thead>
    <tbody>${newest(TRANSFORMERS).map((first) => html`<tr><th scope="row">${TRANSFORMERS[first]}</th>${newest(TIMM).map((second) => cell(first, second))}</tr>`)}</tbody>
  </table>`;
}
