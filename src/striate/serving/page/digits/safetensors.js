// The file format of weights: 8 bytes that count the header, the header as JSON, then plain numbers.

/** Everything in a file: `{tensors: {name: {shape, values}}, about}`; float32 only. */
export async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return parse(await answer.arrayBuffer());
}

/** The same from bytes. `about` is what striate wrote beside the numbers. */
export function parse(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const tensors = {};
  const { __metadata__: beside, ...places } = header;
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(places)) {
    if (dtype !== "F32") throw new Error(`${name} holds ${dtype}, not F32`);
    tensors[name] = { shape, values: new Float32Array(buffer.slice(8 + size + from, 8 + size + to)) };
  }
  return { tensors, about: JSON.parse(beside?.striate ?? "{}") };
}
