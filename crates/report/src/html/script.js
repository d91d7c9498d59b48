
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const keys = (row, column) => {
    const cell = row.cells[column];
    const key = cell.dataset.key;
    return key === undefined ? cell.textContent : key === "" ? null : Number(key);
  };
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en") : a - b);
  heads.forEach((head, column) => {
    head.firstElementChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((one, other) => {
        const a = keys(one, column);
        const b = keys(other, column);
        // What has no value is last either way.
        if (a === null || b === null) return (a === null) - (b === null);
        return down ? compare(b, a) : compare(a, b);
      });
      table.tBodies[0].append(...rows);
    });
  });
}
