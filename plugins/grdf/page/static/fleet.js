// Fills in what became of this morning's runs. Airflow counts them in its database and returns one run at most for each
// state, however many there are. What a run has read or not is said by its last task: a skipped run counts as a success.
// The requests use the visitor's own session, so only runs that the visitor may see count.
"use strict";
(() => {
  const cells = [...document.querySelectorAll("[data-count]")];
  if (!cells.length) {
    return;
  }
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang);
  const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris", hourCycle: "h23" });
  const said = document.querySelector("[data-said]");

  const count = async (address) => {
    const answer = await fetch(address);
    const total = answer.ok ? (await answer.json()).total_entries : undefined;
    if (!Number.isInteger(total)) {
      throw new Error(String(answer.status));
    }
    return total;
  };

  const show = async (cell) => {
    const total = await count(cell.dataset.count);
    cell.textContent = number.format(total);
    const link = cell.parentElement.querySelector("a");
    if (link) {
      link.hidden = !total;
    }
    return total;
  };

  const fill = async () => {
    const found = await Promise.allSettled(cells.map(show));
    for (const [at, result] of found.entries()) {
      if (result.status === "rejected") {
        cells[at].textContent = cells[at].closest("dl").dataset.failed;
      }
    }
    if (found.some((result) => result.status === "rejected")) {
      return;
    }
    said.textContent = said.dataset.said.replace("{time}", clock.format(new Date()));
  };

  fill();
})();
