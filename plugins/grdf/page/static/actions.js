// Starts DAG runs with the visitor's own session, so Airflow checks the visitor's rights and records who started a run.
"use strict";
(() => {
  const section = document.getElementById("actions");
  if (!section) {
    return;
  }
  const words = section.dataset;
  const outcome = section.querySelector(".outcome");
  const moment = 3000;
  let turn = 0;

  const conf = (form) =>
    Object.fromEntries(
      [...form.elements]
        .filter((field) => field.name)
        .map((field) => [field.name, field.type === "checkbox" ? field.checked : "list" in field.dataset ? [field.value] : field.value]),
    );

  const link = (address, text) => Object.assign(document.createElement("a"), { href: address, target: "_top", textContent: text });

  const say = (...parts) => outcome.replaceChildren(...parts.flatMap((part) => [part, " "]));

  // The reason in Airflow's error response: a sentence, or a list of messages about single fields.
  const detail = async (answer) => {
    try {
      const said = (await answer.json()).detail;
      return typeof said === "string" ? said : said.map((each) => each.msg).join("; ");
    } catch {
      return String(answer.status);
    }
  };

  // Gets a DAG or a run from Airflow. There is no `said` if Airflow responds with an error, and neither field if it
  // cannot be reached.
  const ask = async (address) => {
    try {
      const answer = await fetch(address);
      return { status: answer.status, said: answer.ok ? await answer.json() : undefined };
    } catch {
      return {};
    }
  };

  const follow = async (run, address, form, mine) => {
    const see = link(address, run.dag_run_id);
    const dag = `${words.start}${encodeURIComponent(run.dag_id)}`;
    const api = `${dag}/dagRuns/${encodeURIComponent(run.dag_run_id)}`;
    let state = run.state;
    let paused; // Whether the run waits because its DAG is paused. Checked while the run is queued, until it is not.
    let silent = false;
    while (mine === turn) {
      if (state === "success") {
        say(words.success, see, link(window.location.href, words.again));
        outcome.lastElementChild.removeAttribute("target");
        return;
      }
      if (state === "failed") {
        say(words.failed, see);
        return;
      }
      const approve = "approve" in form.dataset && state === "running" && !form.elements.dry_run.checked;
      const stands = state === "queued" && paused ? words.paused : (words[state] ?? state);
      say(words.started, stands, see, approve ? words.approval : "", silent ? words.silent : "");
      await new Promise((resolve) => setTimeout(resolve, moment));
      const { status, said } = await ask(api);
      if (mine === turn && (status === 401 || status === 403)) {
        say(words.started, words[`follow-${status}`], see); // Trying again would not help.
        return;
      }
      silent = !said;
      state = said?.state ?? state;
      if (state === "queued" && paused !== false) {
        paused = (await ask(dag)).said?.is_paused;
      }
    }
  };

  const start = async (form) => {
    const mine = (turn += 1);
    say(words.starting);
    const dag = form.dataset.dag;
    const answer = await fetch(`${words.start}${encodeURIComponent(dag)}/dagRuns`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ logical_date: null, conf: conf(form) }),
    });
    if (!answer.ok) {
      const known = words[answer.status];
      say(known ?? `${words.refused} ${await detail(answer)}`);
      return;
    }
    const run = await answer.json();
    const address = `${words.dags}${encodeURIComponent(run.dag_id)}/runs/${encodeURIComponent(run.dag_run_id)}`;
    await follow(run, address, form, mine);
  };

  section.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true; // A double click must not start two runs.
    try {
      const started = start(event.target);
      setTimeout(() => (button.disabled = false), moment);
      await started;
    } catch {
      say(words.unreachable);
    } finally {
      button.disabled = false;
    }
  });
})();
