// What a page does besides being read. Without it everything is there, too: fields can be selected,
// and the search form asks the server.
"use strict";

// No letter case, no accents: as the server folds a name (feeds/web/menu.py).
const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");

const say = (element, text) => {
  const status = element.closest("section, main").querySelector("[role=status]")
    ?? document.querySelector("[role=status]");
  if (status) status.textContent = text;
};

const copy = async (button) => {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Browsers keep the clipboard from pages without https: there the old way still works.
    field.select();
    document.execCommand("copy");
  }
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 2000);
  say(button, "Copied. Now paste it into your reader, or wherever you want it.");
};

const offerCopies = (root) => {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
    const field = document.getElementById(button.dataset.copy);
    field.addEventListener("focus", () => field.select());
  }
};

// Shows an entry when it, or one inside it, has all words in its name; says how many have.
const filter = (list, words) => {
  let found = 0;
  for (const entry of list.children) {
    const inside = entry.querySelector(":scope > ul");
    const below = inside ? filter(inside, words) : 0;
    const name = fold(entry.firstElementChild.textContent);
    const own = words.every((word) => name.includes(word)) ? 1 : 0;
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
    const said = found === 1 ? "1 feed" : `${found} feeds`;
    find.querySelector("[role=status]").textContent = words.length ? said : "";
  };
  field.addEventListener("input", apply);
  // A page that comes back from the history comes back with what was typed.
  window.addEventListener("pageshow", () => field.value && apply());
};

// A picture that does not come leaves no hole.
const leaveOut = (picture) => {
  picture.closest("article")?.classList.remove("pictured");
  picture.closest(".picture").remove();
};

document.addEventListener("error", (event) => {
  if (event.target.matches?.(".picture img")) leaveOut(event.target);
}, true);
for (const picture of document.querySelectorAll(".picture img")) {
  if (picture.complete && picture.naturalWidth === 0) leaveOut(picture);
}

offerCopies(document);
if (!new URLSearchParams(location.search).has("q")) {
  document.querySelectorAll(".find").forEach(offerFiltering);
}
