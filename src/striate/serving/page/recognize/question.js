// A question about one picture, and its answer.

import * as api from "./api.js";
import { paintHeat } from "./heat.js";
import { Result } from "./result.js";
import { node, percent, showTags } from "./tags.js";

const ANSWERS = 5; // that are shown

export class Question extends Result {
  constructor(file, question, service) {
    super(file, service, "Looking…");
    this.question = question;
    this.title = `${file.name}: ${question}`;
    const image = Object.assign(node("img"), { src: this.url, alt: "" }), sheet = node("div", "sheet");
    image.addEventListener("load", () => sheet.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight));
    this.heat = Object.assign(node("canvas", "heat"), { hidden: true });
    this.heat.setAttribute("role", "img");
    sheet.append(image, this.heat);
    this.frame.append(sheet);
  }

  answer() {
    return api.tagsOf(this.service.model.name, this.file, { question: this.question, max_concepts: ANSWERS });
  }

  spoken() {
    return this.data.text.raw;
  }

  show() {
    if (!this.data) return;
    const { text, concepts, looked, unknown_words: unknown } = this.data, tags = node("div");
    const notes = [];
    if (!looked) notes.push("This model did not look at the picture.");
    if (unknown.length) notes.push(`It does not know: ${unknown.join(", ")}.`);
    if (looked && this.model.explains) notes.push("Choose an answer to see where it comes from.");
    const why = looked && this.model.explains ? (concept, button) => this.#where(concept, button) : null;
    showTags(tags, { known: true, concepts }, ({ name }) => name, why);
    this.note = node("p", "quiet", notes.join(" "));
    this.fill(node("h3", "verdict", text.raw), tags, this.note);
  }

  async #where(concept, button) {
    const shown = button.getAttribute("aria-pressed") === "true";
    for (const other of this.body.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", "false");
    this.heat.hidden = true;
    if (shown) return;
    button.setAttribute("aria-pressed", "true");
    this.note.textContent = "Looking where that comes from…";
    try {
      const found = await api.heat(this.model.name, this.file, concept.id, this.question);
      if (button.getAttribute("aria-pressed") !== "true") return;
      paintHeat(this.heat, found);
      this.heat.setAttribute("aria-label", `What speaks for ${concept.name}`);
      this.heat.hidden = false;
      this.note.textContent = found.largest > 0 ? `Hiding the darkest place takes away ${percent(found.largest)}.` : "No place speaks for it.";
    } catch (failure) {
      if (!(failure instanceof api.Failure)) throw failure;
      this.note.textContent = failure.message;
    }
  }
}
