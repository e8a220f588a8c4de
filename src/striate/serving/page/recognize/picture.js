// One picture and its answer: tags of the whole, or objects with their places.

import * as api from "./api.js";
import { paintHeat } from "./heat.js";
import { Objects, counted, sure } from "./regions.js";
import { Result } from "./result.js";
import { node, showTags, spoken, verdict } from "./tags.js";

const CONCEPTS = 10; // tags that are shown
const ENTRIES = 100; // that are asked for: objects may be many
const INVITATION = "Choose a tag to see where it is.";

export class Picture extends Result {
  constructor(source, service) {
    super(source, service, "Looking…");
    this.maps = new Map(); // explanations by class
    if (this.file) this.#picture();
    else this.frame.append(node("p", "quiet away", "Pictures from elsewhere are not shown here."));
  }

  #picture() {
    const image = node("img"), sheet = node("div", "sheet");
    image.src = this.url;
    image.alt = "";
    image.addEventListener("error", () => {
      sheet.remove();
      this.frame.hidden = true;
    });
    image.addEventListener("load", () => sheet.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight));
    this.sheet = sheet;
    this.heat = node("canvas", "heat");
    this.heat.hidden = true;
    this.heat.setAttribute("role", "img");
    sheet.append(image, this.heat);
    this.frame.append(sheet);
  }

  answer() {
    const { model, language } = this.service, settings = { max_concepts: ENTRIES, language };
    if (this.file) return api.tagsOf(model.name, this.file, settings);
    return api.tagsOfLink(model.name, this.source, "image", settings);
  }

  spoken() {
    if (this.data.image) return "done";
    return this.data.text ? this.data.text.raw || "no words" : spoken(this.data, this.service.name);
  }

  /** Shows the answer in the language of the moment. */
  show() {
    if (!this.data) return;
    if (this.data.image) return this.made(this.data.image);
    if (this.data.regions) return this.#objects(this.data.regions);
    if (this.data.text) return this.fill(node("h3", "verdict", this.spoken()));
    const { name } = this.service, tags = node("div");
    const head = node("h3", this.data.known ? "verdict" : "verdict none", verdict(this.data, name));
    this.fill(head);
    const nothing = this.data.tags ? "No class is above its threshold. Nearest to that:" : "The model knows nothing like it. Nearest to it:";
    if (!this.data.known) this.body.append(node("p", "quiet", nothing));
    this.body.append(tags);
    const where = this.file && this.model.explains ? (concept, button) => this.#where(concept, button) : null;
    showTags(tags, { ...this.data, concepts: this.data.concepts.slice(0, CONCEPTS) }, name, where);
    this.note = node("p", "quiet note", where ? INVITATION : "");
    this.body.append(this.note);
    if (this.heat) this.heat.hidden = true;
  }

  /** Shows where objects are. */
  #objects(regions) {
    const { name } = this.service, objects = new Objects(regions, name, this.model.classes);
    this.root.classList.add("placed");
    const words = counted(sure(regions), name);
    this.fill(node("h3", sure(regions).length ? "verdict" : "verdict none", words), objects.body);
    if (regions.length && !sure(regions).length) objects.body.prepend(node("p", "quiet", "Nothing that is surer than not. What it may be:"));
    this.objects?.boxes.remove();
    this.sheet?.append(objects.boxes);
    this.objects = objects;
  }

  async #where(concept, button) {
    const on = button.getAttribute("aria-pressed") === "true", word = this.service.name(concept);
    for (const each of this.body.querySelectorAll("[aria-pressed]")) each.setAttribute("aria-pressed", "false");
    const turn = (this.turn = {}); // a later choice overtakes this one
    this.heat.hidden = true;
    if (on) return void (this.note.textContent = INVITATION);
    button.setAttribute("aria-pressed", "true");
    this.note.textContent = `Looking where ${word} is. This takes some seconds…`;
    try {
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
}
