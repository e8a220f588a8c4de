// Tags with their probabilities, as bars; an answer in words; and how numbers are written.

import { counted, sure } from "./regions.js";

const FEW = 5; // tags that are shown before one asks for more

export const percent = (value) => `${(100 * value).toFixed(value >= 0.9995 || value < 0.0005 ? 0 : 1)} %`;

/** The tag that is said first; "None of these" where the model knows none; objects by class. */
export function verdict({ known, concepts, regions }, name) {
  if (regions) return counted(sure(regions), name);
  return known && concepts.length ? name(concepts[0]) : "None of these";
}

/** In words, for those who listen. */
export function spoken(data, name) {
  if (data.regions) return verdict(data, name);
  if (!data.known || !data.concepts.length) return "none of these";
  return `${name(data.concepts[0])}, ${Math.round(100 * data.concepts[0].value)} percent`;
}

/** Fills `place` with the tags; with `why(concept, button)` each is a button that asks where. */
export function showTags(place, { known, concepts }, name, why = null) {
  const list = node("ol", "tags");
  list.classList.toggle("unsure", !known);
  concepts.forEach((concept, k) => {
    const item = node("li"), row = node(why ? "button" : "div", "tag");
    const word = node("span", "word", name(concept)), bar = node("span", "track"), share = node("span", "share", percent(concept.value));
    bar.style.setProperty("--share", concept.value);
    row.append(word, share, bar);
    if (why) {
      row.type = "button";
      row.title = `Where is ${name(concept)}?`;
      row.setAttribute("aria-pressed", "false");
      row.addEventListener("click", () => why(concept, row));
    }
    item.hidden = k >= FEW;
    item.append(row);
    list.append(item);
  });
  place.replaceChildren(list);
  if (concepts.length <= FEW) return;
  const more = node("button", "more", `Show ${concepts.length - FEW} more`);
  more.type = "button";
  more.addEventListener("click", () => {
    const rest = [...list.children].slice(FEW);
    for (const item of rest) item.hidden = false;
    rest[0].querySelector("button")?.focus();
    more.remove();
  });
  place.append(more);
}

/** An element with a class and a text; texts are never read as HTML. */
export function node(kind, className = "", text = "") {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
