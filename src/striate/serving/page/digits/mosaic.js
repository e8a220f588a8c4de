// Maps as pictures: groups of height x width values side by side, a pixel each; CSS makes them large.

/** How many groups stand in a row, full rows only, that the whole be about `wide` times as wide as high. */
export function columns(groups, height, width, wide) {
  const best = Math.sqrt((groups * (height + 1) * wide) / (width + 1)), far = (n) => Math.abs(Math.log(n / best));
  const divisors = Array.from({ length: groups }, (_, k) => k + 1).filter((n) => groups % n === 0);
  return divisors.reduce((a, b) => (far(b) < far(a) ? b : a));
}

/** Paints `values` (group, row, column) on the canvas; `color(value, bytes, at)` says how. */
export function mosaic(canvas, values, { groups, height, width, across }, color) {
  const down = Math.ceil(groups / across);
  canvas.width = across * (width + 1) - 1; // a pixel between two groups
  canvas.height = down * (height + 1) - 1;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  for (let group = 0, n = 0; group < groups; group++) {
    const left = (group % across) * (width + 1), top = Math.floor(group / across) * (height + 1);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++, n++) {
        color(values[n], image.data, 4 * ((top + row) * canvas.width + left + column));
      }
    }
  }
  context.putImageData(image, 0, 0);
}

/** The number of the value at a point of such a canvas, shares from left and top; -1 between groups. */
export function hit(left, top, { groups, height, width, across }) {
  const down = Math.ceil(groups / across);
  const x = Math.floor(left * (across * (width + 1) - 1)), y = Math.floor(top * (down * (height + 1) - 1));
  const column = x % (width + 1), row = y % (height + 1);
  const group = Math.floor(y / (height + 1)) * across + Math.floor(x / (width + 1));
  if (column === width || row === height || group < 0 || group >= groups) return -1;
  return (group * height + row) * width + column;
}
