
"use strict";
const table = document.querySelector(".heat"), body = table.tBodies[0], rows = [...body.rows];
const value = (row, n) => {
  const text = row.cells[n].textContent, number = parseFloat(text);
  return /^[-+]?\d+(\/\d+|[-+]\d+)?$/.test(text) ? number : text.toLowerCase();
};
const order = (a, b) => a === "" || b === "" ? (a === "") - (b === "") : typeof a === typeof b ? (a > b) - (a < b) : typeof a < typeof b ? -1 : 1;
[...table.tHead.rows[0].cells].forEach((head, n) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = rows.map(row => [value(row, n), row]);
    keyed.sort((a, b) => a[0] === "" || b[0] === "" || up ? order(a[0], b[0]) : order(b[0], a[0]));
    body.append(...keyed.map(pair => pair[1]));
  });
});
const tools = document.querySelector(".tools"), told = tools.querySelector("[role=status]");
tools.hidden = false;
tools.querySelector("input").addEventListener("input", event => {
  const wanted = event.target.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += !row.hidden;
  }
  told.textContent = wanted ? `${shown} of ${rows.length}` : "";
});
