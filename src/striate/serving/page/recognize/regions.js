// Objects in a picture: boxes over it, and a list of them; each finds the other.

import { node, percent } from "./tags.js";

const FEW = 8; // objects that are listed before one asks for more
const SURE = 0.5; // score from which on objects are shown at first
const NAMED = 6; // classes that are named in a sentence
const SMALL = 0.13, NARROW = 0.2; // of the picture's width: boxes that have no room for a name
const TINTS = ["#ffb000", "#3ba3ff", "#ff5d8f", "#4fd18b", "#c78bff", "#ff7a3d", "#37d3d3", "#d9e021", "#ff9ad5", "#9db4ff"];

/** The color of a class, the same in every picture. */
export function tint(classes, id) {
  const number = Math.max(0, classes.indexOf(id));
  return number < TINTS.length ? TINTS[number] : `hsl(${Math.round(number * 137.5) % 360} 85% 65%)`;
}

/** What a region shows: the first of its concepts. */
const seen = ({ data }) => data.concepts[0];

/** Whether a region is known pixel by pixel. */
const masked = ({ region_info }) => Boolean(region_info.mask);

/** Whether a region is a point: a part of a thing. */
const pointed = ({ region_info }) => Boolean(region_info.point);

const SVG = "http://www.w3.org/2000/svg";

/** The lines between points that are joined. */
function joints(regions, classes) {
  const drawing = document.createElementNS(SVG, "svg"), places = new Map();
  for (const region of regions) places.set(seen(region).id, region.region_info.point);
  drawing.setAttribute("viewBox", "0 0 1 1");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.classList.add("joints");
  for (const [id, here] of places) {
    for (const other of here.joined) {
      const there = places.get(other);
      if (!there || other < id) continue; // each once
      const line = document.createElementNS(SVG, "line"), ends = { x1: here.col, y1: here.row, x2: there.col, y2: there.row };
      for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
      line.style.stroke = tint(classes, other);
      drawing.append(line);
    }
  }
  return drawing;
}

/** The pixels of a region in its color, over its box: the mask is as large as the whole picture. */
function pixels({ mask, bounding_box: { top_row: top, left_col: left, bottom_row: bottom, right_col: right } }) {
  const layer = node("span", "pixels"), wide = right - left, high = bottom - top;
  const place = { left: -left / wide, top: -top / high, width: 1 / wide, height: 1 / high };
  for (const [side, share] of Object.entries(place)) layer.style.setProperty(side, `${100 * share}%`);
  layer.style.setProperty("mask-image", `url(data:image/png;base64,${mask.image})`);
  return layer;
}

/** Regions by class, the most frequent first: `[concept, how many, the highest score]`. */
export function byClass(regions) {
  const found = new Map();
  for (const region of regions) {
    const concept = seen(region), known = found.get(concept.id) ?? [concept, 0, 0];
    known[1]++;
    known[2] = Math.max(known[2], concept.value);
    found.set(concept.id, known);
  }
  return [...found.values()].sort((a, b) => b[1] - a[1]);
}

/** Regions that are sure enough to be shown at once; the value of a mask is how much of the picture it covers. */
export const sure = (regions) => regions.filter((region) => masked(region) || seen(region).value >= SURE);

/** In words: "2 cats" would need a plural in every language, so "cat × 2". */
export function counted(regions, name) {
  const words = byClass(regions).map(([concept, count]) => (count > 1 ? `${name(concept)} × ${count}` : name(concept)));
  const rest = words.length > NAMED ? [`${words.length - NAMED} more`] : [];
  return [...words.slice(0, NAMED), ...rest].join(", ") || "Nothing found";
}

/** Draws the boxes of a frame of a video over its thumbnail. */
export function outline(context, regions, classes) {
  const { width, height } = context.canvas;
  context.lineWidth = Math.max(2, height / 45);
  for (const { region_info: { bounding_box: box, mask }, data } of sure(regions)) {
    if (mask) continue; // around most of the frame, as a rule
    context.strokeStyle = tint(classes, data.concepts[0].id);
    context.strokeRect(box.left_col * width, box.top_row * height, (box.right_col - box.left_col) * width, (box.bottom_row - box.top_row) * height);
  }
}

/** The objects of one picture: `boxes` lies over it, `body` stands beside it. */
export class Objects {
  constructor(regions, name, classes) {
    Object.assign(this, { regions, name, classes, chosen: null, only: null, all: false });
    this.boxes = node("div", "boxes");
    this.boxes.setAttribute("aria-hidden", "true"); // the list says the same
    this.body = node("div", "objects");
    this.scored = !regions.some(masked);
    this.least = this.scored && regions.some((region) => seen(region).value >= SURE) ? SURE : 0;
    this.kinds = node("div", "kinds");
    this.list = node("ol", "found");
    this.list.setAttribute("aria-label", "Objects");
    this.more = node("button", "more");
    this.more.type = "button";
    this.more.addEventListener("click", () => {
      this.all = true;
      this.#fill();
      this.list.children[FEW]?.querySelector("button").focus();
    });
    if (regions.length) this.body.append(this.kinds, this.#slider(), this.list, this.more);
    this.boxes.addEventListener("click", () => this.#choose(null));
    this.#fill();
  }

  /** Those that are shown now. */
  get shown() {
    return this.regions.filter((each) => seen(each).value >= this.least && (!this.only || seen(each).id === this.only));
  }

  #slider() {
    const label = node("label", "least quiet"), text = node("span", "", this.scored ? "Score at least" : "Share at least"), slider = node("input"), value = node("output");
    Object.assign(slider, { type: "range", min: 0, max: 99, step: 1, value: Math.round(100 * this.least) });
    const say = () => (value.textContent = `${slider.value} %`);
    slider.addEventListener("input", () => {
      this.least = slider.value / 100;
      say();
      this.#fill();
    });
    say();
    label.append(text, slider, value);
    return label;
  }

  #fill() {
    const shown = this.shown, few = this.all ? shown : shown.slice(0, FEW);
    if (!shown.includes(this.chosen)) this.chosen = null;
    this.#chips();
    this.parts = new Map(); // of each region: its box and its entry
    const area = ({ region_info: { bounding_box: b } }) => (b.right_col - b.left_col) * (b.bottom_row - b.top_row);
    const boxes = new Map([...shown].sort((a, b) => area(b) - area(a)).map((each) => [each, this.#box(each)]));
    const points = shown.filter(pointed), lines = points.length ? [joints(points, this.classes)] : [];
    this.boxes.replaceChildren(...lines, ...boxes.values());
    this.list.replaceChildren(...few.map((each) => this.#entry(each, boxes.get(each))));
    for (const each of shown.slice(few.length)) this.parts.set(each, [boxes.get(each), null]);
    this.more.hidden = few.length === shown.length;
    this.more.textContent = `Show ${shown.length - few.length} more`;
    this.#mark();
  }

  #chips() {
    const sureOnes = this.regions.filter((each) => seen(each).value >= this.least), kinds = byClass(sureOnes);
    this.kinds.replaceChildren(...kinds.map(([concept, count]) => {
      const chip = node("button", "kind"), swatch = node("span", "swatch");
      chip.type = "button";
      chip.style.setProperty("--tint", tint(this.classes, concept.id));
      chip.setAttribute("aria-pressed", String(this.only === concept.id));
      chip.title = `Show ${this.name(concept)} only`;
      chip.append(swatch, node("span", "word", this.name(concept)), node("span", "share", String(count)));
      chip.addEventListener("click", () => {
        this.only = this.only === concept.id ? null : concept.id;
        this.#fill();
        this.kinds.querySelector(`[aria-pressed=true]`)?.focus();
      });
      return chip;
    }));
    this.kinds.hidden = !this.scored || (kinds.length < 2 && !this.only); // of masks the list says the same
  }

  #box(region) {
    const { top_row: top, left_col: left, bottom_row: bottom, right_col: right } = region.region_info.bounding_box;
    const box = node("div", "box"), concept = seen(region), wide = right - left;
    const place = { left, top, width: wide, height: bottom - top };
    for (const [side, share] of Object.entries(place)) box.style.setProperty(side, `${100 * share}%`);
    box.style.setProperty("--tint", tint(this.classes, concept.id));
    box.classList.toggle("small", wide < SMALL);
    box.classList.toggle("narrow", wide < NARROW);
    box.classList.toggle("under", top < 0.07); // no room above it
    box.classList.toggle("last", left > 0.6);
    box.classList.toggle("masked", masked(region));
    box.classList.toggle("point", pointed(region));
    if (masked(region)) box.append(pixels(region.region_info));
    box.append(node("span", "label", `${this.name(concept)} ${Math.round(100 * concept.value)} %`));
    box.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#mark(region));
    box.addEventListener("pointerleave", () => this.#mark());
    box.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#choose(region);
    });
    return box;
  }

  #entry(region, box) {
    const item = node("li"), row = node("button", "object"), concept = seen(region);
    row.type = "button";
    row.style.setProperty("--tint", tint(this.classes, concept.id));
    row.append(node("span", "swatch"), node("span", "word", this.name(concept)), node("span", "share", percent(concept.value)));
    row.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#mark(region));
    row.addEventListener("pointerleave", () => this.#mark());
    row.addEventListener("focus", () => row.matches(":focus-visible") && this.#mark(region));
    row.addEventListener("blur", () => this.#mark());
    row.addEventListener("click", () => this.#choose(region));
    item.append(row);
    this.parts.set(region, [box, row]);
    return item;
  }

  /** Chooses an object, or none; the same one again is let go. */
  #choose(region) {
    this.chosen = this.chosen === region ? null : region;
    if (this.chosen && !this.parts.get(this.chosen)[1]) {
      this.all = true;
      this.#fill();
    }
    this.#mark();
    this.parts.get(this.chosen)?.[1].scrollIntoView({ block: "nearest" });
  }

  /** Shows which one is meant: that under the pointer, else the chosen one. */
  #mark(region = this.chosen) {
    this.boxes.classList.toggle("one", Boolean(region));
    for (const [each, [box, row]] of this.parts) {
      box.classList.toggle("meant", each === region);
      row?.classList.toggle("meant", each === region);
      row?.setAttribute("aria-pressed", String(each === this.chosen));
    }
  }
}
