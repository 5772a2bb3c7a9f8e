// The ledger's filters and sorting. The table is complete without this; the address follows the filters and sets them.
// Words are under `find`: the theme's search script takes every page's `q` for its own.
"use strict";

function openLedger(ledger) {
  const form = ledger.querySelector("form");
  const table = ledger.querySelector("table");
  const groups = [...table.tBodies]; // a claim and its parts, which stay together
  const rows = [...table.querySelectorAll("tbody tr")];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  function fits(row, wanted, narrowed) {
    const { find, outcome, chapter, article, kind, control, reach, waiting } = wanted;
    const [word, state] = (outcome ?? "").split(":");
    return (
      (waiting || narrowed || row.dataset.outcome !== "untested") &&
      (!find || find.toLowerCase().split(/\s+/).every((word) => words.get(row).includes(word))) &&
      (!outcome || (outcome === "settled" ? "settled" in row.dataset : row.dataset.outcome === word)) &&
      (!state || row.dataset.state === state) &&
      (!reach || row.dataset.reach === reach) &&
      (!chapter || row.dataset.chapter === chapter) &&
      (!article || (row.dataset.article ?? "").split(" ").includes(article)) &&
      (!kind || row.dataset.kind === kind) &&
      (!control || (row.dataset.control ?? "no") === control)
    );
  }

  function filter() {
    const wanted = Object.fromEntries(new FormData(form));
    const { sort: _, waiting: __, ...narrowing } = wanted;
    const narrowed = Object.values(narrowing).some((value) => value);
    let shown = 0;
    for (const row of rows) {
      const folded = row.classList.contains("repro-part") && !narrowed && !row.closest("tbody").dataset.open;
      row.hidden = folded || !fits(row, wanted, narrowed);
      shown += !row.hidden;
    }
    for (const group of groups) group.hidden = [...group.rows].every((row) => row.hidden);
    form.querySelector("output").value = `${shown} of ${rows.length} rows`;
    return wanted;
  }

  function makeFoldable(group) {
    const parts = group.rows.length - 1;
    const told = group.rows[0].querySelector(".repro-parts");
    if (!parts || !told) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...told.childNodes);
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "false";
      button.setAttribute("aria-expanded", String(open));
      open ? (group.dataset.open = "yes") : delete group.dataset.open;
      filter();
    });
    told.append(button);
  }

  function follow(wanted) {
    const given = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    const query = given.size ? `?${given}` : "";
    history.replaceState(null, "", `${location.pathname}${query}${location.hash}`);
  }

  function readAddress() {
    for (const [name, value] of new URLSearchParams(location.search)) {
      const field = form.elements.namedItem(name);
      if (field?.type === "checkbox") field.checked = true;
      else if (field) field.value = value;
    }
  }

  function key(group, column) {
    const cell = group.rows[0].cells[column];
    const given = cell.dataset.key ?? cell.textContent.trim().toLowerCase();
    return given === "" ? null : Number.isNaN(Number(given)) ? given : Number(given);
  }

  function compare(one, other) {
    return typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
  }

  function sort(heading, column) {
    const falling = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const keys = new Map(groups.map((group) => [group, key(group, column)]));
    const sorted = [...groups].sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      if (a === null || b === null) return (a === null) - (b === null); // rows without a value stay last either way
      return falling ? compare(b, a) : compare(a, b);
    });
    table.append(...sorted);
  }

  function makeSortable(heading, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading, column));
    heading.append(button);
  }

  const headings = [...table.tHead.rows[0].cells];
  headings.forEach(makeSortable);
  groups.forEach(makeFoldable);
  form.addEventListener("input", (event) => {
    if (event.target.name === "sort" && event.target.value) sort(headings[event.target.value], Number(event.target.value));
    follow(filter());
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => follow(filter())));
  form.hidden = false;
  readAddress();
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted?.classList.contains("repro-part")) wanted.closest("tbody").dataset.open = "yes";
  if (wanted?.dataset.outcome === "untested") form.elements.namedItem("waiting").checked = true;
  filter();
  wanted?.scrollIntoView();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const ledger of document.querySelectorAll(".repro-ledger")) openLedger(ledger);
});
