// Draw a digit, see every layer: the pad on one side, the network on the other.

import { palette, shade } from "./colors.js";
import { Flat, describe } from "./flat.js";
import { SIDE, render } from "./ink.js";
import { LAYERS, LeNet5 } from "./lenet5.js";
import { mosaic } from "./mosaic.js";
import { Orbit } from "./orbit.js";
import { Pad } from "./pad.js";
import { Panel, strengths } from "./panel.js";
import { read } from "./safetensors.js";
import { sample } from "./samples.js";
import { Scene, drawnInSoftware } from "./scene.js";

const FIRST = 3; // the digit that stands there before anybody has drawn
const QUIET = 700; // milliseconds without a change until the answer is said aloud
const element = (id) => document.getElementById(id);

const network = new LeNet5(await read(new URL("lenet5.safetensors", import.meta.url)));
const ink = new Float32Array(SIDE * SIDE);
const shown = LAYERS.map((layer) => new Float32Array(layer.count)); // values as colors, [0, 1]
let node = null, pinned = false, drawn = false, saying = 0, asked = false;

const bars = tenBars(element("bars"));
const pad = new Pad(element("pad"), () => ask(), (words) => say(words));
const panel = new Panel(element("node"), (layer, n) => choose(layer, n, true));
const flat = new Flat(element("flat"), { chosen: (k, n) => pinned || choose(k, n), left: () => {} });
const scene = space();
let labels = scene ? nameLayers(scene) : [];

layerBoxes();
tools();
credits();
dress();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
view(first());
pad.show(sample(FIRST));
choose(LAYERS.length - 1, FIRST);
document.documentElement.dataset.ready = "yes";

/** The view to begin with: that of the address (?flat, ?space), or what this machine draws fast. */
function first() {
  const asked = new URLSearchParams(location.search);
  if (!scene || asked.has("flat")) return "flat";
  if (asked.has("space") || !drawnInSoftware()) return "space";
  element("why").textContent = "3-D would be drawn without a graphics card here, slowly; so it begins flat.";
  return "flat";
}

/** Has the network answer when the browser next paints: once, however many moves there were. */
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    answer();
  });
}

function answer() {
  drawn = pad.strokes.length > 0;
  network.forward(render(pad.strokes, ink));
  network.values.forEach((values, k) => {
    if (k === LAYERS.length - 1) return shown[k].set(drawn ? network.probabilities : shown[k].fill(0));
    const most = k === 0 ? 1 : values.reduce((a, b) => Math.max(a, b), 1e-6);
    for (let n = 0; n < values.length; n++) shown[k][n] = values[n] / most;
  });
  paint();
  const best = network.probabilities.indexOf(Math.max(...network.probabilities));
  bars.forEach(({ row, bar, share }, digit) => {
    const probability = drawn ? network.probabilities[digit] : 0;
    bar.style.setProperty("--share", probability);
    share.textContent = drawn ? `${(100 * probability).toFixed(probability > 0.9995 ? 0 : 1)} %` : "";
    row.classList.toggle("best", drawn && digit === best);
  });
  element("answer").textContent = drawn ? best : "–";
  clearTimeout(saying);
  const words = drawn ? `${best}, ${Math.round(100 * network.probabilities[best])} percent` : "Nothing is drawn";
  saying = setTimeout(() => say(words), QUIET);
}

function paint() {
  const colors = palette();
  mosaic(element("seen"), ink, { groups: 1, height: SIDE, width: SIDE, across: 1 }, (v, bytes, at) => shade(colors, v, bytes, at));
  if (!element("flat").hidden) flat.update(shown, colors);
  scene?.update(shown);
  if (node) choose(node.layer, node.n, pinned);
}

/** Shows a node's inputs, weights and sum; a pinned one stays when the pointer goes on. */
function choose(layer, n, pin = false) {
  node = { layer, n };
  pinned = pin;
  panel.show(network, layer, n, palette());
  if (!scene) return;
  if (layer === 0) scene.choose(layer, n);
  else {
    const spoken = strengths(network, layer, n);
    scene.choose(layer, n, spoken.indices, spoken.strengths);
  }
}

/** The scene, or null where the browser cannot show it. */
function space() {
  const canvas = element("scene");
  let made;
  try {
    made = new Scene(canvas);
  } catch (error) {
    element("views").hidden = true;
    element("why").textContent = `The layers are shown flat: ${error.message}.`;
    return null;
  }
  new Orbit(canvas, made.camera, {
    changed: () => made.ask(),
    hover: (left, top) => {
      const found = left === null || pinned ? null : made.pick(left, top);
      canvas.classList.toggle("on", found !== null);
      if (found) choose(found.layer, found.node);
    },
    click: (left, top) => {
      const found = made.pick(left, top);
      if (found) choose(found.layer, found.node, true);
      else pinned = false;
    },
  });
  made.painted = () => placeLabels(made);
  return made;
}

/** Words in space: the name at the left of every layer, the digits above the outputs. */
function nameLayers({ layers }) {
  const place = element("labels");
  const made = layers.map((layer, k) => ({ k, x: -layer.wide - 3, y: layer.y, z: 0, text: layer.title, side: "name" }));
  const last = layers.at(-1);
  for (let digit = 0; digit < 10; digit++) {
    made.push({ k: layers.length - 1, x: last.places[3 * digit], y: last.y + 19, z: 0, text: digit, side: "digit" });
  }
  return made.map((label) => {
    const span = document.createElement("span");
    span.dataset.text = label.text; // shown by the style, so that it stands around its point
    span.className = label.side;
    place.append(span);
    return { ...label, span };
  });
}

const spot = [0, 0];
function placeLabels({ camera, layers, canvas }) {
  for (const { span, x, y, z, k } of labels) {
    const visible = camera.project(x, y, z, spot) && layers[k].shown;
    span.hidden = !visible;
    if (visible) span.style.translate = `${spot[0] * canvas.clientWidth}px ${spot[1] * canvas.clientHeight}px`;
  }
}

function dress() {
  scene?.dress(palette());
  pad.paint();
  answer();
}

function view(name) {
  element("space").hidden = name !== "space";
  element("flat").hidden = name === "space";
  element("reset").hidden = name !== "space";
  for (const button of element("views").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === name));
  }
  if (name === "flat") flat.update(shown, palette());
}

function layerBoxes() {
  LAYERS.forEach((layer, k) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      scene?.show(k, box.checked);
      flat.show(k, box.checked);
      if (box.checked) flat.update(shown, palette());
    });
    label.title = describe(layer);
    label.append(box, layer.title);
    element("layers").append(label);
  });
}

function tools() {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  element("clear").addEventListener("click", () => pad.clear());
  element("undo").addEventListener("click", () => pad.undo());
  element("reset").addEventListener("click", () => { scene?.camera.reset(); scene?.ask(); });
  element("views").addEventListener("click", ({ target }) => target.value && view(target.value));
  for (let digit = 0; digit < 10; digit++) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = digit;
    button.setAttribute("aria-label", `Write a ${digit}`);
    button.addEventListener("click", () => pad.write(sample(digit), still.matches));
    element("samples").append(button);
  }
}

function tenBars(place) {
  return Array.from({ length: 10 }, (_, digit) => {
    const row = document.createElement("li"), name = document.createElement("span");
    const bar = document.createElement("span"), share = document.createElement("span");
    name.textContent = digit;
    bar.className = "track";
    row.append(name, bar, share);
    place.append(row);
    return { row, bar, share };
  });
}

function credits() {
  const { recipe, test } = network.about.provenance;
  element("credits").textContent = `61,706 weights, learned by striate from MNIST in ${recipe.epochs} epochs; ` +
    `${(100 * test.top1).toFixed(2)} % of ${test.images.toLocaleString("en")} test digits are recognized.`;
}

function say(words) {
  element("said").textContent = words;
}

export { choose, network, pad, scene };
