// The service's interface as functions; what goes wrong becomes a Failure that says so in words.

const PLACE = "striate.key"; // of the key in this tab's storage
const AGAIN = 4; // times a busy service is asked again
const PATIENCE = 10; // seconds, at most, that one waits before

export class Failure extends Error {
  constructor(words, { http = 0 } = {}) {
    super(words);
    this.http = http;
  }
}

export const hasKey = () => sessionStorage.getItem(PLACE) !== null;
export const forgetKey = () => sessionStorage.removeItem(PLACE);
export const keepKey = (key) => sessionStorage.setItem(PLACE, key);

/** What the service has: models, links, videos, limits. */
export const listing = () => call("/v2/models");

/** Class names in a language; "" for the model's own. */
export async function names(model, language) {
  return (await call(path(model, "names", { language }))).names;
}

/** `{known, concepts}` or `{regions}` of a picture, `{frames}` of a video. */
export async function tagsOf(model, file, settings, noun = "picture") {
  const body = new FormData();
  body.append("file", file, file.name);
  return output(await call(path(model, "upload", settings), { method: "POST", body }), noun);
}

/** `{match}` of two pictures. */
export async function matchOf(model, files) {
  const body = new FormData();
  for (const file of files) body.append("file", file, file.name);
  return output(await call(path(model, "upload"), { method: "POST", body }), "pictures");
}

/** The same of what lies behind a link; `kind` is image or video. */
export async function tagsOfLink(model, url, kind, { language, ...settings }) {
  const config = { ...settings, ...(language && { language }) };
  const body = JSON.stringify({ inputs: [{ data: { [kind]: { url } } }], model: { output_info: { output_config: config } } });
  const headers = { "Content-Type": "application/json" };
  return output(await call(path(model, "outputs"), { method: "POST", body, headers }));
}

/** The same of a text. */
export async function tagsOfText(model, raw, { language, ...settings }) {
  const config = { ...settings, ...(language && { language }) };
  const body = JSON.stringify({ inputs: [{ data: { text: { raw } } }], model: { output_info: { output_config: config } } });
  const headers = { "Content-Type": "application/json" };
  return output(await call(path(model, "outputs"), { method: "POST", body, headers }), "text");
}

/** Which part of a picture speaks for a class: `{map, box, largest, ...}`. */
export function heat(model, file, kind, question) {
  const body = new FormData();
  body.append("file", file, file.name);
  return call(path(model, "explain", { class: kind, question }), { method: "POST", body });
}

function path(model, what, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given).toString();
  return `/v2/models/${encodeURIComponent(model)}/${what}${search && `?${search}`}`;
}

async function call(url, options = {}) {
  const key = sessionStorage.getItem(PLACE);
  const headers = { ...options.headers, ...(key && { Authorization: `Key ${key}` }) };
  for (let time = 1; ; time++) {
    let answer, body;
    try {
      answer = await fetch(url, { ...options, headers });
      body = await answer.json();
    } catch {
      throw new Failure("The service cannot be reached. Is it running?");
    }
    if (answer.ok || (answer.status === 422 && body.outputs)) return body;
    const busy = answer.status === 429 || answer.status === 503;
    if (!busy || time > AGAIN) throw new Failure(refusal(answer.status, body.status), { http: answer.status });
    await pause(Math.min(PATIENCE, Number(answer.headers.get("Retry-After")) || 1) * (1 + Math.random() / 2));
  }
}

const pause = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds));

/** The data of an answer; `noun` is what was given. */
function output({ outputs: [{ status, data }] }, noun = "picture") {
  if (status.code === 10000 || data.frames) return data; // a video may have been cut short
  const why = status.details ? ` (${status.details})` : "";
  throw new Failure((INPUTS[status.code]?.replace("*", noun) ?? status.description) + why);
}

const INPUTS = { // by the status of one output
  30101: "This * cannot be read", 31101: "This video cannot be read",
  30105: "This * is too large", 31105: "This video is too large or too long",
  30106: "This link is not one that the service may follow",
  30002: "There is no picture to be had behind this link", 31002: "There is no video to be had behind this link",
  98009: "There was no time left to answer; try again",
};

const CALLS = { // by the status of a call
  401: "This key is not valid here.",
  403: "The service does not answer this page.",
  408: "The file took too long on its way; try again.",
  413: "The file is larger than the service takes.",
  415: "The service does not know this type of file.",
  421: "The service answers under another name only; open it as localhost.",
  429: "The service has too much to do; try again in a moment.",
  503: "The service has too much to do; try again in a moment.",
  504: "There was no time left to answer; try again.",
};

function refusal(http, status) {
  if (CALLS[http]) return CALLS[http];
  const why = status?.details || status?.description;
  return `The service did not answer (${why || `HTTP ${http}`}).`;
}
