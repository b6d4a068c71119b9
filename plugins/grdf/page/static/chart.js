// Says above a chart what its column under the pointer or finger holds, or the one chosen with a slider's arrow keys.
"use strict";
for (const drawing of document.querySelectorAll(".drawing")) {
  const columns = [...drawing.querySelectorAll(".column")];
  const line = drawing.previousElementSibling;
  const slider = document.createElement("input");
  let chosen;

  const choose = (column) => {
    if (columns.includes(column) && column !== chosen) {
      chosen?.classList.remove("chosen");
      chosen = column;
      chosen.classList.add("chosen");
      slider.value = columns.indexOf(column);
      line.textContent = column.querySelector("title").textContent;
      slider.setAttribute("aria-valuetext", line.textContent);
    }
  };
  const point = (event) => choose(document.elementFromPoint(event.clientX, event.clientY)?.closest(".column"));

  Object.assign(slider, { type: "range", className: "unseen", min: 0, max: columns.length - 1, value: 0 });
  slider.setAttribute("aria-label", drawing.dataset.title);
  for (const moved of ["input", "focus"]) {
    slider.addEventListener(moved, () => choose(columns[slider.value]));
  }
  for (const touched of ["pointerdown", "pointermove"]) {
    drawing.addEventListener(touched, point);
  }
  drawing.prepend(slider);
  line.hidden = false;
}
