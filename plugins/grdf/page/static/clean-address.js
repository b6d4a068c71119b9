// Removes GRDF's code, which has been used, from the address bar and the browser's history. Reloading the page then
// opens the new address.
"use strict";
window.history.replaceState(null, "", document.querySelector("[data-address]").dataset.address);
