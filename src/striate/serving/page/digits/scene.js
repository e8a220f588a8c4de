// The network in space: one draw call a layer, every node a cube; WebGL 2.
//
// The shader makes the cubes from their numbers alone: no vertices are stored, and unlike instances of
// so small a shape they cost nothing each (a software renderer took 0.95 s in place of 3.4). A frame
// takes no memory: textures and buffers are made once, and only values that changed are sent again.

import { Camera } from "./camera.js";
import { layout } from "./layout.js";

const WIDTH = 128; // texels of a row
const MOST_LINES = 512; // a node of F6 or C5 reads at most 400 others

// Vertex v belongs to node v / 12. Of its cube only the three faces toward the eye are made, four
// corners each; where it stands and its value are read from textures.
const CUBES = `#version 300 es
precision highp float; precision highp sampler2D;
uniform mat4 camera; uniform vec3 eye, ramp[4]; uniform float size, rise; uniform int first, chosen;
uniform sampler2D places, values;
out vec3 color;
void main() {
  int node = gl_VertexID / 12, axis = gl_VertexID % 12 / 4, at = node + first;
  ivec2 texel = ivec2(at % ${WIDTH}, at / ${WIDTH});
  vec3 foot = texelFetch(places, texel, 0).xyz;
  float value = clamp(texelFetch(values, texel, 0).r, 0.0, 1.0), v = value * 3.0;
  vec3 half_ = vec3(size, 0.3 * min(size, 1.5) + rise * value, size) / 2.0, middle = foot + vec3(0.0, half_.y, 0.0);
  vec3 toward = sign(eye - middle), side = vec3(gl_VertexID % 2 * 2 - 1, gl_VertexID % 4 / 2 * 2 - 1, 0.0);
  float light;
  if (axis == 0) { side = vec3(toward.x, side.xy); light = toward.x > 0.0 ? 0.86 : 0.7; }
  else if (axis == 1) { side = vec3(side.x, toward.y, side.y); light = toward.y > 0.0 ? 1.0 : 0.55; }
  else { side = vec3(side.xy, toward.z); light = toward.z > 0.0 ? 0.78 : 0.64; }
  color = light * mix(mix(mix(ramp[0], ramp[1], clamp(v, 0.0, 1.0)), ramp[2], clamp(v - 1.0, 0.0, 1.0)),
                      ramp[3], clamp(v - 2.0, 0.0, 1.0));
  if (node == chosen) color = mix(color, vec3(1.0, 0.25, 0.35), 0.75);
  gl_Position = camera * vec4(middle + side * half_, 1.0);
  if (value < 0.02 && axis != 1) gl_Position = vec4(0.0, 0.0, 2.0, 1.0); // a silent node is a tile: no sides
}`;
const LINES = `#version 300 es
uniform mat4 camera; uniform vec3 plus, minus;
layout(location = 0) in vec3 place; layout(location = 1) in float strength;
out vec4 color;
void main() {
  float opacity = 0.12 + 0.88 * abs(strength);
  color = vec4((strength < 0.0 ? minus : plus) * opacity, opacity);
  gl_Position = camera * vec4(place, 1.0);
}`;
const FRAGMENT = (type) => `#version 300 es
precision mediump float; in ${type} color; out vec4 pixel;
void main() { pixel = ${type === "vec3" ? "vec4(color, 1.0)" : "color"}; }`;

export class Scene {
  /** Throws where there is no WebGL 2. */
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { antialias: true, alpha: true, powerPreference: "low-power" });
    if (!this.gl) throw new Error("no WebGL 2 here");
    this.layers = layout().map((layer) => ({ ...layer, shown: true }));
    const top = this.layers.at(-1).y;
    this.camera = new Camera([0, top / 2 + 10, 0], 214, top + 50);
    this.chosen = null; // { layer, node }
    this.lines = new Float32Array(8 * MOST_LINES);
    this.count = 0; // of lines
    this.waiting = false;
    this.painted = () => {};
    this.#prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      const before = this.values;
      this.#prepare();
      this.values.set(before);
      this.#send();
      this.ask();
    });
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  #prepare() {
    const { gl } = this, texels = WIDTH * Math.ceil(this.layers.reduce((sum, { count }) => sum + count, 0) / WIDTH);
    this.cubes = program(gl, CUBES, FRAGMENT("vec3"), ["camera", "eye", "ramp", "size", "rise", "first", "chosen", "places", "values"]);
    this.wires = program(gl, LINES, FRAGMENT("vec4"), ["camera", "plus", "minus"]);
    this.values = new Float32Array(texels); // of all layers, one after the other
    const places = new Float32Array(4 * texels);
    let first = 0;
    for (const layer of this.layers) {
      for (let n = 0; n < layer.count; n++) places.set(layer.places.subarray(3 * n, 3 * n + 3), 4 * (first + n));
      layer.first = first;
      layer.values = this.values.subarray(first, (first += layer.count));
    }
    texture(gl, 0, gl.RGBA32F, gl.RGBA, places);
    texture(gl, 1, gl.R32F, gl.RED, this.values);
    this.nothing = gl.createVertexArray();
    gl.bindVertexArray(this.nothing);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles(Math.max(...this.layers.map(({ count }) => count))), gl.STATIC_DRAW);
    this.web = gl.createVertexArray();
    gl.bindVertexArray(this.web);
    this.wire = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.wire);
    gl.bufferData(gl.ARRAY_BUFFER, this.lines, gl.DYNAMIC_DRAW);
    attribute(gl, 0, 3, 16, 0);
    attribute(gl, 1, 1, 16, 12);
    gl.enable(gl.DEPTH_TEST);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** Colors of values 0, 1/3, 2/3, 1, and of lines that add and that take away: [r, g, b], 0 to 1. */
  dress({ ramp, plus, minus }) {
    this.ramp = new Float32Array(ramp.flat());
    Object.assign(this, { plus, minus });
    this.ask();
  }

  /** New values, [0, 1], an array for each layer. */
  update(values) {
    values.forEach((some, k) => this.layers[k].values.set(some));
    this.#send();
    this.ask();
  }

  #send() {
    const { gl } = this, rows = this.values.length / WIDTH;
    gl.activeTexture(gl.TEXTURE1);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, WIDTH, rows, gl.RED, gl.FLOAT, this.values);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.wire);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.lines, 0, 8 * this.count);
  }

  show(layer, shown) {
    this.layers[layer].shown = shown;
    this.ask();
  }

  /** Marks a node and draws a line to each node it reads, as strong as [-1, 1] says; null for none. */
  choose(layer, node, indices = [], strengths = []) {
    this.chosen = layer === null ? null : { layer, node };
    this.count = layer === null ? 0 : Math.min(MOST_LINES, indices.length);
    for (let k = 0; k < this.count; k++) {
      this.#point(8 * k, this.layers[layer], node, 0, strengths[k]);
      this.#point(8 * k + 4, this.layers[layer - 1], indices[k], 1, strengths[k]);
    }
    this.#send();
    this.ask();
  }

  #point(at, layer, node, above, strength) {
    const { lines } = this, { places, values, rise, size } = layer;
    lines[at] = places[3 * node];
    lines[at + 1] = places[3 * node + 1] + above * (0.3 * Math.min(size, 1.5) + rise * values[node]);
    lines[at + 2] = places[3 * node + 2];
    lines[at + 3] = strength;
  }

  /** The node under a point of the screen, shares from left and top: { layer, node } or null. */
  pick(left, top) {
    const { eye } = this.camera, ray = this.camera.ray(left, top), low = [0, 0, 0], high = [0, 0, 0];
    let nearest = Infinity, found = null;
    this.layers.forEach(({ places, values, size, rise, shown }, layer) => {
      if (!shown) return;
      for (let node = 0; node < values.length; node++) {
        const x = places[3 * node], y = places[3 * node + 1], z = places[3 * node + 2];
        low[0] = x - size / 2; low[1] = y; low[2] = z - size / 2;
        high[0] = x + size / 2; high[1] = y + 0.3 * Math.min(size, 1.5) + rise * values[node]; high[2] = z + size / 2;
        const distance = enters(eye, ray, low, high);
        if (distance < nearest) {
          nearest = distance;
          found = { layer, node };
        }
      }
    });
    return found;
  }

  /** Has a frame painted when the browser next paints. */
  ask() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  #resize() {
    const { canvas } = this, scale = Math.min(devicePixelRatio, 2);
    if (!canvas.clientWidth) return;
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    this.camera.resize(canvas.width / canvas.height);
    this.paint();
  }

  paint() {
    const { gl, camera, cubes, wires, layers, chosen } = this;
    if (!this.ramp || !this.canvas.clientWidth || gl.isContextLost()) return; // hidden: nothing to do
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(cubes.program);
    gl.uniformMatrix4fv(cubes.camera, false, camera.matrix);
    gl.uniform3fv(cubes.eye, camera.eye);
    gl.uniform3fv(cubes.ramp, this.ramp);
    gl.uniform1i(cubes.places, 0);
    gl.uniform1i(cubes.values, 1);
    gl.bindVertexArray(this.nothing);
    for (let k = 0; k < layers.length; k++) {
      const layer = layers[k];
      if (!layer.shown) continue;
      gl.uniform1f(cubes.size, layer.size);
      gl.uniform1f(cubes.rise, layer.rise);
      gl.uniform1i(cubes.first, layer.first);
      gl.uniform1i(cubes.chosen, chosen !== null && chosen.layer === k ? chosen.node : -1);
      gl.drawElements(gl.TRIANGLES, 18 * layer.count, gl.UNSIGNED_SHORT, 0);
    }
    if (this.count && layers[chosen.layer].shown && layers[chosen.layer - 1].shown) {
      gl.useProgram(wires.program);
      gl.uniformMatrix4fv(wires.camera, false, camera.matrix);
      gl.uniform3fv(wires.plus, this.plus);
      gl.uniform3fv(wires.minus, this.minus);
      gl.bindVertexArray(this.web);
      gl.enable(gl.BLEND);
      gl.depthMask(false);
      gl.drawArrays(gl.LINES, 0, 2 * this.count);
      gl.depthMask(true);
      gl.disable(gl.BLEND);
    }
    this.painted();
  }

  /** Milliseconds a frame takes, over `frames` of a turn around; the view is put back. */
  measure(frames = 60) {
    const { gl, camera } = this, pixel = new Uint8Array(4), begun = performance.now();
    for (let k = 0; k < frames; k++) {
      camera.orbit((2 * Math.PI) / frames, 0);
      this.paint();
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel); // waits until it is drawn
    }
    return (performance.now() - begun) / frames;
  }
}

/** Whether 3-D is drawn by the processor alone: that works, but slowly. */
export function drawnInSoftware() {
  const options = { failIfMajorPerformanceCaveat: true };
  return document.createElement("canvas").getContext("webgl2", options) === null;
}

/** How far along the ray a box begins; Infinity where it is missed. */
function enters(eye, ray, low, high) {
  let first = 0, last = Infinity;
  for (let k = 0; k < 3; k++) {
    const a = (low[k] - eye[k]) / ray[k], b = (high[k] - eye[k]) / ray[k];
    first = Math.max(first, Math.min(a, b));
    last = Math.min(last, Math.max(a, b));
  }
  return first <= last ? first : Infinity;
}

/** Two triangles for the four corners of each face, three faces a node. */
function triangles(nodes) {
  const numbers = new Uint16Array(18 * nodes); // 12 corners of 4,704 nodes at most: below 2 ** 16
  for (let face = 0; face < 3 * nodes; face++) {
    for (let k = 0; k < 6; k++) numbers[6 * face + k] = 4 * face + [0, 1, 2, 2, 1, 3][k];
  }
  return numbers;
}

/** A texture of WIDTH numbers a row, which stays bound to its unit. */
function texture(gl, unit, inside, format, numbers) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const rows = numbers.length / WIDTH / (format === gl.RGBA ? 4 : 1);
  gl.texImage2D(gl.TEXTURE_2D, 0, inside, WIDTH, rows, 0, format, gl.FLOAT, numbers);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
}

function program(gl, vertex, fragment, uniforms) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`shaders: ${gl.getProgramInfoLog(made)}`);
  }
  return { program: made, ...Object.fromEntries(uniforms.map((name) => [name, gl.getUniformLocation(made, name)])) };
}

function attribute(gl, location, size, stride, offset) {
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, size, gl.FLOAT, false, stride, offset);
}
