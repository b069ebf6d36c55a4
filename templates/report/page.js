"use strict";
// Arrow keys, Home and End move through a grid; a link to a closed part opens it.
for (const grid of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table.grid"))) {
  const cellsOf = row => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("td > *")]);
  const rows = [...grid.tBodies[0].rows].map(cellsOf);
  if (rows.length && rows[0].length) rows[0][0].tabIndex = 0;
  grid.addEventListener("keydown", event => {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    const row = rows.findIndex(cells => cells.includes(focused));
    if (row < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const column = rows[row].indexOf(focused);
    const target = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, rows[row].length - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    const cell = (rows[target[0]] || [])[target[1]];
    if (cell) cell.focus();
  });
}
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
