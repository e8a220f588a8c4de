// Tags with their probabilities, as bars; an answer in words; and how numbers are written.

import { counted, sure } from "./regions.js";

const FEW = 5; // tags that are shown before one asks for more

export const percent = (value) => `${(100 * value).toFixed(value >= 0.9995 || value < 0.0005 ? 0 : 1)} %`;

/** The concepts that are said of a picture: the first, or all that are there where `tags` says which. */
export function said({ known, concepts, tags }) {
  if (tags) return concepts.filter(({ id }) => tags.includes(id));
  return known ? concepts.slice(0, 1) : [];
}

/** What is said; "None of these" where that is nothing; objects by class. */
export function verdict(data, name) {
  if (data.regions) return counted(sure(data.regions), name);
  return said(data).map(name).join(", ") || "None of these";
}

/** In words, for those who listen. */
export function spoken(data, name) {
  if (data.regions) return verdict(data, name);
  const words = said(data).map((concept) => `${name(concept)}, ${Math.round(100 * concept.value)} percent`);
  return words.join("; ") || "none of these";
}

/** Fills `place` with the tags; with `why(concept, button)` each is a button that asks where. */
export function showTags(place, { known, concepts, tags }, name, why = null) {
  const list = node("ol", "tags"), few = Math.max(FEW, tags?.length ?? 0);
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
    row.classList.toggle("unsure", Boolean(tags) && !tags.includes(concept.id));
    item.hidden = k >= few;
    item.append(row);
    list.append(item);
  });
  place.replaceChildren(list);
  if (concepts.length <= few) return;
  const more = node("button", "more", `Show ${concepts.length - few} more`);
  more.type = "button";
  more.addEventListener("click", () => {
    const rest = [...list.children].slice(few);
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
