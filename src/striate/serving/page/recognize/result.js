// What pictures and videos have in common on the page: a card with the file's name, an answer or a
// refusal.

import * as api from "./api.js";
import { node } from "./tags.js";

const SMALL = 160; // pixels: pictures of fewer are enlarged

export class Result {
  /** `source` is a File, or the URL of a link; `service` gives model, language, name(), say(), failed(). */
  constructor(source, service, waiting) {
    Object.assign(this, { source, service, file: source instanceof File ? source : null });
    this.title = this.file ? this.file.name : source;
    this.url = this.file && URL.createObjectURL(this.file);
    this.root = node("article", "card result");
    this.frame = node("div", "frame");
    this.body = node("div", "said");
    this.root.append(this.frame, this.body);
    this.root.setAttribute("aria-busy", "true");
    this.fill(node("p", "wait", waiting));
  }

  /** The name, and what is said below it. */
  fill(...parts) {
    const name = node("p", "name", this.title);
    name.title = this.title;
    this.body.replaceChildren(name, ...parts);
  }

  /** Asks the service and shows its answer, or why there is none. */
  async ask() {
    this.model = this.service.model;
    try {
      this.data = await this.answer();
      this.show();
      this.service.say(`${this.title}: ${this.spoken()}`);
    } catch (failure) {
      if (!(failure instanceof api.Failure)) throw failure;
      this.refuse(failure.message);
      this.service.failed(failure);
    } finally {
      this.root.removeAttribute("aria-busy");
    }
  }

  /** Shows the picture that was made, and gives it away. */
  made({ base64, width, height }) {
    const image = node("img", "made"), link = node("a", "more", "Save this picture");
    const times = Math.max(1, Math.floor(SMALL / Math.max(width, height)));
    image.src = link.href = `data:image/png;base64,${base64}`;
    image.alt = `What ${this.service.model.name} made of it`;
    link.download = `${this.title.replace(/\.\w+$/, "")}-${this.service.model.name}.png`;
    Object.assign(image, { width, height });
    if (times > 1) Object.assign(image.style, { width: `${times * width}px`, imageRendering: "pixelated" });
    this.root.classList.add("beside");
    this.fill(image, link);
  }

  refuse(words) {
    this.root.removeAttribute("aria-busy");
    this.fill(node("p", "wrong", words));
    this.service.say(`${this.title}: ${words}`);
  }

  close() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }
}
