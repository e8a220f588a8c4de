// One text and its answer: the classes it may be of.

import * as api from "./api.js";
import { Result } from "./result.js";
import { node, showTags, spoken, verdict } from "./tags.js";

const CONCEPTS = 10; // classes that are asked for
const TITLE = 60; // characters of a text that name it

export class Text extends Result {
  /** `source` is a File, or the text itself. */
  constructor(source, service) {
    super(source, service, "Reading…");
    if (!this.file && source.length > TITLE) this.title = `${source.slice(0, TITLE)}…`;
    this.root.classList.add("written");
    if (!this.file) this.frame.append(node("blockquote", "", source));
    else this.frame.hidden = true;
  }

  answer() {
    const { model, language } = this.service, settings = { max_concepts: CONCEPTS, language };
    if (this.file) return api.tagsOf(model.name, this.file, settings, "text");
    return api.tagsOfText(model.name, this.source, settings);
  }

  spoken() {
    if (this.data.image) return "done";
    return spoken(this.data, this.service.name);
  }

  /** Shows the answer in the language of the moment. */
  show() {
    if (!this.data) return;
    if (this.data.image) return this.made(this.data.image);
    const { name } = this.service, tags = node("div");
    this.fill(node("h3", this.data.known ? "verdict" : "verdict none", verdict(this.data, name)), tags);
    if (!this.data.known) tags.before(node("p", "quiet", "The model is not sure of any class. Nearest to it:"));
    showTags(tags, this.data, name);
  }
}
