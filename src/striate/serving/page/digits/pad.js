// The pad: strokes by mouse, finger, pen or keys.

const STEP = 0.05; // of the pad's side, for one arrow key
const GRAIN = 0.004; // moves shorter than this add no point
const MOST = 4000; // points of a drawing
const PEN = 0.075; // width of the line on the pad

export class Pad {
  /** Calls `changed(strokes)` after every change, and `told(words)` for what only eyes would see. */
  constructor(canvas, changed, told) {
    Object.assign(this, { canvas, changed, told });
    this.strokes = [];
    this.cursor = [0.5, 0.2];
    this.pen = false; // down, by keys
    this.pointer = null;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(kind, (event) => this.#up(event));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
    for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, () => this.paint());
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  clear() {
    this.show([]);
  }

  undo() {
    this.show(this.strokes.slice(0, -1));
  }

  /** Puts strokes in the place of those that are there. */
  show(strokes) {
    this.#stop();
    this.strokes = strokes;
    this.#changed();
  }

  /** Writes strokes as a hand would, in about a second; resolves when done or disturbed. */
  async write(strokes, still = false) {
    this.show(still ? strokes : []);
    if (still) return;
    const mine = (this.writing = {});
    const total = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    for (let done = 0; done < total; ) {
      await new Promise(requestAnimationFrame);
      if (this.writing !== mine) return;
      done = Math.min(total, done + Math.ceil(total / 50));
      let left = done;
      this.strokes = strokes.map((s) => s.slice(0, Math.max(0, (left -= s.length) + s.length)));
      this.strokes = this.strokes.filter((stroke) => stroke.length);
      this.#changed();
    }
  }

  #stop() {
    this.writing = null;
    this.pen = false;
    this.pointer = null;
  }

  #changed() {
    this.paint();
    this.changed(this.strokes);
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  }

  #down(event) {
    if (this.pointer !== null || event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.#stop();
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes = [...this.strokes, [this.#at(event)]];
    this.#changed();
  }

  #move(event) {
    if (event.pointerId !== this.pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) this.#add(this.#at(move), GRAIN);
    this.#changed();
  }

  #up(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  #add(point, grain) {
    const stroke = this.strokes.at(-1), [x, y] = stroke.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < grain) return;
    if (this.strokes.reduce((sum, each) => sum + each.length, 0) < MOST) stroke.push(point);
  }

  #key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrows) {
      const step = event.shiftKey ? 2 * STEP : STEP;
      this.cursor = this.cursor.map((v, k) => Math.min(0.95, Math.max(0.05, v + step * arrows[event.key][k])));
      if (this.pen) {
        this.#add(this.cursor, 0);
        this.#changed();
      } else this.paint();
    } else if (event.key === " " || event.key === "Enter") {
      const down = !this.pen;
      this.#stop();
      this.pen = down;
      if (down) this.strokes = [...this.strokes, [this.cursor]];
      this.told(down ? "Pen down" : "Pen up");
      this.#changed();
    } else if (event.key === "Backspace") this.undo();
    else if (event.key === "Escape" || event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  #resize() {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
    if (!side) return;
    this.canvas.width = this.canvas.height = side;
    this.paint();
  }

  /** Draws what is there. */
  paint() {
    const { canvas } = this, context = canvas.getContext("2d"), side = canvas.width;
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, side, side);
    context.strokeStyle = style.color;
    context.lineWidth = PEN * side;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(stroke[0][0] * side, stroke[0][1] * side);
      for (const [x, y] of stroke) context.lineTo(x * side, y * side);
      context.stroke();
    }
    if (!canvas.matches(":focus-visible")) return;
    context.beginPath();
    context.arc(this.cursor[0] * side, this.cursor[1] * side, (PEN / 2 + 0.015) * side, 0, 2 * Math.PI);
    context.lineWidth = 2 * devicePixelRatio;
    context.strokeStyle = style.getPropertyValue("--accent");
    if (!this.pen) context.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    context.stroke();
    context.setLineDash([]);
  }
}
