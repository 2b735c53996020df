// Only this file makes elements, and it sets text as text: no record is ever parsed as HTML.
// All content is appended here: what is not there is left out, and no `null` becomes a text.
function append(element, ...content) {
  element.append(...content.flat(Infinity).filter((part) => part !== null && part !== undefined && part !== false));
  return element;
}

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  return append(element, children);
}

// The content is made when it is opened for the first time.
function fold(summary, content, { open = false, className = null } = {}) {
  const details = h("details", { class: className }, h("summary", {}, summary));
  const fill = () => details.childElementCount === 1 && append(details, content());
  details.addEventListener("toggle", () => details.open && fill());
  if (open) {
    fill();
    details.open = true;
  }
  return details;
}

// A list that shows its first items, and a button for more.
function listed(items, draw, { first = 50, step = 500 } = {}) {
  const list = h("div", { class: "list" });
  let shown = 0;
  const more = h("button", { type: "button", class: "more", onclick: () => show(step) });
  function show(count) {
    const next = items.slice(shown, shown + count).map(draw);
    shown += next.length;
    more.before(append(document.createDocumentFragment(), next));
    more.textContent = `Show ${Math.min(step, items.length - shown).toLocaleString("en")} more of ${(items.length - shown).toLocaleString("en")}`;
    more.hidden = shown >= items.length;
    // The focus goes to the new items if the button had it and is gone.
    if (more.hidden && next.length && document.activeElement === document.body) next[0].querySelector("a, summary")?.focus();
  }
  append(list, more);
  show(first);
  return list;
}

function commandLine(text) {
  const status = h("span", { class: "status", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = "copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      status.textContent = "selected";
    }
  };
  const code = h("code", {}, text);
  return h("div", { class: "command" }, code, h("button", { type: "button", onclick: copy }, "Copy"), status);
}

// Only an http or https address of a rule becomes a link; a browser would run others.
const linked = (url) => (/^https?:\/\//.test(url) ? h("a", { href: url, rel: "noreferrer" }, url) : h("code", {}, url));

const sentence = (text) => (/^https?:\/\/\S+$/.test(text) ? h("p", {}, linked(text)) : h("p", {}, text));
