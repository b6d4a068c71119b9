// GRDF's code is used up; it need not stay in the address bar and in the browser's history. Loading the page again then
// leads to what is true from now on.
"use strict";
window.history.replaceState(null, "", document.querySelector("[data-address]").dataset.address);
