// Copies what a field holds, where the browser has a clipboard: on https and on this machine.
"use strict";
for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  const said = document.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    said.textContent = said.dataset.copied;
  });
}
