// GRDF's code is used up; it need not stay in the address bar and in the browser's history.
"use strict";
window.history.replaceState(null, "", window.location.pathname);
