// The map of claims is one stop of the tabulator key for each row; the arrow keys go along it. Without this script each
// mark is a stop of its own. What a mark is for is shown under the mouse as well.
"use strict";

function walk(row) {
  const marks = [...row.querySelectorAll("a")];
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -marks.length, End: marks.length };
  for (const mark of marks) {
    mark.title = mark.ariaLabel;
    mark.tabIndex = mark === marks[0] ? 0 : -1;
  }
  row.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const place = marks.indexOf(document.activeElement) + step;
    const next = marks[Math.max(0, Math.min(place, marks.length - 1))];
    for (const mark of marks) mark.tabIndex = mark === next ? 0 : -1;
    next.focus();
    event.preventDefault();
  });
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".repro-marks").forEach(walk));
