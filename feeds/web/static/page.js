// Copy buttons, the filter of the list of feeds, and images that fail to load. Every page works
// without this script: fields can be selected, and the server answers the search form.
"use strict";

// Removes letter case and accents, as the server does (feeds/web/menu.py).
const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

// A word and its other number in English (ferry, ferries), as in feeds/web/menu.py.
const forms = (word) => [word, word.replace(/ies$/, "y"), word.replace(/y$/, "ies")];

const announce = (element, text) => {
  const status = element.closest("section, main").querySelector("[role=status]")
    ?? document.querySelector("[role=status]");
  if (status) status.textContent = text;
};

const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Browsers deny the clipboard to pages without https; execCommand still works there.
    field.select();
    document.execCommand("copy");
  }
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 2000);
  announce(button, "Copied. Paste it into your reader or your site.");
};

const offerCopies = (root) => {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
    const field = document.getElementById(button.dataset.copy);
    field.addEventListener("focus", () => field.select());
  }
};

// Shows the entries that match all words, and their parents; returns the number of matches.
const filter = (list, words) => {
  let found = 0;
  for (const entry of list.children) {
    const inside = entry.querySelector(":scope > ul");
    const below = inside ? filter(inside, words) : 0;
    const text = fold(`${entry.firstElementChild.textContent} ${entry.dataset.terms ?? ""}`);
    const own = words.every((word) => forms(word).some((form) => text.includes(form))) ? 1 : 0;
    entry.hidden = own + below === 0;
    found += own + below;
  }
  return found;
};

const offerFiltering = (find) => {
  const field = find.querySelector("input[type=search]");
  const sections = [...find.querySelectorAll("section.index")];
  const apply = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const section of sections) {
      const here = filter(section.querySelector("ul"), words);
      section.hidden = here === 0;
      found += here;
    }
    const count = found === 1 ? "1 feed" : `${found} feeds`;
    find.querySelector("[role=status]").textContent = words.length ? count : "";
  };
  field.addEventListener("input", apply);
  // The browser restores the typed text on a page that it takes from its history.
  window.addEventListener("pageshow", () => field.value && apply());
};

// Remove an image that failed to load, with the space that it takes.
const removePicture = (picture) => {
  picture.closest("article")?.classList.remove("pictured");
  picture.closest(".picture").remove();
};

document.addEventListener("error", (event) => {
  if (event.target.matches?.(".picture img")) removePicture(event.target);
}, true);
for (const picture of document.querySelectorAll(".picture img")) {
  if (picture.complete && picture.naturalWidth === 0) removePicture(picture);
}

offerCopies(document);
if (!new URLSearchParams(location.search).has("q")) {
  document.querySelectorAll(".find").forEach(offerFiltering);
}
