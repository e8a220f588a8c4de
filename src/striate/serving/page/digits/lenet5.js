// LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, Section II.B), forward only, every layer kept.
//
// The modern form, as striate.models.lenet5 has it: rectifiers, max-pooling, a linear output.
// Values lie as (map, row, column) in one flat array a layer.

export const INPUT = 28; // side of a digit; the input layer has a border of 2 around it

// Figure 2 of the paper, from the input to the output.
export const LAYERS = [
  { name: "input", title: "Input", kind: "input", maps: 1, side: 32 },
  { name: "c1", title: "C1", kind: "convolution", maps: 6, side: 28 },
  { name: "s2", title: "S2", kind: "pooling", maps: 6, side: 14 },
  { name: "c3", title: "C3", kind: "convolution", maps: 16, side: 10 },
  { name: "s4", title: "S4", kind: "pooling", maps: 16, side: 5 },
  { name: "c5", title: "C5", kind: "full", maps: 120, side: 1 },
  { name: "f6", title: "F6", kind: "full", maps: 84, side: 1 },
  { name: "output", title: "Output", kind: "full", maps: 10, side: 1 },
].map((layer) => ({ ...layer, count: layer.maps * layer.side * layer.side }));

const KERNEL = 5;

export class LeNet5 {
  /** From what `safetensors.read` gives. */
  constructor({ tensors, about }) {
    this.about = about;
    this.temperature = about.predictor.calibration.temperature;
    this.values = LAYERS.map((layer) => new Float32Array(layer.count));
    this.probabilities = new Float32Array(10);
    this.weights = LAYERS.map(({ name, kind }) => {
      if (kind === "input" || kind === "pooling") return null;
      const stem = name === "output" ? name : `${name}.0`; // the rectifier is c1.1
      return { w: tensors[`${stem}.weight`].values, b: tensors[`${stem}.bias`].values };
    });
  }

  /** What a digit of 28 x 28 values in [0, 1] is: `probabilities`, and `values` of every layer. */
  forward(ink) {
    this.values[0].fill(0);
    const border = (LAYERS[0].side - INPUT) / 2;
    for (let row = 0; row < INPUT; row++) {
      const line = ink.subarray(row * INPUT, (row + 1) * INPUT);
      this.values[0].set(line, (row + border) * LAYERS[0].side + border);
    }
    for (let k = 1; k < LAYERS.length; k++) {
      if (LAYERS[k].kind === "convolution") this.#convolve(k);
      else if (LAYERS[k].kind === "pooling") this.#pool(k);
      else this.#connect(k);
    }
    softmax(this.values.at(-1), this.temperature, this.probabilities);
    return this.probabilities;
  }

  #convolve(k) {
    const from = LAYERS[k - 1], to = LAYERS[k], x = this.values[k - 1], y = this.values[k];
    const { w, b } = this.weights[k];
    for (let map = 0, n = 0; map < to.maps; map++) {
      for (let row = 0; row < to.side; row++) {
        for (let column = 0; column < to.side; column++, n++) {
          let sum = b[map];
          let weight = map * from.maps * KERNEL * KERNEL;
          for (let source = 0; source < from.maps; source++) {
            let start = (source * from.side + row) * from.side + column;
            for (let i = 0; i < KERNEL; i++, start += from.side) {
              for (let j = 0; j < KERNEL; j++) sum += w[weight++] * x[start + j];
            }
          }
          y[n] = Math.max(sum, 0);
        }
      }
    }
  }

  #pool(k) {
    const from = LAYERS[k - 1].side, to = LAYERS[k], x = this.values[k - 1], y = this.values[k];
    for (let map = 0, n = 0; map < to.maps; map++) {
      for (let row = 0; row < to.side; row++) {
        for (let column = 0; column < to.side; column++, n++) {
          const at = (map * from + 2 * row) * from + 2 * column;
          y[n] = Math.max(x[at], x[at + 1], x[at + from], x[at + from + 1]);
        }
      }
    }
  }

  #connect(k) {
    const x = this.values[k - 1], y = this.values[k], { w, b } = this.weights[k];
    const last = k === LAYERS.length - 1;
    for (let n = 0, weight = 0; n < y.length; n++) {
      let sum = b[n];
      for (let i = 0; i < x.length; i++) sum += w[weight++] * x[i];
      y[n] = last ? sum : Math.max(sum, 0);
    }
  }

  /**
   * What node n of layer k is made of, or null for the input: `indices` of the nodes it reads in
   * layer k - 1, their `weights` (null where it pools), in `groups` of height x width.
   */
  inputs(k, n) {
    const to = LAYERS[k], from = LAYERS[k - 1];
    if (to.kind === "input") return null;
    if (to.kind === "full") {
      const weights = this.weights[k].w.subarray(n * from.count, (n + 1) * from.count);
      const indices = Int32Array.from({ length: from.count }, (_, i) => i);
      const [groups, height, width] = from.side > 1 ? [from.maps, from.side, from.side] : [1, ...grid(from.count)];
      return { indices, weights, bias: this.weights[k].b[n], groups, height, width };
    }
    const { map, row, column } = place(to, n);
    const pools = to.kind === "pooling", side = pools ? 2 : KERNEL, step = pools ? 2 : 1;
    const groups = pools ? 1 : from.maps;
    const indices = new Int32Array(groups * side * side);
    for (let g = 0, at = 0; g < groups; g++) {
      for (let i = 0; i < side; i++) {
        for (let j = 0; j < side; j++) {
          const source = pools ? map : g;
          indices[at++] = (source * from.side + step * row + i) * from.side + step * column + j;
        }
      }
    }
    if (pools) return { indices, weights: null, bias: 0, groups, height: side, width: side };
    const weights = this.weights[k].w.subarray(map * indices.length, (map + 1) * indices.length);
    return { indices, weights, bias: this.weights[k].b[map], groups, height: side, width: side };
  }
}

/** Map, row and column of node n. */
export function place({ side }, n) {
  return { map: Math.floor(n / (side * side)), row: Math.floor(n / side) % side, column: n % side };
}

/** Rows and columns for nodes that stand in a row: as square as they come out even. */
function grid(count) {
  let rows = Math.floor(Math.sqrt(count));
  while (count % rows) rows--;
  return [rows, count / rows];
}

/** exp(logit / temperature), normalized, into `out`. */
export function softmax(logits, temperature, out) {
  let largest = -Infinity, sum = 0;
  for (const logit of logits) largest = Math.max(largest, logit);
  for (let k = 0; k < logits.length; k++) sum += out[k] = Math.exp((logits[k] - largest) / temperature);
  for (let k = 0; k < logits.length; k++) out[k] /= sum;
}
