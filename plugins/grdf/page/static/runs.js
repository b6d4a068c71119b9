// Fills in each account's last run, failed runs included. One request covers all accounts on the page. It uses the
// visitor's own session, so it returns only what the visitor may see. Many runs of one account may push those of others
// out of the response, so the remaining accounts are requested again.
"use strict";
(() => {
  const table = document.querySelector("[data-runs]");
  if (!table) {
    return;
  }
  const cells = new Map([...table.querySelectorAll("[data-dag]")].map((cell) => [cell.dataset.dag, cell]));
  const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

  const say = (cell, text) => cell.replaceChildren(Object.assign(document.createElement("span"), { className: "step", textContent: text }));

  // Links to the most useful log: that of the failed task, or else of the last task that ran.
  const showLog = async (cell, address, run) => {
    const api = table.dataset.runs.replace("~/dagRuns/list", "");
    const answer = await fetch(`${api}${encodeURIComponent(run.dag_id)}/dagRuns/${encodeURIComponent(run.dag_run_id)}/taskInstances`);
    const tasks = (await answer.json()).task_instances.filter((task) => task.start_date);
    tasks.sort((one, other) => one.start_date.localeCompare(other.start_date));
    const task = tasks.find((each) => each.state === "failed") ?? tasks.at(-1);
    if (task) {
      const link = document.createElement("a");
      link.href = `${address}/tasks/${encodeURIComponent(task.task_id)}`;
      link.target = "_top";
      link.textContent = `${table.dataset.log} ${task.task_id}`;
      cell.append(" · ", link);
    }
  };

  const show = (cell, run) => {
    const link = document.createElement("a");
    link.href = `${table.dataset.dags}${encodeURIComponent(run.dag_id)}/runs/${encodeURIComponent(run.dag_run_id)}`;
    link.target = "_top";
    link.className = `run ${run.state}`;
    link.textContent = table.getAttribute(`data-state-${run.state}`) ?? run.state;
    const when = document.createElement("time");
    when.dateTime = run.run_after;
    when.textContent = moment.format(new Date(run.run_after));
    cell.replaceChildren(link, " ", when);
    if (table.dataset.log) {
      showLog(cell, link.href, run).catch(() => undefined); // The link to the run is already shown.
    }
  };

  const ask = async (dags) => {
    const answer = await fetch(table.dataset.runs, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ dag_ids: dags, order_by: "-run_after", page_limit: 100 }),
    });
    if (!answer.ok) {
      throw new Error(String(answer.status));
    }
    return (await answer.json()).dag_runs;
  };

  const fill = async () => {
    for (let round = 0; round < 4 && cells.size; round += 1) {
      const runs = await ask([...cells.keys()]);
      for (const run of runs) {
        const cell = cells.get(run.dag_id);
        if (cell) {
          show(cell, run);
          cells.delete(run.dag_id);
        }
      }
      if (runs.length < 100) {
        break;
      }
    }
    for (const cell of cells.values()) {
      say(cell, table.dataset.none);
    }
  };

  fill().catch(() => {
    for (const cell of cells.values()) {
      say(cell, table.dataset.failed);
    }
  });
})();
