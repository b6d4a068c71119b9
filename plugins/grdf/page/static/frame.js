// Opens links that leave this page. Airflow shows the page in an iframe that may neither navigate the window nor open
// another one, so links with a target are followed by Airflow's own document, which has the same origin.
"use strict";
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[target]");
  if (!link || window.parent === window || event.defaultPrevented) {
    return;
  }
  let outside;
  try {
    outside = window.parent.document;
  } catch {
    return; // Not Airflow's iframe.
  }
  event.preventDefault();
  const twin = outside.createElement("a");
  twin.href = link.href;
  twin.target = event.ctrlKey || event.metaKey || link.target === "_blank" ? "_blank" : "_self";
  twin.rel = link.rel;
  outside.body.append(twin);
  twin.click();
  twin.remove();
});
