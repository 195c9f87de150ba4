"use strict";
// A click on the head of a column sorts by it, a second one the other way round; empty cells are last.
const body = document.querySelector("tbody");
const heads = [...document.querySelectorAll("th")];
const numeric = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b, "en", { numeric: true }) : a - b);

heads.forEach((head, column) => {
  head.firstElementChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => row.children[column].dataset.value;
    const rows = [...body.rows].sort((a, b) => {
      const [left, right] = [value(a), value(b)];
      if (!left || !right) return !left - !right;
      return up ? numeric(left, right) : numeric(right, left);
    });
    body.append(...rows);
  });
});
