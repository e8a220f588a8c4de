// The eye: it goes around a point, nearer and farther, and the point can be moved. Matrices are 16
// numbers, column by column, as WebGL takes them.

const NEAR = 1, FAR = 2000, ANGLE = (32 * Math.PI) / 180; // of view, from top to bottom
const PITCH = [-0.2, 1.5], DISTANCE = [20, 1200];

export class Camera {
  constructor(middle, width, height) {
    Object.assign(this, { middle, width, height, aspect: 1 });
    this.matrix = new Float32Array(16); // from space to the screen
    this.target = [0, 0, 0];
    this.right = [1, 0, 0];
    this.up = [0, 1, 0];
    this.eye = [0, 0, 0];
    this.reset();
  }

  /** Back to where all of it can be seen. */
  reset() {
    this.yaw = 0.36;
    this.pitch = 0.36;
    this.target.splice(0, 3, ...this.middle);
    const half = Math.tan(ANGLE / 2);
    this.distance = Math.max(this.height / half, this.width / half / this.aspect) / 2 * 1.04;
    this.update();
  }

  resize(aspect) {
    const untouched = Math.abs(aspect - this.aspect) > 0.01;
    this.aspect = aspect;
    if (untouched) this.reset();
    else this.update();
  }

  orbit(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.min(PITCH[1], Math.max(PITCH[0], this.pitch + pitch));
    this.update();
  }

  zoom(factor) {
    this.distance = Math.min(DISTANCE[1], Math.max(DISTANCE[0], this.distance * factor));
    this.update();
  }

  /** Moves by shares of the screen's height. */
  pan(x, y) {
    const span = 2 * this.distance * Math.tan(ANGLE / 2);
    for (let k = 0; k < 3; k++) this.target[k] += span * (y * this.up[k] - x * this.right[k]);
    this.update();
  }

  update() {
    const { matrix: m, right, up, eye, target } = this;
    const cy = Math.cos(this.yaw), sy = Math.sin(this.yaw), cp = Math.cos(this.pitch), sp = Math.sin(this.pitch);
    const bx = sy * cp, by = sp, bz = cy * cp; // from the target back to the eye
    right[0] = cy; right[1] = 0; right[2] = -sy;
    up[0] = -sy * sp; up[1] = cp; up[2] = -cy * sp;
    eye[0] = target[0] + bx * this.distance;
    eye[1] = target[1] + by * this.distance;
    eye[2] = target[2] + bz * this.distance;
    const f = 1 / Math.tan(ANGLE / 2), g = f / this.aspect;
    const a = (FAR + NEAR) / (NEAR - FAR), b = (2 * FAR * NEAR) / (NEAR - FAR);
    const x = -dot(right, eye), y = -dot(up, eye), z = -(bx * eye[0] + by * eye[1] + bz * eye[2]);
    for (let k = 0; k < 3; k++) {
      const back = k === 0 ? bx : k === 1 ? by : bz;
      m[4 * k] = g * right[k];
      m[4 * k + 1] = f * up[k];
      m[4 * k + 2] = a * back;
      m[4 * k + 3] = -back;
    }
    m[12] = g * x; m[13] = f * y; m[14] = a * z + b; m[15] = -z;
  }

  /** Where a point is on the screen, as shares from the left and the top, into `out`. */
  project(x, y, z, out) {
    const m = this.matrix, w = m[3] * x + m[7] * y + m[11] * z + m[15];
    out[0] = 0.5 + (m[0] * x + m[4] * y + m[8] * z + m[12]) / w / 2;
    out[1] = 0.5 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w / 2;
    return w > 0;
  }

  /** The direction in which the eye looks through a point of the screen. */
  ray(left, top) {
    const half = Math.tan(ANGLE / 2), x = (2 * left - 1) * half * this.aspect, y = (1 - 2 * top) * half;
    const cp = Math.cos(this.pitch);
    const back = [Math.sin(this.yaw) * cp, Math.sin(this.pitch), Math.cos(this.yaw) * cp];
    return back.map((b, k) => x * this.right[k] + y * this.up[k] - b);
  }
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
