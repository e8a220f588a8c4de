// From strokes to 28 x 28 ink, the way MNIST was made: scaled to a box of 20 x 20 that keeps its
// proportions, then moved until its center of mass is the middle of the picture.
//
// Strokes are vectors and stay so until the end: the pen is as wide as MNIST's lines are on average,
// however large one has drawn.

export const SIDE = 28;
const BOX = 20, MIDDLE = 14; // MNIST's digits have their mean at pixel (14, 14), counted from 0
const PEN = 2.9; // pixels: the ink of MNIST's digits over the length of their skeletons
const LEAST = 0.12; // share of the pad: smaller drawings are not blown up further

/**
 * Strokes, arrays of [x, y] with x and y in [0, 1], to (SIDE * SIDE) values in [0, 1].
 * Nothing drawn gives all zeros.
 */
export function render(strokes, out = new Float32Array(SIDE * SIDE)) {
  const points = strokes.flat();
  if (!points.length) return out.fill(0);
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const left = min(xs), top = min(ys), width = max(xs) - left, height = max(ys) - top;
  const scale = (BOX - PEN) / Math.max(width, height, LEAST);
  const segments = thinned(strokes, scale, left + width / 2, top + height / 2);
  draw(segments, 0, 0, out);
  const [x, y] = centroid(out);
  return draw(segments, MIDDLE - x, MIDDLE - y, out);
}

/** Pieces x0 y0 x1 y1 in pixels around the middle; steps that cannot be seen are left out. */
function thinned(strokes, scale, x, y) {
  const segments = [];
  for (const stroke of strokes) {
    const at = stroke.map((point) => [(point[0] - x) * scale + MIDDLE, (point[1] - y) * scale + MIDDLE]);
    let before = at[0];
    at.forEach((point, k) => {
      const far = Math.hypot(point[0] - before[0], point[1] - before[1]) > 0.4;
      if (far || k === at.length - 1) {
        segments.push([...before, ...point]);
        before = point;
      }
    });
  }
  return segments;
}

/** Ink of a round pen: full inside, fading over one pixel at its edge. */
function draw(segments, right, down, out) {
  out.fill(0);
  for (const [x0, y0, x1, y1] of segments) {
    const ax = x0 + right, ay = y0 + down, dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    const reach = PEN / 2 + 1;
    const first = Math.max(0, Math.floor(Math.min(ay, ay + dy) - reach));
    const last = Math.min(SIDE - 1, Math.ceil(Math.max(ay, ay + dy) + reach));
    for (let row = first; row <= last; row++) {
      for (let column = 0; column < SIDE; column++) {
        const px = column - ax, py = row - ay;
        const t = square ? Math.min(1, Math.max(0, (px * dx + py * dy) / square)) : 0;
        const distance = Math.hypot(px - t * dx, py - t * dy);
        const ink = Math.min(1, Math.max(0, PEN / 2 + 0.5 - distance));
        const n = row * SIDE + column;
        if (ink > out[n]) out[n] = ink;
      }
    }
  }
  return out;
}

function centroid(ink) {
  let sum = 0, x = 0, y = 0;
  ink.forEach((value, n) => {
    sum += value;
    x += value * (n % SIDE);
    y += value * Math.floor(n / SIDE);
  });
  return sum ? [x / sum, y / sum] : [MIDDLE, MIDDLE];
}

const min = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const max = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
