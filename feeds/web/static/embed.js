// Shows what is chosen as soon as it is chosen. Without it, the button does the same.
"use strict";

const form = document.getElementById("choose");
let latest = 0;

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
  document.querySelector("[role=status]").textContent = `Showing ${result.dataset.name}`;
};

form.querySelector("button").hidden = true;
form.addEventListener("change", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
