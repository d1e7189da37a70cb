// Updates the preview on every change of the form. Without this script, the button does the same.
"use strict";

const form = document.getElementById("choose");
let latest = 0;

// An export ignores queries: it answers every choice with the page of all articles.
const report = (result, chosen) => {
  const { feed, name } = result.dataset;
  const status = document.querySelector("[role=status]");
  const text = feed === chosen ? status.dataset.shown : status.dataset.missing;
  status.textContent = text.replace("{feed}", () => name);
};

const show = async () => {
  const request = ++latest;
  const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
  const response = await fetch(address);
  if (!response.ok) {
    form.submit();
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (request !== latest) return;
  const result = document.importNode(page.getElementById("result"), true);
  document.getElementById("result").replaceWith(result);
  history.replaceState(null, "", address);
  offerCopies(result);
  report(result, form.elements.feed.value);
};

const chosen = new URLSearchParams(location.search).get("feed");
const first = document.getElementById("result");
if (chosen !== null && chosen !== first.dataset.feed) report(first, chosen);

form.querySelector("button").hidden = true;
form.addEventListener("change", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
