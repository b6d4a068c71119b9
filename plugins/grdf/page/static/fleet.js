// Fills in what became of this morning's runs. Airflow counts them in its database and returns one run at most for each
// state, however many there are. The requests use the visitor's own session, so only runs that the visitor may see count.
"use strict";
(() => {
  const list = document.querySelector("[data-runs]");
  if (!list) {
    return;
  }
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang);
  const clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris", hourCycle: "h23" });
  const said = document.querySelector("[data-said]");

  const count = async (state) => {
    const answer = await fetch(`${list.dataset.runs}&state=${state}`);
    const total = answer.ok ? (await answer.json()).total_entries : undefined;
    if (!Number.isInteger(total)) {
      throw new Error(String(answer.status));
    }
    return total;
  };

  const show = async (cell) => {
    const total = await count(cell.dataset.state);
    cell.textContent = number.format(total);
    const link = cell.parentElement.querySelector("a");
    if (link) {
      link.hidden = !total;
    }
    return total;
  };

  const fill = async () => {
    const cells = [...list.querySelectorAll("[data-state]")];
    const found = await Promise.allSettled(cells.map(show));
    for (const [at, result] of found.entries()) {
      if (result.status === "rejected") {
        cells[at].textContent = list.dataset.failed;
      }
    }
    if (found.some((result) => result.status === "rejected")) {
      return;
    }
    said.textContent = said.dataset.said.replace("{time}", clock.format(new Date()));
  };

  fill();
})();
