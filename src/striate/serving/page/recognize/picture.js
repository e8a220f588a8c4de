// One picture and what the model says of it.

import * as api from "./api.js";
import { paintHeat } from "./heat.js";
import { node, showTags, spoken, verdict } from "./tags.js";

const CONCEPTS = 10;

export class Picture {
  /** `source` is a File, or the URL of a link; `service` gives model, language, name(), say(). */
  constructor(source, service) {
    Object.assign(this, { source, service, file: source instanceof File ? source : null });
    this.title = this.file ? this.file.name : source;
    this.root = node("article", "card result");
    this.frame = node("div", "frame");
    this.body = node("div", "said");
    this.root.append(this.frame, this.body);
    this.root.setAttribute("aria-busy", "true");
    this.body.append(node("p", "name", this.title), node("p", "wait", "Looking…"));
    if (this.file) this.#picture();
    else this.frame.append(node("p", "quiet away", "Pictures from elsewhere are not shown here."));
  }

  #picture() {
    const image = node("img"), sheet = node("div", "sheet");
    this.url = URL.createObjectURL(this.file);
    image.src = this.url;
    image.alt = "";
    image.addEventListener("error", () => sheet.replaceWith(node("p", "quiet away", "No preview")));
    this.heat = node("canvas", "heat");
    this.heat.hidden = true;
    this.heat.setAttribute("role", "img");
    sheet.append(image, this.heat);
    this.frame.append(sheet);
  }

  /** Asks the service and shows its answer. */
  async ask() {
    const { model, language } = this.service, settings = { max_concepts: CONCEPTS, language };
    this.model = model;
    try {
      this.data = this.file ? await api.tagsOf(model.name, this.file, settings)
        : await api.tagsOfLink(model.name, this.source, "image", settings);
      this.show();
      this.service.say(`${this.title}: ${spoken(this.data, this.service.name)}`);
    } catch (failure) {
      this.#failed(failure);
    } finally {
      this.root.removeAttribute("aria-busy");
    }
  }

  #failed(failure) {
    if (!(failure instanceof api.Failure)) throw failure;
    this.body.replaceChildren(node("p", "name", this.title), node("p", "wrong", failure.message));
    this.service.say(`${this.title}: ${failure.message}`);
    this.service.failed(failure);
  }

  /** Shows the answer in the language of the moment. */
  show() {
    if (!this.data) return;
    const { name } = this.service, tags = node("div");
    const head = node("h3", this.data.known ? "verdict" : "verdict none", verdict(this.data, name));
    this.body.replaceChildren(node("p", "name", this.title), head);
    if (!this.data.known) this.body.append(node("p", "quiet", "The model knows nothing like it. Nearest to it:"));
    this.body.append(tags);
    const where = this.file && this.model.explains ? (concept, button) => this.#where(concept, button) : null;
    showTags(tags, this.data, name, where);
    this.note = node("p", "quiet note", where ? "Choose a tag to see where it is." : "");
    this.body.append(this.note);
    if (this.heat) this.heat.hidden = true;
  }

  async #where(concept, button) {
    const on = button.getAttribute("aria-pressed") === "true", word = this.service.name(concept);
    for (const each of this.body.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", "false");
    const turn = (this.turn = {}); // a later choice overtakes this one
    this.heat.hidden = true;
    if (on) return void (this.note.textContent = "Choose a tag to see where it is.");
    button.setAttribute("aria-pressed", "true");
    this.note.textContent = `Looking where ${word} is. This takes some seconds…`;
    try {
      this.maps ??= new Map();
      const found = this.maps.get(concept.id) ?? (await api.heat(this.model.name, this.file, concept.id));
      this.maps.set(concept.id, found);
      if (this.turn !== turn) return;
      const { largest } = found;
      paintHeat(this.heat, found);
      this.heat.setAttribute("aria-label", `Where ${word} is`);
      this.heat.hidden = largest <= 0;
      this.note.textContent = largest > 0
        ? `Red: hidden there, ${word} loses up to ${Math.round(100 * largest)} points of its probability.`
        : `No single place speaks for ${word}.`;
    } catch (failure) {
      if (!(failure instanceof api.Failure)) throw failure;
      if (this.turn !== turn) return;
      button.setAttribute("aria-pressed", "false");
      this.note.textContent = failure.message;
    }
    this.service.say(this.note.textContent);
  }

  close() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.root.remove();
  }
}
