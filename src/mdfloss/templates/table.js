// Tables that sort by a column when its heading is pressed; the better end comes first.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, index) => {
    heading.querySelector("button").addEventListener("click", () => {
      const first = heading.dataset.better === "high" ? "descending" : "ascending";
      const second = first === "descending" ? "ascending" : "descending";
      const order = heading.getAttribute("aria-sort") === first ? second : first;
      headings.forEach((other) => other.setAttribute("aria-sort", other === heading ? order : "none"));
      const key = (row) => row.cells[index].dataset.sort;
      const compare = index === 0
        ? (a, b) => key(a).localeCompare(key(b))
        : (a, b) => Number(key(a)) - Number(key(b));
      const rows = [...body.rows].sort(compare);
      body.append(...(order === "ascending" ? rows : rows.reverse()));
    });
  });
}
