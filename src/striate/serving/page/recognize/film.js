// One video: a line of time with a thumbnail and a tag for each moment, and a lane for each tag.

import * as api from "./api.js";
import { byClass, outline } from "./regions.js";
import { Result } from "./result.js";
import { node, percent, said, spoken, verdict } from "./tags.js";

const MOMENTS = 60; // of a video that are looked at, about
const LANES = 5; // tags that have a lane
const ENTRIES = 20; // of a moment that are asked for: objects may be many
const HIGH = 90; // pixels of a thumbnail

export class Film extends Result {
  constructor(source, service) {
    super(source, service, "Watching. A long video takes a while…");
    this.root.classList.add("film");
    this.frame.hidden = !this.file;
    this.ready = this.file ? this.#player() : Promise.resolve(false);
  }

  /** Whether the browser can play it; then the thumbnails are its own. */
  #player() {
    this.video = node("video");
    Object.assign(this.video, { controls: true, muted: true, playsInline: true, preload: "auto" });
    this.video.setAttribute("aria-label", this.title);
    this.video.src = this.url;
    this.frame.append(this.video);
    return new Promise((done) => {
      this.video.addEventListener("loadeddata", () => done(true), { once: true });
      this.video.addEventListener("error", () => {
        this.frame.hidden = true;
        done(false);
      }, { once: true });
    });
  }

  async answer() {
    this.plays = await this.ready;
    const { model, language } = this.service, { duration } = this.plays ? this.video : { duration: NaN };
    const apart = Number.isFinite(duration) ? Math.round((1000 * duration) / MOMENTS / 100) * 100 : 1000;
    const sample = Math.min(60_000, Math.max(500, apart)); // milliseconds
    const settings = { max_concepts: ENTRIES, language, sample_ms: sample, thumbnails: !this.plays };
    if (this.file) return api.tagsOf(model.name, this.file, settings);
    return api.tagsOfLink(model.name, this.source, "video", settings);
  }

  spoken() {
    const { frames } = this.data, first = frames.length ? spoken(frames[0].data, this.service.name) : "nothing";
    return `${frames.length} moments, at first ${first}`;
  }

  /** Shows the answer in the language of the moment. */
  show() {
    if (!this.data) return;
    const { frames } = this.data, { name } = this.service;
    const strip = node("ol", "strip"), drawn = [];
    strip.setAttribute("aria-label", "Moments");
    for (const { frame_info: { time }, data, thumbnail } of frames) {
      const item = node("li"), button = node("button", "moment"), picture = node(this.plays && !data.image ? "canvas" : "img");
      const word = data.image ? "" : verdict(data, name), share = data.known && data.concepts?.length && !data.tags ? percent(data.concepts[0].value) : "";
      button.type = "button";
      button.disabled = !this.plays;
      button.setAttribute("aria-label", `${clock(time)}, ${spoken(data, name)}`);
      button.addEventListener("click", () => (this.video.currentTime = time / 1000));
      if (data.image) Object.assign(picture, { src: `data:image/png;base64,${data.image.base64}`, alt: "" });
      else if (this.plays) drawn.push([picture, time, data.regions ?? []]);
      else Object.assign(picture, { src: thumbnail ?? "", alt: "" });
      button.append(picture, node("span", "time", clock(time)), node("span", "word", word), node("span", "share", share));
      item.append(button);
      strip.append(item);
    }
    this.fill(this.#lanes(frames, name), strip);
    this.#draw(drawn);
  }

  /** The tags that are most sure anywhere, each with its probability over time. */
  #lanes(frames, name) {
    const best = new Map();
    frames.forEach(({ data }, k) => {
      const objects = byClass(data.regions ?? []).map(([concept, , value]) => [concept, value]);
      const shown = data.tags ? said(data) : data.known ? data.concepts : [];
      const tags = shown.map((concept) => [concept, concept.value]);
      for (const [concept, value] of [...objects, ...tags]) {
        const lane = best.get(concept.id) ?? { concept, most: 0, values: new Array(frames.length).fill(0) };
        lane.values[k] = value;
        lane.most = Math.max(lane.most, value);
        best.set(concept.id, lane);
      }
    });
    const table = node("ul", "lanes");
    table.setAttribute("aria-label", "Tags over time");
    for (const { concept, most, values } of [...best.values()].sort((a, b) => b.most - a.most).slice(0, LANES)) {
      const lane = node("li"), bars = node("span", "bars");
      for (const value of values) {
        const bar = node("span");
        bar.style.setProperty("--share", value);
        bars.append(bar);
      }
      lane.append(node("span", "word", name(concept)), bars, node("span", "share", `up to ${percent(most)}`));
      table.append(lane);
    }
    if (best.size || frames[0]?.data.image) return table;
    return node("h3", "verdict none", frames[0]?.data.regions ? "Nothing found" : "None of these");
  }

  /** Draws thumbnails from the local file, one after the other, with a player of their own. */
  async #draw(places) {
    const turn = (this.turn = {});
    if (!places.length) return;
    const player = node("video");
    Object.assign(player, { muted: true, preload: "auto", src: this.url });
    const loaded = new Promise((done) => player.addEventListener("loadeddata", done, { once: true }));
    await loaded;
    for (const [canvas, time, regions] of places) {
      if (this.turn !== turn) break;
      const there = new Promise((done) => player.addEventListener("seeked", done, { once: true }));
      player.currentTime = Math.min(time / 1000 + 0.001, Math.max(0, player.duration - 0.01));
      await there;
      canvas.height = HIGH;
      canvas.width = Math.round((HIGH * player.videoWidth) / player.videoHeight);
      const context = canvas.getContext("2d");
      context.drawImage(player, 0, 0, canvas.width, canvas.height);
      outline(context, regions, this.model.classes);
    }
    player.removeAttribute("src");
    player.load();
  }

  close() {
    this.turn = null;
    super.close();
  }
}

/** Milliseconds as 1:05, or 1:05.5 where it is not a whole second. */
function clock(milliseconds) {
  const tenths = Math.round(milliseconds / 100), seconds = Math.floor(tenths / 10);
  const rest = tenths % 10 ? `.${tenths % 10}` : "";
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}${rest}`;
}
