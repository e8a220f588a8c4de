// Ten digits as a hand would write them, for who would rather watch than draw.

// Each stroke is a path through these places of a pad of 100 x 100; curves go smoothly between them.
const PATHS = {
  0: [[[52, 18], [36, 26], [28, 48], [33, 72], [50, 83], [66, 72], [71, 48], [65, 26], [52, 18]]],
  1: [[[40, 30], [52, 18], [51, 50], [50, 83]]],
  2: [[[30, 34], [38, 21], [54, 18], [66, 28], [63, 44], [48, 62], [30, 81]], [[30, 81], [50, 80], [72, 80]]],
  3: [[[31, 26], [44, 18], [60, 20], [66, 31], [60, 43], [46, 49]], [[46, 49], [62, 53], [69, 66], [60, 79], [44, 83], [30, 76]]],
  4: [[[44, 18], [36, 38], [27, 56]], [[27, 56], [50, 56], [75, 55]], [[62, 30], [60, 56], [57, 84]]],
  5: [[[36, 20], [35, 34], [33, 47]], [[33, 47], [48, 42], [63, 49], [67, 64], [58, 79], [42, 83], [29, 76]], [[36, 20], [52, 20], [68, 19]]],
  6: [[[60, 18], [42, 33], [32, 56], [35, 76], [50, 83], [64, 75], [65, 60], [53, 52], [39, 58], [33, 68]]],
  7: [[[29, 22], [48, 22], [70, 20]], [[70, 20], [58, 48], [46, 83]]],
  8: [[[63, 26], [50, 18], [37, 26], [40, 39], [54, 50], [66, 64], [60, 79], [46, 83], [34, 74], [38, 60], [52, 49], [63, 37], [63, 26]]],
  9: [[[65, 32], [52, 19], [37, 27], [34, 42], [46, 51], [60, 45], [66, 31], [64, 56], [58, 84]]],
};
const BETWEEN = 10; // points from one place to the next

/** The strokes of one digit, in [0, 1]. */
export function sample(digit) {
  return PATHS[digit].map((path) => smooth(path).map(([x, y]) => [x / 100, y / 100]));
}

/** Catmull-Rom: a curve through all places, with the slope at each that its neighbors have. */
function smooth(path) {
  const at = (k) => path[Math.min(path.length - 1, Math.max(0, k))];
  const points = [path[0]];
  for (let k = 0; k + 1 < path.length; k++) {
    const [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)];
    for (let step = 1; step <= BETWEEN; step++) {
      const t = step / BETWEEN;
      points.push([0, 1].map((i) => {
        const cubic = -a[i] + 3 * b[i] - 3 * c[i] + d[i], square = 2 * a[i] - 5 * b[i] + 4 * c[i] - d[i];
        return 0.5 * (2 * b[i] + t * (c[i] - a[i] + t * (square + t * cubic)));
      }));
    }
  }
  return points;
}
