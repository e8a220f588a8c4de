// A heat map over a picture: how much of the probability is lost where a place is hidden.

const FAINT = 0.06; // share of the largest number that is not painted yet

/** Paints an explanation on `canvas`, which lies over the picture, and puts it in its place. */
export function paintHeat(canvas, { map, box: [left, top, right, bottom], largest }) {
  canvas.height = map.length;
  canvas.width = map[0].length;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  map.flat().forEach((value, k) => {
    const v = largest > 0 ? Math.min(1, Math.max(0, value / largest)) : 0;
    image.data.set([255, 235 - 190 * v, 120 - 90 * v, v < FAINT ? 0 : 60 + 165 * v], 4 * k);
  });
  context.putImageData(image, 0, 0);
  const place = { left, top, width: right - left, height: bottom - top };
  for (const [name, share] of Object.entries(place)) canvas.style.setProperty(name, `${100 * share}%`);
}
