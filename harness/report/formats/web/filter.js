// The address has the view and its filters, so that a view can be shared: #matrix?lane=cpu-float32&route=tower
// `query` are the filters and choices of the address, by name.
// Beside a lane's name: the worst shape, and how many cases are not as expected; nothing if all are.
function laneMark(lane) {
  const marks = LANE_MARKS[DATA.lanes.indexOf(lane)];
  const counts = attention(marks).map((mark) => `${marks[mark].toLocaleString("en")} ${DATA.marks[mark].word}`);
  return counts.length ? ` ${DATA.marks[worstOf(marks)].shape} ${counts.join(", ")}` : "";
}

const FILTERS = [
  { name: "lane", label: "Lane", list: "lanes", every: "all lanes", beside: laneMark },
  { name: "route", label: "Route", list: "routes", every: "all routes" },
  { name: "family", label: "Family", list: "families", every: "all families" },
  { name: "mark", label: "Verdict", list: "marks", every: "all verdicts" },
  { name: "model", label: "Model", every: "all models" },
];

function readAddress() {
  const [view, search = ""] = location.hash.slice(1).split("?");
  return { view, ...Object.fromEntries(new URLSearchParams(search)) };
}

function address(view, query) {
  const wanted = Object.entries(query).filter(([name, value]) => name !== "view" && value !== undefined && value !== "" && value !== null);
  const search = new URLSearchParams(wanted).toString();
  return `#${view}${search ? `?${search}` : ""}`;
}

// A glob with * and ?; a text without either matches the model of that name, or else every name that contains it.
function modelTest(text) {
  if (!text) return () => true;
  if (!/[*?]/.test(text)) return (name) => name === text || (!DATA.models.includes(text) && name.includes(text));
  const pattern = text.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  const whole = new RegExp(`^${pattern}$`);
  return (name) => whole.test(name);
}

// The cases that pass the filters. Each test is made into a table first, so that a case costs a few lookups.
function filtered(query) {
  const tests = [];
  const add = (column, list, holds) => tests.push([CASES[column], list.map(holds)]);
  if (query.pair) add("pair", DATA.pairs, (pair) => pair.id === query.pair);
  if (query.lane) add("lane", DATA.lanes, (lane) => lane === query.lane);
  if (query.route) add("route", DATA.routes, (route) => route === query.route);
  if (query.mark) add("mark", DATA.marks, (mark) => mark.key === query.mark);
  if (query.model) add("model", DATA.models, modelTest(query.model));
  if (query.group) tests.push([CASES.group, DATA.groups.map(({ key }) => key === query.group)]);
  if (query.family) add("model", DATA.models, (_, position) => DATA.families[position] === query.family);
  const cases = [];
  next: for (let index = 0; index < COUNT; index += 1) {
    for (const [column, holds] of tests) if (!holds[column[index]]) continue next;
    cases.push(index);
  }
  return cases;
}

function drawFilters(query, names, change) {
  const choose = ({ name, label, list, every, beside }) => {
    const options = [h("option", { value: "" }, every)];
    for (const item of [...new Set(DATA[list])].filter(Boolean)) {
      const value = item.key ?? item;
      options.push(h("option", { value, selected: query[name] === value }, item.word ?? item, beside?.(item)));
    }
    return h("label", {}, label, h("select", { name, onchange: (event) => change(name, event.target.value) }, options));
  };
  const write = ({ name, label, every }) => {
    const models = h("datalist", { id: "models" }, [...DATA.models, ...Object.keys(DATA.stand_ins)].map((model) => h("option", { value: model })));
    let waiting = 0;
    const later = (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => change(name, event.target.value.trim()), 150);
    };
    const field = h("input", { name, type: "search", list: "models", placeholder: `${every}, or a glob`, value: query[name] ?? "", oninput: later });
    return h("label", {}, label, field, models);
  };
  return FILTERS.filter(({ name }) => names.includes(name)).map((filter) => (filter.list ? choose(filter) : write(filter)));
}
