// Looks again how far the household is, without a reload, until nothing changes any more.
"use strict";
const EVERY = 10_000;
const shown = document.getElementById("progress");

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("progress");
    if (now && now.innerHTML !== shown.innerHTML) { // else a screen reader says it again
      shown.replaceChildren(...now.childNodes);
      document.title = page.title;
    }
  } catch {
    // The server or the network is away: the next look may find it.
  }
  follow();
}

function follow() {
  document.getElementById("actions")?.toggleAttribute("hidden", shown.querySelector("[data-looks]") === null);
  if (document.getElementById("follows")) {
    setTimeout(look, EVERY);
  }
}

follow();
