"use strict";
// Figures are trees: a box may have a figure inside, which is drawn in its place once it is opened.
// Places were computed before, for everything closed. Where a box grows, the rows and columns that
// it lies in are stretched, so that everything keeps its order and nothing is crossed that was not.

const data = JSON.parse(document.getElementById("data").textContent);
const svg = document.getElementById("picture");
const view = document.getElementById("view");
const panel = document.getElementById("panel");
const said = document.getElementById("said"); // to those who do not see the panel
const { text: TEXT, small: SMALL } = data.metrics; // the sizes of letters
const opened = new Set(data.opened); // the figures that are shown, by their numbers
const parents = new Map(); // from a figure to the box around it
let boxes = []; // those on the page, in order, each with its element and its place
let chosen = null; // the box of the panel
let current = null; // the box that has the focus, or would have
const pan = { x: 24, y: 24, scale: 1 };

// ---------------------------------------------------------------- places

// A function that keeps the order of numbers, and keeps them apart as far as the demands
// [from, to, distance] say.
function stretch(demands) {
  const points = [...new Set(demands.flatMap(([from, to]) => [from, to]))].sort((a, b) => a - b);
  const moved = new Map();
  points.forEach((point, i) => {
    const plain = i ? moved.get(points[i - 1]) + point - points[i - 1] : point;
    const wanted = demands.filter(([, to]) => to === point).map(([from, , distance]) => moved.get(from) + distance);
    moved.set(point, Math.max(plain, ...wanted));
  });
  return (x) => {
    if (!points.length || x <= points[0]) return x;
    const last = points[points.length - 1];
    if (x >= last) return moved.get(last) + x - last;
    const i = points.findIndex((point) => point > x);
    const [from, to] = [points[i - 1], points[i]];
    return moved.get(from) + ((moved.get(to) - moved.get(from)) * (x - from)) / (to - from);
  };
}

// The places of a figure with all that is opened in it.
function place(number) {
  const figure = data.figures[number];
  const layout = data.layouts[figure.layout];
  const insides = figure.boxes.map((box) => (opened.has(box.inside) ? place(box.inside) : null));
  const across = [], down = [];
  insides.forEach((inside, i) => {
    if (!inside) return;
    const [x, y, width, height] = layout.nodes[i];
    for (const [demands, middle, size, wanted] of [[across, x, width, inside.outer[0]], [down, y, height, inside.outer[1]]]) {
      demands.push([middle - size / 2, middle, wanted / 2], [middle, middle + size / 2, wanted / 2]);
    }
  });
  const [f, g] = [stretch(across), stretch(down)];
  const nodes = layout.nodes.map(([x, y, width, height], i) => {
    const inside = insides[i];
    return { x: f(x), y: g(y), width: inside ? inside.outer[0] : width, height: inside ? inside.outer[1] : height, from: [x, y, width, height] };
  });
  const arrows = layout.arrows.map(([tail, head, points]) => curve(points, nodes[tail], nodes[head], f, g));
  const texts = layout.texts.map(([arrow, x, y]) => ({ text: arrow < 0 ? "" : figure.texts[arrow], ...beside(arrows[arrow], x, y, f, g) }));
  const size = [f(layout.size[0]), g(layout.size[1])];
  const title = number && parents.get(number).box.wide;
  const outer = [Math.max(size[0], title) + 2 * data.frame, size[1] + data.head + data.frame];
  return { figure, nodes, arrows, texts, insides, size, outer };
}

// The points of an arrow, from where they were to where they go: its ends stay at their boxes.
function curve(numbers, tail, head, f, g) {
  const from = [];
  for (let i = 0; i < numbers.length; i += 2) from.push([numbers[i], numbers[i + 1]]);
  const to = from.map(([x, y]) => [f(x), g(y)]);
  const last = from.length - 1;
  for (const [end, node, near] of [[0, tail, [1]], [last, head, [last - 1, last - 2]]]) {
    const [x, y] = atBorder(from[end], node);
    const [shiftX, shiftY] = [x - to[end][0], y - to[end][1]];
    for (const i of near) to[i] = [to[i][0] + shiftX, to[i][1] + shiftY];
    to[end] = [x, y];
  }
  return { from, to };
}

function atBorder(point, node) {
  const [x, y, width, height] = node.from;
  const along = (offset, before, now) => {
    const beyond = Math.max(0, Math.abs(offset) - before / 2); // what arrows keep away from a box
    return Math.sign(offset) * ((Math.min(Math.abs(offset), before / 2) * now) / before + beyond);
  };
  return [node.x + along(point[0] - x, width, node.width), node.y + along(point[1] - y, height, node.height)];
}

// A text stays in its row, where no box was, and goes across with the nearest point of its arrow.
function beside(arrow, x, y, f, g) {
  if (!arrow) return { x: f(x), y: g(y) };
  const far = arrow.from.map((point) => Math.hypot(point[0] - x, point[1] - y));
  const i = far.indexOf(Math.min(...far));
  return { x: arrow.to[i][0] + x - arrow.from[i][0], y: g(y) };
}

function path({ to }) {
  const text = ([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const last = to.length - 1;
  return `M${text(to[0])} C${to.slice(1, last).map(text).join(" ")} L${text(to[last])}`;
}

// ---------------------------------------------------------------- drawing

function add(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

// A text as long as there is room for, whatever the font.
function write(parent, kind, x, y, text, size, bold) {
  const { widths, signs, others } = data.metrics;
  const wide = [...text].reduce((sum, c) => sum + (widths[c.codePointAt(0) - 32] ?? signs[c] ?? others), 0);
  const length = ((wide * size) / 1000) * (bold ? data.metrics.bold : 1);
  const attributes = { class: kind, x, y, textLength: length.toFixed(1), lengthAdjust: "spacingAndGlyphs" };
  return add(parent, "text", attributes, text);
}

function draw() {
  boxes = [];
  view.replaceChildren();
  drawFigure(view, place(0), 0, 0, 1);
  const again = boxes.find((one) => current && one.box === current.box) || boxes[0];
  setCurrent(again);
  if (chosen) chosen = boxes.find((one) => one.box === chosen.box) || chosen;
  showChosen();
}

function drawFigure(parent, placed, left, top, level) {
  for (const arrow of placed.arrows) add(parent, "path", { class: "arrow", d: path(arrow) });
  for (const { text, x, y } of placed.texts) {
    if (text) write(parent, "small", x, y + 3, text, SMALL);
    else add(parent, "circle", { class: "dot", cx: x, cy: y, r: 2.5 });
  }
  placed.figure.boxes.forEach((box, i) => drawBox(parent, box, placed.nodes[i], placed.insides[i], left, top, level));
}

function drawBox(parent, box, node, inside, left, top, level) {
  const kind = `box ${box.kind}${box.training ? " training" : ""}${inside ? " frame" : ""}`;
  const element = add(parent, "g", { class: kind, role: "treeitem", tabindex: -1, "aria-level": level, "aria-label": label(box) });
  if (box.inside !== null) element.setAttribute("aria-expanded", Boolean(inside));
  const corner = [node.x - node.width / 2, node.y - node.height / 2];
  const radius = box.kind === "join" ? node.height / 2 : 4;
  add(element, "rect", { x: corner[0], y: corner[1], width: node.width, height: node.height, rx: radius });
  const one = { box, element, x: left + node.x, y: top + node.y, width: node.width, height: node.height };
  boxes.push(one);
  if (inside) {
    write(element, "opened", corner[0] + 8, corner[1] + 14, box.title, TEXT, true);
    const at = [corner[0] + (node.width - inside.size[0]) / 2, corner[1] + data.head];
    const group = add(element, "g", { transform: `translate(${at})`, role: "group" });
    drawFigure(group, inside, left + at[0], top + at[1], level + 1);
  } else {
    const first = node.y + 4 - (box.lines.length - 1) * 5;
    box.lines.forEach((line, i) => {
      const kind = i === 0 ? "" : line.startsWith("×") ? "times" : "small";
      write(element, kind, node.x, first + i * 10.6, line, kind === "small" ? SMALL : TEXT, kind === "times");
    });
  }
  if (box.inside !== null) {
    const sign = add(element, "g", { class: "sign", transform: `translate(${corner[0] + node.width},${corner[1]})` });
    add(sign, "circle", { r: 6 });
    add(sign, "path", { d: inside ? "M-3 0H3" : "M-3 0H3M0 -3V3" });
    sign.addEventListener("click", (event) => { event.stopPropagation(); toggle(one); });
  }
  element.addEventListener("click", (event) => { event.stopPropagation(); if (!dragged) choose(one); });
  element.addEventListener("dblclick", (event) => { event.stopPropagation(); toggle(one); });
}

function label(box) {
  const named = box.times > 1 ? `${box.paths[0]} to ${box.paths[1]}` : box.paths[0];
  return `${box.title}${box.training ? ", in training only" : ""}, gives ${box.shape}, ${named}`;
}

function move() {
  view.setAttribute("transform", `translate(${pan.x},${pan.y}) scale(${pan.scale})`);
}

function zoom(factor, x = svg.clientWidth / 2, y = svg.clientHeight / 2) {
  const scale = Math.min(8, Math.max(0.02, pan.scale * factor));
  pan.x = x - ((x - pan.x) * scale) / pan.scale;
  pan.y = y - ((y - pan.y) * scale) / pan.scale;
  pan.scale = scale;
  move();
}

const LEGIBLE = 0.6; // the scale below which texts are too small to read

function fit(least = 0) {
  const { size } = place(0);
  const [wide, high] = [(svg.clientWidth - 48) / size[0], (svg.clientHeight - 48) / size[1]];
  pan.scale = Math.min(1.6, wide, Math.max(high, least));
  pan.x = (svg.clientWidth - size[0] * pan.scale) / 2;
  pan.y = 24;
  move();
}

function reveal(one) {
  const [x, y] = [pan.x + one.x * pan.scale, pan.y + (one.y - one.height / 2) * pan.scale];
  const tall = Math.min(one.height * pan.scale, svg.clientHeight / 2);
  if (x < 40 || x > svg.clientWidth - 40) pan.x += svg.clientWidth / 2 - x;
  if (y < 20 || y + tall > svg.clientHeight - 20) pan.y += svg.clientHeight / 3 - y;
  move();
}

// ---------------------------------------------------------------- opening, choosing

function toggle(one) {
  const { inside } = one.box;
  if (inside === null) return;
  if (opened.has(inside)) opened.delete(inside);
  else opened.add(inside);
  const focused = document.activeElement && document.activeElement.closest(".box");
  current = one;
  draw();
  const now = boxes.find(({ box }) => box === one.box);
  pan.x += (one.x - now.x) * pan.scale; // its upper edge stays where it was
  pan.y += (one.y - one.height / 2 - now.y + now.height / 2) * pan.scale;
  move();
  if (focused) now.element.focus({ preventScroll: true });
}

function openAll(open) {
  opened.clear();
  if (open) for (const number of parents.keys()) opened.add(number);
  draw();
  fit(LEGIBLE);
}

function setCurrent(one) {
  if (current && current.element) current.element.setAttribute("tabindex", -1);
  if (!one) return;
  current = one;
  current.element.setAttribute("tabindex", 0);
}

function choose(one) {
  chosen = one;
  setCurrent(one);
  one.element.focus({ preventScroll: true });
  showChosen();
  show(one.box);
}

function showChosen() {
  for (const one of boxes) {
    if (chosen && one.box === chosen.box) one.element.setAttribute("aria-selected", true);
    else one.element.removeAttribute("aria-selected");
  }
}

function go(one) {
  if (!one) return;
  setCurrent(one);
  one.element.focus({ preventScroll: true });
  reveal(one);
}

svg.addEventListener("keydown", (event) => {
  const i = boxes.indexOf(current);
  const open = current && opened.has(current.box.inside);
  const around = current && boxes.find(({ box }) => opened.has(box.inside) && data.figures[box.inside].boxes.includes(current.box));
  const keys = {
    ArrowDown: () => go(boxes[i + 1]),
    ArrowUp: () => go(boxes[i - 1]),
    ArrowRight: () => (open || current.box.inside === null ? go(boxes[i + 1]) : toggle(current)),
    ArrowLeft: () => (open ? toggle(current) : go(around)),
    Home: () => go(boxes[0]),
    End: () => go(boxes[boxes.length - 1]),
    Enter: () => choose(current),
    " ": () => choose(current),
    "+": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(),
  };
  if (!current || !keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});

// ---------------------------------------------------------------- the panel

function element(parent, name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}

function show(box) {
  panel.replaceChildren();
  if (box.times > 1) element(panel, "p", `${box.times} in a row, from ${box.paths[0]} to ${box.paths[1]}. This is the first:`);
  for (const number of box.items) showItem(data.items[number]);
  panel.scrollTop = 0;
  said.textContent = `The panel shows ${box.paths[0]}`;
}

function showItem(item) {
  const section = element(panel, "section");
  element(section, "h2", item.name);
  if (item.about) element(section, "p", item.about);
  const table = element(section, "table");
  const count = (number) => number.toLocaleString("en");
  const rows = [[item.about === undefined ? "op" : "block", item.what], ...Object.entries(item.values)];
  rows.push(["takes", item.inputs.join("; ")], ["gives", item.output], ["parameters", count(item.parameters)], ["MACs", count(item.macs)]);
  if (item.training) rows.push(["exists", "in training only"]);
  for (const [name, value] of rows) {
    const row = element(table, "tr");
    element(row, "th", name).scope = "row";
    element(row, "td", value);
  }
  item.spec.forEach((excerpt, i) => showLines(section, excerpt, i ? `${item.what} in ${excerpt[0]}` : `In ${excerpt[0]}`));
  for (const excerpt of item.code) if (excerpt) showLines(section, excerpt, `In the ${data.titles[excerpt[0]]} source`);
}

function showLines(section, [file, first, last, from, to], title) {
  element(section, "h3", title);
  const pre = element(section, "pre");
  pre.tabIndex = 0;
  const whole = from === first && to === last;
  const lines = data.sources[file].split("\n");
  for (let number = first; number <= last; number += 1) {
    const marked = !whole && from <= number && number <= to;
    const line = element(pre, "code", "", marked ? "marked" : "");
    element(line, "span", String(number), "number");
    line.append(lines[number - 1] || " ");
    if (marked && number === from) requestAnimationFrame(() => { pre.scrollTop = line.offsetTop - pre.offsetTop - 60; });
  }
}

// ---------------------------------------------------------------- search

const search = document.getElementById("search");
const found = document.getElementById("found");
const count = document.getElementById("count");
const MOST_HITS = 20;
let hits = [];
let hit = 0;
const names = []; // of layers and blocks, with the innermost box that has them

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ lower }) => words.every((word) => lower.includes(word));
  const all = words.length ? names.filter(fits).sort((a, b) => a.name.length - b.name.length) : [];
  const more = all.length > MOST_HITS ? `, the first ${MOST_HITS} are shown` : "";
  count.textContent = words.length ? `${all.length || "none"} found${more}` : "";
  hits = all.slice(0, MOST_HITS);
  hit = 0;
  found.replaceChildren();
  hits.forEach((name, i) => {
    const row = element(found, "li", `${name.name}  ${name.what}`);
    row.id = `hit${i}`;
    row.setAttribute("role", "option");
    row.addEventListener("mousedown", (event) => { event.preventDefault(); arrive(name); });
  });
  found.hidden = !hits.length;
  search.setAttribute("aria-expanded", Boolean(hits.length));
  showHit();
}

function showHit() {
  [...found.children].forEach((row, i) => row.setAttribute("aria-selected", i === hit));
  if (hits.length) {
    search.setAttribute("aria-activedescendant", `hit${hit}`);
    found.children[hit].scrollIntoView({ block: "nearest" });
  } else search.removeAttribute("aria-activedescendant");
}

function arrive(name) {
  for (let around = parents.get(name.figure); around; around = parents.get(around.figure)) opened.add(around.box.inside);
  find("");
  draw();
  const one = boxes.find(({ box }) => box === name.box);
  if (pan.scale < LEGIBLE) zoom(1 / pan.scale);
  choose(one);
  pan.x += svg.clientWidth / 2 - (pan.x + one.x * pan.scale);
  pan.y += svg.clientHeight / 3 - (pan.y + one.y * pan.scale);
  move();
}

search.addEventListener("input", () => find(search.value));
search.addEventListener("blur", () => find(""));
search.addEventListener("focus", () => find(search.value));
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    hit = Math.max(0, Math.min(hits.length - 1, hit + (event.key === "ArrowDown" ? 1 : -1)));
    showHit();
    event.preventDefault();
  } else if (event.key === "Enter" && hits.length) {
    arrive(hits[hit]);
  } else if (event.key === "Escape") {
    find("");
  }
});

// ---------------------------------------------------------------- pointer

let start = null;
let dragged = false;
svg.addEventListener("pointerdown", (event) => {
  start = { x: event.clientX - pan.x, y: event.clientY - pan.y, at: [event.clientX, event.clientY] };
  dragged = false;
});
window.addEventListener("pointermove", (event) => {
  if (!start) return;
  dragged = dragged || Math.hypot(event.clientX - start.at[0], event.clientY - start.at[1]) > 4;
  if (!dragged) return;
  svg.classList.add("moving");
  pan.x = event.clientX - start.x;
  pan.y = event.clientY - start.y;
  move();
});
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, () => {
    start = null;
    svg.classList.remove("moving");
    setTimeout(() => { dragged = false; }); // after the click that ends a drag
  });
}
svg.addEventListener("wheel", (event) => {
  event.preventDefault();
  const bounds = svg.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - bounds.left, event.clientY - bounds.top);
}, { passive: false });

// ---------------------------------------------------------------- the page

data.figures.forEach((figure, number) => figure.boxes.forEach((box) => {
  if (box.inside !== null) parents.set(box.inside, { box, figure: number });
  if (box.times === 1) {
    for (const item of box.inside === null ? box.items : box.items.slice(0, 1)) {
      const { name, what } = data.items[item];
      names.push({ name, what, lower: `${name} ${what}`.toLowerCase(), box, figure: number });
    }
  }
}));
const root = document.documentElement;
const night = matchMedia("(prefers-color-scheme: dark)");
root.classList.toggle("dark", night.matches);
night.addEventListener("change", () => root.classList.toggle("dark", night.matches));
document.getElementById("theme").addEventListener("click", () => root.classList.toggle("dark"));
document.getElementById("open").addEventListener("click", () => openAll(true));
document.getElementById("close").addEventListener("click", () => openAll(false));
document.getElementById("larger").addEventListener("click", () => zoom(1.25));
document.getElementById("smaller").addEventListener("click", () => zoom(0.8));
document.getElementById("fit").addEventListener("click", () => fit());
draw();
fit(LEGIBLE);

let breadth = svg.clientWidth;
new ResizeObserver(() => {
  pan.x += (svg.clientWidth - breadth) / 2; // what is in the middle stays there
  breadth = svg.clientWidth;
  move();
}).observe(svg);
