// What one node does: what it reads, its weights, their products, the sum.

import { shade, tint } from "./colors.js";
import { LAYERS, place } from "./lenet5.js";
import { columns, mosaic } from "./mosaic.js";

const KINDS = { convolution: "convolution 5 × 5", pooling: "largest of 2 × 2", full: "full connection" };

export class Panel {
  /** `fields`: the inputs by which a node is chosen; `asked(layer, node)` is called when they change. */
  constructor(root, asked) {
    this.root = root;
    this.fields = Object.fromEntries(["layer", "map", "row", "column"].map((name) => [name, root.querySelector(`[name=${name}]`)]));
    for (const [k, layer] of LAYERS.entries()) this.fields.layer.add(new Option(layer.title, k));
    root.querySelector("form").addEventListener("input", () => asked(...this.#read()));
    root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  }

  #read() {
    const layer = Number(this.fields.layer.value), { maps, side } = LAYERS[layer];
    const least = maps === 10 ? 0 : 1;
    const number = (name, most) => Math.min(most, Math.max(1, (Math.round(this.fields[name].valueAsNumber) || 0) + 1 - least));
    const [map, row, column] = [number("map", maps), number("row", side), number("column", side)];
    return [layer, ((map - 1) * side + row - 1) * side + column - 1];
  }

  /** Shows node n of layer k of a network that has just answered. */
  show(network, k, n, palette) {
    const layer = LAYERS[k], { map, row, column } = place(layer, n), output = layer.name === "output";
    this.#fill(k, layer, map, row, column);
    const spot = layer.side === 1 ? (output ? `for ${map}` : `node ${map + 1}`)
      : `${layer.maps > 1 ? `map ${map + 1}, ` : ""}row ${row + 1}, column ${column + 1}`;
    this.#text("title", `${layer.title}, ${spot}`);
    const inputs = network.inputs(k, n), value = network.values[k][n];
    this.#text("kind", inputs ? KINDS[layer.kind] : "a pixel of the drawing, 0 is paper and 1 is ink");
    for (const name of ["inputs", "weights", "products"]) {
      this.#part(name).hidden = !inputs || (name !== "inputs" && !inputs.weights);
    }
    if (!inputs) return this.#sum([["value", value]]);
    const read = Float32Array.from(inputs.indices, (i) => network.values[k - 1][i]);
    const form = { ...inputs, across: columns(inputs.groups, inputs.height, inputs.width, 2) };
    const most = largest(read);
    const paint = (name, values, color) => mosaic(this.#part(name).querySelector("canvas"), values, form, color);
    paint("inputs", read, (v, bytes, at) => shade(palette, v / most, bytes, at));
    const names = `${read.length} values of ${LAYERS[k - 1].title}`;
    this.#part("inputs").querySelector("figcaption").textContent = names;
    if (!inputs.weights) return this.#sum([["largest", value]]);
    const products = read.map((x, i) => x * inputs.weights[i]);
    const heaviest = largest(inputs.weights), strongest = largest(products);
    paint("weights", inputs.weights, (v, bytes, at) => tint(palette, v / heaviest, bytes, at));
    paint("products", products, (v, bytes, at) => tint(palette, v / strongest, bytes, at));
    const sum = products.reduce((a, b) => a + b, 0);
    const lines = [["sum of the products", sum], ["bias", inputs.bias], ["together", sum + inputs.bias]];
    if (output) lines.push(["probability", network.probabilities[n]]);
    else lines.push(["rectified", value]);
    return this.#sum(lines);
  }

  #fill(k, layer, map, row, column) {
    const { fields } = this, output = layer.name === "output";
    fields.layer.value = k;
    const set = (field, value, most, used) => {
      field.closest("label").hidden = !used;
      if (document.activeElement !== field) field.value = value;
      field.max = most;
      field.min = output && field === fields.map ? 0 : 1;
    };
    set(fields.map, output ? map : map + 1, output ? 9 : layer.maps, layer.maps > 1);
    set(fields.row, row + 1, layer.side, layer.side > 1);
    set(fields.column, column + 1, layer.side, layer.side > 1);
    fields.map.previousElementSibling.textContent = output ? "Digit" : layer.side > 1 ? "Map" : "Node";
  }

  #sum(lines) {
    const list = this.#part("sum");
    list.replaceChildren(...lines.flatMap(([term, number]) => {
      const name = document.createElement("dt"), value = document.createElement("dd");
      name.textContent = term;
      value.textContent = term === "probability" ? `${(100 * number).toFixed(number > 0.9995 ? 0 : 1)} %` : signed(number);
      return [name, value];
    }));
  }

  #part(name) {
    return this.root.querySelector(`[data-part=${name}]`);
  }

  #text(name, words) {
    this.#part(name).textContent = words;
  }
}

/** How strongly each input speaks, [-1, 1]: its product, or whether it is the largest. */
export function strengths(network, k, n) {
  const { indices, weights } = network.inputs(k, n), read = network.values[k - 1];
  const spoken = Float32Array.from(indices, (i, at) => (weights ? weights[at] * read[i] : Number(read[i] === network.values[k][n])));
  const most = largest(spoken);
  return { indices, strengths: spoken.map((value) => value / most) };
}

const largest = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
const signed = (number) => number.toFixed(3).replace("-", "−");
