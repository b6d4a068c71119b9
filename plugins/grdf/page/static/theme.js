// Uses the same colours as Airflow's own pages. Airflow keeps the visitor's choice under "theme" in this site's local
// storage. Without a choice, the system's setting applies.
"use strict";
(() => {
  const show = () => {
    let chosen = null;
    try {
      chosen = window.localStorage.getItem("theme");
    } catch {
      // Storage is not accessible: use the system's setting.
    }
    const dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };
  show();
  window.addEventListener("storage", show);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
})();
