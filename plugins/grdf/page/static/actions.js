// Starts DAG runs with the visitor's own session: Airflow checks the visitor's rights, records who started a run, and
// shows what becomes of it. What a task has found is shown here, and that a deletion waits for its approval: Airflow
// alone knows that.
"use strict";
(() => {
  const section = document.getElementById("actions");
  const waits = document.querySelector("[data-waits]");
  const ENDED = ["failed", "upstream_failed", "skipped", "removed"];
  const moment = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds));

  const read = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    return answer.json();
  };

  const conf = (form) =>
    Object.fromEntries(
      [...form.elements]
        .filter((field) => field.name)
        .map((field) => [field.name, field.type === "checkbox" ? field.checked : "list" in field.dataset ? [field.value] : field.value]),
    );

  const found = async (task, text) => {
    for (let looks = 0; looks < 150; looks++) { // five minutes
      const { state } = await read(task);
      if (state === "success") {
        const { value } = await read(`${task}/xcomEntries/return_value`);
        return text.replace(/\{(\w+)\}/g, (_, name) => value[name]).replaceAll("**", "");
      }
      if (ENDED.includes(state)) {
        return section.dataset.failed;
      }
      await moment(2);
    }
    return section.dataset.unread;
  };

  const isWaiting = async () => {
    const { waits: dag, account, who } = waits.dataset;
    const asked = await read(`${dag}/dagRuns/~/hitlDetails?state=awaiting_input&response_received=false&subject_search=${account}`);
    for (const { task_instance: { dag_run_id, task_id } } of asked.hitl_details) {
      const run = encodeURIComponent(dag_run_id);
      const { conf: { account: named }, triggering_user_name: asker } = await read(`${dag}/dagRuns/${run}`);
      if (named === account) {
        waits.querySelector("span:not(.badge)").textContent = who.replace("{who}", asker);
        waits.querySelector("a").href = `${dag.replace("/api/v2", "")}/runs/${run}/tasks/${task_id}/required_actions`;
        waits.hidden = false;
        document.getElementById("situation").hidden = true;
        return true;
      }
    }
    return false;
  };

  section?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const words = section.dataset;
    const dag = encodeURIComponent(form.dataset.dag);
    const outcome = section.querySelector(".outcome");
    const result = section.querySelector(".result");
    const button = form.querySelector("button");
    const sent = conf(form);
    button.disabled = true; // A double click must not start two runs.
    outcome.textContent = words.starting;
    result.textContent = "";
    let started;
    try {
      const answer = await fetch(`${words.start}${dag}/dagRuns`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ logical_date: null, conf: sent }),
      });
      const said = await answer.json();
      if (answer.ok) {
        started = encodeURIComponent(said.dag_run_id);
        const href = `${words.dags}${dag}/runs/${started}`;
        outcome.replaceChildren(words.started, " ", Object.assign(document.createElement("a"), { href, target: "_top", textContent: words.see }));
      } else { // a sentence, or a list of messages about single fields
        outcome.textContent = `${words.refused} ${typeof said.detail === "string" ? said.detail : said.detail.map((each) => each.msg).join("; ")}`;
      }
    } catch {
      outcome.textContent = words.unreachable;
    }
    button.disabled = false;
    if (!started || !form.dataset.task) {
      return;
    }
    const { task, result: text } = form.dataset;
    const said = await found(`${words.start}${dag}/dagRuns/${started}/taskInstances/${task}`, text).catch(() => words.unread);
    if (outcome.querySelector("a")?.href.endsWith(started)) { // and no other run has been started since
      result.textContent = said;
    }
    for (let looks = 20; looks && waits && sent.dry_run === false && !(await isWaiting().catch(() => true)); looks--) {
      await moment(3);
    }
  });

  if (waits) {
    isWaiting().catch(() => undefined); // who may not see deletions is not told of any
  }
})();
