// The search page lists claims above pages: by the words of a claim, or by its id. Their list is a script of its own,
// since a page read from disk may fetch no file.
"use strict";

const MOST = 10;

function fitting(claims, query) {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored = claims.map((claim) => {
    const [id, says] = claim.map((field) => field.toLowerCase());
    const starts = says.split(/[^\p{L}\p{N}.]+/u);
    const score = wanted.map((word) =>
      id === word ? 9 : starts.some((start) => start.startsWith(word)) ? 2 : id.includes(word) ? 1 : 0,
    );
    return { claim, score: score.includes(0) ? 0 : score.reduce((sum, one) => sum + one, 0) };
  });
  return scored.filter(({ score }) => score > 0).sort((one, other) => other.score - one.score);
}

function listed({ claim: [, says, outcome, address] }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = address;
  link.textContent = says;
  const mark = document.createElement("span");
  mark.className = "repro-quiet";
  mark.textContent = ` ${outcome}`;
  item.append(link, mark);
  return item;
}

function showClaims(results, query) {
  const found = fitting(window.reproClaims ?? [], query);
  if (!found.length) return;
  const box = document.createElement("section");
  box.className = "repro-found-claims";
  const heading = document.createElement("h2");
  heading.textContent = `Claims: ${found.length}`;
  const list = document.createElement("ul");
  list.append(...found.slice(0, MOST).map(listed));
  box.append(heading, list);
  if (found.length > MOST) {
    const all = document.createElement("a");
    all.href = `ledger.html?${new URLSearchParams({ find: query, waiting: "yes" })}`;
    all.textContent = "All in the ledger";
    box.append(all);
  }
  results.before(box);
}

document.addEventListener("DOMContentLoaded", () => {
  const results = document.getElementById("search-results");
  const query = new URLSearchParams(location.search).get("q")?.trim();
  if (!results || !query) return;
  const script = document.createElement("script");
  script.src = "claims.js";
  script.addEventListener("load", () => showClaims(results, query));
  document.head.append(script);
});
