// Copy buttons, the filter of the list of feeds, and images that fail to load. Every page works
// without this script: fields can be selected, and the server answers the search form. All texts
// come from the page, in its language.
"use strict";

// Removes letter case and accents, as the server does (feeds/web/menu.py).
const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

// A word and its other number in English (ferry, ferries), as in feeds/web/menu.py.
const forms = (word) => [word, word.replace(/ies$/, "y"), word.replace(/y$/, "ies")];

const announceCopy = (button) => {
  const own = button.closest("section").querySelector("[data-copied]");
  const status = own ?? document.querySelector("[data-copied]");
  status.textContent = status.dataset.copied;
};

// The form of a text that fits a number, by the plural categories of the page's language.
const counted = (forms, number) => {
  const language = document.documentElement.lang;
  const form = forms[new Intl.PluralRules(language).select(number)] ?? forms.other;
  return form.replace("{num}", number.toLocaleString(language, { numberingSystem: "latn" }));
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
  announceCopy(button);
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
  const status = find.querySelector("[role=status]");
  const forms = JSON.parse(status.dataset.found);
  const apply = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const section of sections) {
      const here = filter(section.querySelector("ul"), words);
      section.hidden = here === 0;
      found += here;
    }
    status.textContent = words.length ? counted(forms, found) : "";
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
