// Where every node stands in space, as in Harley's node-link picture (ISVC 2015): one layer above
// the other, the input at the bottom; maps lie flat, side by side, rows toward the viewer.

import { LAYERS } from "./lenet5.js";

// Layer: distance of neighboring nodes, of neighboring maps, height above the one before; how much
// of the distance a cube fills, and how far a node of value 1 rises.
const MEASURES = {
  input: { pitch: 1.3, maps: 0, up: 0, fill: 0.86, rise: 6 },
  c1: { pitch: 1, maps: 34, up: 42, fill: 0.86, rise: 6 },
  s2: { pitch: 1.5, maps: 34, up: 34, fill: 0.86, rise: 6 },
  c3: { pitch: 1, maps: 13, up: 28, fill: 0.86, rise: 6 },
  s4: { pitch: 1.6, maps: 13, up: 21, fill: 0.86, rise: 6 },
  c5: { pitch: 1.72, maps: 1.72, up: 19, fill: 0.8, rise: 8 },
  f6: { pitch: 2.45, maps: 2.45, up: 17, fill: 0.72, rise: 8 },
  output: { pitch: 20, maps: 20, up: 19, fill: 0.34, rise: 11 },
};

/** For every layer: `places` (x, y, z of each node's foot), `size` of a cube, `rise`, and its box. */
export function layout() {
  let y = 0;
  return LAYERS.map((layer) => {
    const { pitch, maps, up, fill, rise } = MEASURES[layer.name];
    y += up;
    const places = new Float32Array(3 * layer.count), middle = (layer.side - 1) / 2;
    for (let map = 0, at = 0; map < layer.maps; map++) {
      const x = (map - (layer.maps - 1) / 2) * maps;
      for (let row = 0; row < layer.side; row++) {
        for (let column = 0; column < layer.side; column++) {
          places[at++] = x + (column - middle) * pitch;
          places[at++] = y;
          places[at++] = (row - middle) * pitch;
        }
      }
    }
    const wide = ((layer.maps - 1) * maps + layer.side * pitch) / 2, deep = (layer.side * pitch) / 2;
    return { ...layer, places, size: pitch * fill, rise, y, wide, deep };
  });
}
