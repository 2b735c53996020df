// What is looked at is in the address, so that a view can be sent to somebody: #matrix?lane=cpu-float32&route=tower
const FILTERS = [
  { name: "lane", label: "Lane", list: "lanes", every: "all lanes" },
  { name: "route", label: "Route", list: "routes", every: "all routes" },
  { name: "family", label: "Family", list: "families", every: "all families" },
  { name: "mark", label: "Verdict", list: "marks", every: "all verdicts" },
  { name: "model", label: "Model", every: "all models" },
];

function readAddress() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  return { view, ...Object.fromEntries(new URLSearchParams(query)) };
}

function address(view, given) {
  const wanted = Object.entries(given).filter(([name, value]) => name !== "view" && value !== undefined && value !== "" && value !== null);
  const query = new URLSearchParams(wanted).toString();
  return `#${view}${query ? `?${query}` : ""}`;
}

// With * and ? as a shell has them; a text without either is looked for anywhere in a name.
function modelTest(text) {
  if (!text) return () => true;
  if (!/[*?]/.test(text)) return (name) => name === text || (!DATA.models.includes(text) && name.includes(text));
  const pattern = text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  const whole = new RegExp(`^${pattern}$`);
  return (name) => whole.test(name);
}

// The cases that are left, by place. Each test is made into a table first, so that a case costs a few lookups.
function filtered(given) {
  const tests = [];
  const add = (column, list, holds) => tests.push([CASES[column], list.map(holds)]);
  if (given.pair) add("pair", DATA.pairs, (pair) => pair.id === given.pair);
  if (given.lane) add("lane", DATA.lanes, (lane) => lane === given.lane);
  if (given.route) add("route", DATA.routes, (route) => route === given.route);
  if (given.mark) add("mark", DATA.marks, (mark) => mark.key === given.mark);
  if (given.model) add("model", DATA.models, modelTest(given.model));
  if (given.group) tests.push([CASES.group, DATA.groups.map(({ key }) => key === given.group)]);
  if (given.family) add("model", DATA.models, (_, place) => DATA.families[place] === given.family);
  const found = [];
  next: for (let one = 0; one < COUNT; one += 1) {
    for (const [column, holds] of tests) if (!holds[column[one]]) continue next;
    found.push(one);
  }
  return found;
}

function drawFilters(given, names, change) {
  const choose = ({ name, label, list, every }) => {
    const options = [h("option", { value: "" }, every)];
    for (const item of [...new Set(DATA[list])].filter(Boolean)) {
      const value = item.key ?? item;
      options.push(h("option", { value, selected: given[name] === value }, item.word ?? item));
    }
    return h("label", {}, label, h("select", { name, onchange: (event) => change(name, event.target.value) }, options));
  };
  const write = ({ name, label, every }) => {
    const models = h("datalist", { id: "models" }, DATA.models.map((model) => h("option", { value: model })));
    let waiting = 0;
    const later = (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => change(name, event.target.value.trim()), 150);
    };
    const field = h("input", { name, type: "search", list: "models", placeholder: `${every}, or a glob`, value: given[name] ?? "", oninput: later });
    return h("label", {}, label, field, models);
  };
  return FILTERS.filter(({ name }) => names.includes(name)).map((one) => (one.list ? choose(one) : write(one)));
}
