// One recording and its answer: the words, at their times over the sound.

import * as api from "./api.js";
import { Result } from "./result.js";
import { node, percent } from "./tags.js";

const SECOND = 110; // pixels, at least: words are short
const HIGH = 84; // pixels of the wave
const WORDS = 1000; // that are asked for, and more than anybody says in ten minutes of answers

export class Sound extends Result {
  constructor(source, service) {
    super(source, service, "Listening…");
    this.root.classList.add("sound");
    this.track = node("div", "wave");
    this.canvas = node("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.lane = node("ol", "spoken");
    this.lane.setAttribute("aria-label", "Words");
    this.track.append(this.canvas, this.lane);
    this.player = node("audio");
    this.player.controls = true;
    this.player.preload = "metadata";
    this.player.src = this.url;
    this.player.addEventListener("error", () => (this.player.hidden = true));
    this.player.addEventListener("timeupdate", () => this.#follow());
    const view = node("div", "reel");
    view.append(this.track);
    this.frame.append(view, this.player);
    this.heard = this.#listen();
  }

  refuse(words) {
    this.frame.hidden = true;
    super.refuse(words);
  }

  answer() {
    return api.tagsOf(this.service.model.name, this.file, { max_concepts: WORDS }, "recording");
  }

  spoken() {
    return this.data.text.raw || "no words";
  }

  show() {
    if (!this.data) return;
    const { text, regions } = this.data, words = text.raw;
    const head = node("h3", words ? "verdict" : "verdict none", words || "No words");
    this.fill(head, node("p", "quiet", words ? "Choose a word to hear it." : "Nothing that was heard is like a word the model knows."));
    this.words = regions.map(({ time_segment: { begin, end }, data: { concepts: [{ name, value }] } }) => ({ begin, end, name, value }));
    this.heard.then(() => this.#draw());
  }

  /** Decodes the sound for the wave; the browser may not know the format, and then there is none. */
  async #listen() {
    try {
      const context = new OfflineAudioContext(1, 1, 16000);
      this.buffer = await context.decodeAudioData(await this.file.arrayBuffer());
    } catch {
      this.buffer = null;
      this.canvas.hidden = true;
    }
  }

  #draw() {
    const last = Math.max(0.1, ...this.words.map(({ end }) => end));
    this.seconds = Math.max(last, this.buffer?.duration ?? 0);
    this.track.style.setProperty("--seconds", this.seconds);
    this.track.style.minWidth = `${Math.round(SECOND * this.seconds)}px`;
    if (this.buffer) this.#wave();
    this.lane.replaceChildren(...this.words.map((word) => this.#word(word)));
  }

  #wave() {
    const samples = this.buffer.getChannelData(0), width = Math.min(8000, Math.max(600, Math.round(SECOND * this.seconds)));
    Object.assign(this.canvas, { width, height: HIGH });
    const context = this.canvas.getContext("2d"), each = samples.length / width;
    context.fillStyle = getComputedStyle(this.canvas).color;
    let loudest = 1e-4;
    for (const value of samples) loudest = Math.max(loudest, Math.abs(value));
    for (let x = 0; x < width; x++) {
      let peak = 0;
      for (let k = Math.floor(x * each); k < (x + 1) * each && k < samples.length; k++) peak = Math.max(peak, Math.abs(samples[k]));
      const tall = Math.max(1, (HIGH * peak) / loudest);
      context.fillRect(x, (HIGH - tall) / 2, 1, tall);
    }
  }

  #word({ begin, end, name, value }) {
    const item = node("li"), word = node("button", "", name);
    word.type = "button";
    word.title = `${name}: ${begin.toFixed(2)} to ${end.toFixed(2)} s, ${percent(value)}`;
    item.style.setProperty("--begin", begin / this.seconds);
    item.style.setProperty("--wide", (end - begin) / this.seconds);
    word.addEventListener("click", () => {
      this.until = end;
      this.player.currentTime = begin;
      this.player.play();
    });
    item.append(word);
    return item;
  }

  /** Marks the word that is heard; one that was chosen ends where it ends. */
  #follow() {
    const now = this.player.currentTime;
    if (this.until && now >= this.until) {
      this.until = 0;
      this.player.pause();
    }
    [...this.lane.children].forEach((item, k) => item.classList.toggle("now", this.words[k].begin <= now && now < this.words[k].end));
  }
}
