// The layers as flat maps, for browsers without WebGL 2 and for whoever finds them easier to read.

import { shade } from "./colors.js";
import { LAYERS } from "./lenet5.js";
import { columns, hit, mosaic } from "./mosaic.js";

export class Flat {
  /** Puts a figure for each layer into `place`; calls `chosen(layer, node)` and `left()`. */
  constructor(place, { chosen, left }) {
    this.figures = LAYERS.map((layer, k) => {
      const figure = document.createElement("figure"), caption = document.createElement("figcaption");
      const canvas = document.createElement("canvas");
      const form = { groups: layer.maps, height: layer.side, width: layer.side };
      if (layer.side === 1) Object.assign(form, { groups: 1, height: rows(layer.maps), width: layer.maps / rows(layer.maps) });
      form.across = columns(form.groups, form.height, form.width, 8);
      canvas.className = `map ${layer.name}`;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${layer.title}, ${describe(layer)}`);
      caption.textContent = `${layer.title} · ${describe(layer)}`;
      figure.append(caption, canvas);
      place.append(figure);
      canvas.addEventListener("pointermove", (event) => this.#at(event, k, form, canvas, chosen));
      canvas.addEventListener("pointerdown", (event) => this.#at(event, k, form, canvas, chosen));
      canvas.addEventListener("pointerleave", left);
      return { figure, canvas, form };
    });
  }

  #at(event, k, form, canvas, chosen) {
    const box = canvas.getBoundingClientRect();
    const node = hit((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, form);
    if (node >= 0) chosen(k, node);
  }

  show(layer, shown) {
    this.figures[layer].figure.hidden = !shown;
  }

  /** Paints values, [0, 1], an array for each layer. */
  update(values, palette) {
    this.figures.forEach(({ figure, canvas, form }, k) => {
      if (figure.hidden) return;
      mosaic(canvas, values[k], form, (value, bytes, at) => shade(palette, value, bytes, at));
    });
  }
}

/** "6 maps of 28 × 28", "120 nodes". */
export function describe({ maps, side }) {
  if (side === 1) return `${maps} nodes`;
  return maps === 1 ? `${side} × ${side}` : `${maps} maps of ${side} × ${side}`;
}

const rows = (count) => (count > 60 ? Math.ceil(count / 60) : 1);
