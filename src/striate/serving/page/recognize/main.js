// The page of the service: what is given, which model and language, and the results.

import * as api from "./api.js";
import { Film } from "./film.js";
import { offerMicrophone } from "./microphone.js";
import { Pair } from "./pair.js";
import { Picture } from "./picture.js";
import { Question } from "./question.js";
import { Sound } from "./sound.js";
import { Text } from "./text.js";
import { offerCamera } from "./webcam.js";

const AT_A_TIME = 4; // files on their way
const FILMS = /\.(mp4|m4v|mov|mkv|webm|avi)$/i;
const element = (id) => document.getElementById(id);

const results = [];
let pairs = {}, half = null; // of two pictures, the one that waits for the other
let about = []; // the pictures that questions are about
let pictures = {}, texts = {}, recordings = {}, questions = {};
let listing = null, words = {}, waiting = [], underway = 0, wired = false;

const service = {
  model: null,
  language: "",
  name: ({ id, name }) => words[id] ?? name,
  say,
  failed: ({ http }) => http === 401 && askForKey("This key is not valid any more."),
};

start();

async function start() {
  try {
    listing = await api.listing();
  } catch (failure) {
    if (!(failure instanceof api.Failure)) throw failure;
    if (failure.http === 401) return askForKey(api.hasKey() ? failure.message : "");
    element("down").textContent = failure.message;
    element("down").hidden = false;
    return;
  }
  element("key").hidden = true;
  element("service").hidden = false;
  if (!wired) wire();
  offer();
}

function askForKey(wrong) {
  api.forgetKey();
  element("service").hidden = true;
  element("key").hidden = false;
  element("key-wrong").textContent = wrong;
  element("key-field").focus();
}

element("key").addEventListener("submit", (event) => {
  event.preventDefault();
  api.keepKey(element("key-field").value.trim());
  element("key-field").value = "";
  start();
});

/** Asks for what the model reads. */
function ask() {
  const { thing, together } = service.model, asked = thing === "question", seen = thing === "image" || asked;
  half = null;
  about = [];
  const { title, accept, lead, limits } = together > 1 ? pairs : { text: texts, recording: recordings, question: questions }[thing] ?? pictures;
  element("title").textContent = title;
  element("write").hidden = thing !== "text";
  element("ask").hidden = !asked;
  element("link").hidden = !seen || asked || !listing.links || together > 1;
  element("webcam").classList.toggle("unused", !seen);
  element("microphone").classList.toggle("unused", thing !== "recording");
  element("files").accept = accept;
  element("lead").textContent = element("give-title").textContent = lead;
  element("limits").textContent = limits;
}

/** What this service offers, as choices. */
function offer() {
  const { models, videos, limits } = listing, megabytes = (bytes) => `${Math.floor(bytes / 1e6)} MB`;
  element("model").replaceChildren(...models.map(({ name }) => new Option(name, name)));
  element("models").hidden = models.length < 2;
  pictures = {
    title: "What is in the picture?",
    accept: videos ? "image/*,video/*,.mkv,.avi" : "image/*",
    lead: videos ? "Drop pictures or a video here" : "Drop pictures here",
    limits: `Pictures up to ${megabytes(limits.image_bytes)}` +
      (videos ? `, videos up to ${megabytes(limits.video_bytes + 1)} and ${Math.round(limits.video_seconds / 60)} minutes` : "") +
      ". You may also paste one.",
  };
  pairs = {
    title: "The same, or not?",
    accept: "image/*",
    lead: "Drop two pictures here",
    limits: `Two pictures, together or one after the other, up to ${megabytes(limits.image_bytes)} each.`,
  };
  recordings = {
    title: "What is said?",
    accept: "audio/*,.flac,.opus,.sph",
    lead: "Drop recordings here, or speak",
    limits: `Recordings (WAV, FLAC, Ogg, MP3) up to ${megabytes(limits.image_bytes)} and ten minutes.`,
  };
  questions = {
    title: "What would you like to know?",
    accept: "image/*",
    lead: "Drop a picture here and ask about it",
    limits: `Pictures up to ${megabytes(limits.image_bytes)}. A question is asked about all that were given together.`,
  };
  texts = { title: "What is the text?", accept: ".txt,text/plain", lead: "Write a text, or drop files", limits: `Files of text up to ${megabytes(limits.text_bytes)}.` };
  chooseModel();
}

function chooseModel() {
  service.model = listing.models.find(({ name }) => name === element("model").value);
  ask();
  const { classes, languages, none_of_these: refuses, explains, kinds, task, thing } = service.model;
  const called = (code) => new Intl.DisplayNames([code], { type: "language", fallback: "code" }).of(code);
  const kept = languages.includes(service.language) ? service.language : languages.find((code) => navigator.languages.includes(code)) ?? "";
  element("language").replaceChildren(new Option("the model's own words", ""), ...languages.map((code) => new Option(called(code), code)));
  element("language").value = kept;
  element("languages").hidden = !languages.length;
  const known = classes.length === 1 ? `one ${kinds[0]}, ${classes[0]}` : `${classes.length.toLocaleString("en")} ${kinds[1]}`;
  element("about").textContent = service.model.together > 1 ? `The model “${service.model.name}” finds ${task}.` : thing === "question" || (thing !== "recording" && !classes.length) ? `The model “${service.model.name}” finds ${task}.` : thing === "recording" ? `The model “${service.model.name}” finds the words of a recording, and when each is said.` : `The model “${service.model.name}” finds ${task}; it knows ${known}` +
    `${refuses ? `, and when a ${thing === "image" ? "picture" : thing} is none of them` : ""}.${explains ? " Choose a tag to see which part of the picture speaks for it." : ""}`;
  return chooseLanguage();
}

async function chooseLanguage() {
  service.language = element("language").value;
  document.getElementById("results").lang = service.language;
  try {
    words = service.language ? await api.names(service.model.name, service.language) : {};
    if (!service.language && results.length) words = await api.names(service.model.name, "");
  } catch (failure) {
    if (!(failure instanceof api.Failure)) throw failure;
    say(failure.message, true);
  }
  for (const each of results) each.show();
}

function wire() {
  wired = true;
  const drop = element("drop");
  element("model").addEventListener("change", chooseModel);
  element("language").addEventListener("change", chooseLanguage);
  element("forget").addEventListener("click", forget);
  element("files").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
  element("link").addEventListener("submit", (event) => {
    event.preventDefault();
    const url = element("link-field").value.trim();
    const film = FILMS.test(new URL(url).pathname);
    begin(film ? new Film(url, service) : new Picture(url, service), element("results").firstChild);
    element("link-field").value = "";
  });
  element("write").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = element("write-field").value.trim();
    if (text) begin(new Text(text, service), element("results").firstChild);
  });
  element("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    if (about.length) askAbout();
    else say("Give a picture to ask about.", true);
  });
  offerCamera((file) => take([file]), say);
  offerMicrophone((file) => take([file]), say);
}

/** Starts with every file; they stand in their order, before those that came earlier. */
function take(files) {
  if (service.model.thing === "question" && files.length) {
    about = files;
    return askAbout();
  }
  const newest = element("results").firstChild;
  for (const file of files) {
    if (service.model.thing === "text") {
      begin(new Text(file, service), newest, "text_bytes");
      continue;
    }
    if (service.model.thing === "recording") {
      begin(new Sound(file, service), newest, "image_bytes");
      continue;
    }
    if (service.model.together > 1) {
      if (half) begin(new Pair([half, file], service), newest, "image_bytes");
      half = half ? null : file;
      say(half ? `${half.name}: now the other picture` : "", true);
      continue;
    }
    const film = file.type.startsWith("video/") || FILMS.test(file.name);
    begin(film ? new Film(file, service) : new Picture(file, service), newest, film ? "video_bytes" : "image_bytes");
  }
}

/** The question, about each of the pictures; they wait where there is none yet. */
function askAbout() {
  const question = element("ask-field").value.trim(), newest = element("results").firstChild;
  if (!question) {
    say(about.length > 1 ? `${about.length} pictures: now the question` : `${about[0].name}: now the question`, true);
    return element("ask-field").focus();
  }
  say("", true);
  for (const file of about) begin(new Question(file, question, service), newest, "image_bytes");
}

function begin(result, before, limit) {
  results.push(result);
  element("results").insertBefore(result.root, before);
  element("forget").hidden = false;
  const most = listing.limits[limit];
  if (result.file && result.file.size > most) {
    return result.refuse(`This file has ${(result.file.size / 1e6).toFixed(1)} MB; the service takes ${Math.floor((most + 1) / 1e6)} MB.`);
  }
  waiting.push(result);
  return go();
}

async function go() {
  if (underway >= AT_A_TIME || !waiting.length) return;
  underway++;
  try {
    await waiting.shift().ask();
  } finally {
    underway--;
    go();
  }
}

function forget() {
  waiting = [];
  for (const each of results.splice(0)) each.close();
  element("forget").hidden = true;
  element("files").focus();
  say("All results are cleared");
}

/** Says it to who listens; `aloud` is for who looks as well. */
function say(text, aloud = false) {
  element("said").textContent = text;
  element("notice").textContent = aloud ? text : "";
}
