// Hands on the scene: drag to turn, with two fingers or Shift to move, wheel or pinch to come nearer;
// the same by keys.

const TURN = 0.008, STEP = 0.12; // radians for a pixel, for a key
const CLICK = 5; // pixels: what moves less is no drag

export class Orbit {
  /** Calls `hover(left, top)` with shares, or (null) when the pointer goes, and `click(left, top)`. */
  constructor(canvas, camera, { changed, hover, click }) {
    Object.assign(this, { canvas, camera, changed, hover, click });
    this.pointers = new Map();
    this.moved = 0;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => hover(null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  #share({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size === 1) this.moved = 0;
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.hover(...this.#share(event));
      return;
    }
    const [x, y] = [event.clientX - before[0], event.clientY - before[1]];
    const high = this.canvas.clientHeight;
    this.moved += Math.abs(x) + Math.abs(y);
    if (this.moved < CLICK) return;
    if (this.pointers.size === 2) {
      const [a, b] = [...this.pointers.keys()];
      const other = this.pointers.get(event.pointerId === a ? b : a);
      const span = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
      this.camera.zoom(span(before) / span([event.clientX, event.clientY]));
      this.camera.pan(x / high / 2, y / high / 2);
    } else if (event.shiftKey || event.buttons & 6) this.camera.pan(x / high, y / high);
    else this.camera.orbit(-x * TURN, y * TURN);
    before[0] = event.clientX;
    before[1] = event.clientY;
    this.changed();
  }

  #up(event) {
    if (this.pointers.delete(event.pointerId) && this.moved < CLICK && event.type === "pointerup") {
      this.click(...this.#share(event));
    }
  }

  #wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.canvas) return; // the page scrolls
    event.preventDefault();
    this.camera.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.003));
    this.changed();
  }

  #key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrows) {
      const [x, y] = arrows[event.key];
      if (event.shiftKey) this.camera.pan(-x * STEP / 2, y * STEP / 2);
      else this.camera.orbit(x * STEP, y * STEP);
    } else if (event.key === "+" || event.key === "=") this.camera.zoom(0.87);
    else if (event.key === "-") this.camera.zoom(1.15);
    else if (event.key === "0" || event.key === "Home") this.camera.reset();
    else return;
    event.preventDefault();
    this.changed();
  }
}
