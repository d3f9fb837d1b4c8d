// Sorts tables by a column, filters models by name, opens the part that a link leads to. The page says all without it.
"use strict";
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

function sortKey(row, column) {
  const words = row.cells[column].firstChild?.textContent.trim() ?? "";
  const value = parseFloat(words.replace("−", "-").replace(/[,<≤[]/g, ""));
  return [words === "–", Number.isNaN(value) ? words : value];
}

function sortBy(table, heading) {
  const falling = heading.getAttribute("aria-sort") === "ascending";
  all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  for (const body of table.tBodies) {
    const keyed = [...body.rows].filter((row) => !row.matches(".group")).map((row) => [sortKey(row, heading.cellIndex), row]);
    keyed.sort(([[noneA, a]], [[noneB, b]]) => noneA - noneB || (falling ? -1 : 1) * (a > b ? 1 : a < b ? -1 : 0));
    body.append(...keyed.map(([, row]) => row));
  }
}

for (const table of all("table.sortable")) {
  for (const heading of all("thead th", table)) {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(table, heading));
    heading.append(button);
  }
}

const filter = document.createElement("p");
filter.className = "filter";
filter.innerHTML = '<label>Models whose name contains <input type="search"></label> <output></output>';
filter.addEventListener("input", ({ target }) => {
  const wanted = target.value.trim().toLowerCase();
  const models = new Map();
  for (const part of all("[data-model]")) {
    part.hidden = !part.dataset.model.toLowerCase().includes(wanted);
    models.set(part.dataset.model, !part.hidden);
  }
  const shown = [...models.values()].filter(Boolean).length;
  filter.querySelector("output").textContent = wanted && `${shown} of ${models.size}`;
});
document.querySelector("#leaderboard").after(filter);

function reveal() {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part?.matches("details")) part.open = true;
}
addEventListener("hashchange", reveal);
reveal();

let closed = [];
addEventListener("beforeprint", () => {
  closed = all("details:not([open])");
  closed.forEach((part) => (part.open = true));
});
addEventListener("afterprint", () => closed.forEach((part) => (part.open = false)));

// A frame that scrolls nothing is no stop for the keyboard.
const frames = new ResizeObserver((sizes) => sizes.forEach(({ target }) => {
  target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
}));
all(".scroll").forEach((frame) => frames.observe(frame));
