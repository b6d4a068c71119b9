// Starts DAG runs with the visitor's own session: Airflow checks the visitor's rights, records who started a run, and
// shows what becomes of it.
"use strict";
const section = document.getElementById("actions");

const conf = (form) =>
  Object.fromEntries(
    [...form.elements]
      .filter((field) => field.name)
      .map((field) => [field.name, field.type === "checkbox" ? field.checked : "list" in field.dataset ? [field.value] : field.value]),
  );

section?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const words = section.dataset;
  const dag = encodeURIComponent(form.dataset.dag);
  const outcome = section.querySelector(".outcome");
  const button = form.querySelector("button");
  button.disabled = true; // A double click must not start two runs.
  outcome.textContent = words.starting;
  try {
    const answer = await fetch(`${words.start}${dag}/dagRuns`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ logical_date: null, conf: conf(form) }),
    });
    const said = await answer.json();
    if (answer.ok) {
      const href = `${words.dags}${dag}/runs/${encodeURIComponent(said.dag_run_id)}`;
      outcome.replaceChildren(words.started, " ", Object.assign(document.createElement("a"), { href, target: "_top", textContent: said.dag_run_id }));
    } else { // a sentence, or a list of messages about single fields
      outcome.textContent = `${words.refused} ${typeof said.detail === "string" ? said.detail : said.detail.map((each) => each.msg).join("; ")}`;
    }
  } catch {
    outcome.textContent = words.unreachable;
  }
  button.disabled = false;
});
