// Asks how far the household is, and shows it without a reload, until nothing changes any more.
"use strict";
const EVERY = 10_000;
const shown = document.getElementById("progress");

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) {
      show(await answer.json());
    }
  } catch {
    // The server or the network is away: the next look may find it.
  }
  follow();
}

function show(told) {
  shown.dataset.state = told.state;
  document.title = told.title;
  put(shown.querySelector("h1"), told.title);
  for (const part of shown.querySelectorAll("[data-part]")) {
    put(part, told[part.dataset.part]);
  }
  const again = document.getElementById("again");
  again.hidden = !told.form;
  again.href = told.form;
  if (told.over) {
    shown.dataset.over = "";
    document.getElementById("follows").hidden = true;
  }
}

function put(element, text) {
  if (element.textContent !== text) { // else a screen reader says it again
    element.textContent = text;
  }
}

function follow() {
  if (!("over" in shown.dataset)) {
    setTimeout(look, EVERY);
  }
}

follow();
