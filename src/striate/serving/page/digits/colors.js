// Colors of values, one ramp by day and one by night, for space and for flat maps alike.

// By day a value is ink on paper, by night light in the dark.
const DAY = { ramp: ["#e4e0d6", "#8fb9c4", "#2c6f9b", "#0d2a4f"], plus: "#b4451f", minus: "#2257a8" };
const NIGHT = { ramp: ["#262c38", "#2a5a8c", "#35b3a4", "#ffe08a"], plus: "#ffa05c", minus: "#6fa8ff" };

export const night = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** The colors of the moment, as [r, g, b] with values 0 to 1. */
export function palette() {
  const { ramp, plus, minus } = night() ? NIGHT : DAY;
  return { ramp: ramp.map(rgb), plus: rgb(plus), minus: rgb(minus) };
}

/** Color of a value in [0, 1], bytes [r, g, b] into `out` at `at`. */
export function shade({ ramp }, value, out, at) {
  const v = Math.min(1, Math.max(0, value)) * (ramp.length - 1), k = Math.min(ramp.length - 2, Math.floor(v));
  for (let c = 0; c < 3; c++) out[at + c] = 255 * (ramp[k][c] + (v - k) * (ramp[k + 1][c] - ramp[k][c]));
  out[at + 3] = 255;
}

/** Color of a signed value in [-1, 1]: from the background to `plus` or `minus`. */
export function tint({ ramp, plus, minus }, value, out, at) {
  const v = Math.min(1, Math.abs(value)), full = value < 0 ? minus : plus;
  for (let c = 0; c < 3; c++) out[at + c] = 255 * (ramp[0][c] + v * (full[c] - ramp[0][c]));
  out[at + 3] = 255;
}

function rgb(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
}
