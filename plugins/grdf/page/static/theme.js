// Follows the colours that Airflow's own pages are set to: Airflow keeps them under "theme" in this site's storage, and
// the system's choice holds when there is none.
"use strict";
(() => {
  const show = () => {
    let chosen = null;
    try {
      chosen = window.localStorage.getItem("theme");
    } catch {
      // Storage is closed: the system's choice.
    }
    const dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  show();
  window.addEventListener("storage", show);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
})();
