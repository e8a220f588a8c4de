// Two pictures and what they have in common.

import * as api from "./api.js";
import { Result } from "./result.js";
import { node } from "./tags.js";

export class Pair extends Result {
  /** `files` are two. */
  constructor(files, service) {
    super(files[0], service, "Comparing…");
    this.files = files;
    this.title = files.map(({ name }) => name).join(" and ");
    this.urls = [this.url, URL.createObjectURL(files[1])];
    this.frame.classList.add("pair");
    this.frame.append(...this.urls.map((url, place) => Object.assign(node("img"), { src: url, alt: files[place].name })));
  }

  answer() {
    return api.matchOf(this.service.model.name, this.files);
  }

  spoken() {
    const { same, probability } = this.data.match;
    return `${same ? "The same" : "Not the same"}: ${Math.round(100 * probability)} percent that they are`;
  }

  show() {
    if (!this.data) return;
    const { same, probability } = this.data.match;
    const words = `${(100 * probability).toFixed(1)} % probable that both are the same.`;
    this.fill(node("h3", same ? "verdict" : "verdict none", same ? "The same" : "Not the same"), node("p", "quiet", words));
  }

  close() {
    URL.revokeObjectURL(this.urls[1]);
    super.close();
  }
}
