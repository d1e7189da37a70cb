// Shows what is chosen as soon as it is chosen. Without it, the button does the same.
"use strict";

const form = document.getElementById("choose");
let latest = 0;

// Files on a web server know no queries: there every choice is answered with the whole.
const tell = (result, asked) => {
  const { feed, name } = result.dataset;
  document.querySelector("[role=status]").textContent = feed === asked
    ? `Showing ${name}`
    : `This is ${name}: the feed that was asked for cannot be shown here.`;
};

const show = async () => {
  const mine = ++latest;
  const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
  const answer = await fetch(address);
  if (!answer.ok) {
    form.submit();
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== latest) return;
  const result = document.importNode(page.getElementById("result"), true);
  document.getElementById("result").replaceWith(result);
  history.replaceState(null, "", address);
  offerCopies(result);
  tell(result, form.elements.feed.value);
};

const asked = new URLSearchParams(location.search).get("feed");
const first = document.getElementById("result");
if (asked !== null && asked !== first.dataset.feed) tell(first, asked);

form.querySelector("button").hidden = true;
form.addEventListener("change", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
