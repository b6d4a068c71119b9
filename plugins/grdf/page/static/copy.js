// Copies what a field holds, and leaves it selected. Not navigator.clipboard: a page without https has none.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", () => {
    field.focus();
    field.select();
    if (document.execCommand("copy")) said.textContent = said.dataset.copied;
  });
}
