// A link to a claim opens its card. Browsers that open folds for their own anchors need none of this.
"use strict";

function openWhatIsLinked() {
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = wanted?.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  wanted.scrollIntoView();
}

window.addEventListener("hashchange", openWhatIsLinked);
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll(".bd-article details")) fold.open = true; // older browsers print them closed
});
document.addEventListener("DOMContentLoaded", openWhatIsLinked);
