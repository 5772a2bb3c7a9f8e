// The form of the tokeniser: a text and a vocabulary in, its pieces in colours out. Nothing that is typed or chosen
// leaves the browser, nor does it stand in the address.
"use strict";

const SHOWN_PIECES = 2000;
const TINTS = 5; // neighbours never share one
const TEXT = "Tokenisation is unfair: 1234567 tokens! Größe, 人人生而自由, सभी मनुष्य, 👩‍🚀";

// A piece as a reader can see it: spaces and ends of lines as marks, bytes that are no whole character as numbers.
function spellPiece(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.replace(/ /g, "·").replace(/\r/g, "␍").replace(/\n/g, "↵").replace(/\t/g, "→").replace(/[\p{Cc}\p{Cf}\p{Z}]/gu, (mark) => `⟨U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  } catch {
    return `⟨${Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ")}⟩`;
  }
}

function openTokeniser(place) {
  const { vocabularies, patterns } = tokens.known();
  const field = (id, label, control) => {
    const wrong = element("span", { class: "repro-wrong", id: `${id}-wrong` });
    control.setAttribute("id", id);
    control.setAttribute("aria-describedby", wrong.id);
    return { control, wrong, box: element("div", { class: "repro-field" }, element("label", { for: id }, label), control, wrong) };
  };
  const select = (options) => element("select", {}, ...options.map(([value, label]) => element("option", { value }, label)));
  const typed = field("tokens-text", "Text", element("textarea", { rows: "4", spellcheck: "false", autocomplete: "off", autocapitalize: "off" }));
  const chosen = field("tokens-vocabulary", "Vocabulary", select([...Object.entries(vocabularies).map(([name, { about }]) => [name, about]), ["file", "a file of my own"]]));
  const file = field("tokens-file", "tokenizer.json or rank file", element("input", { type: "file", accept: ".json,.tiktoken,.model,.txt" }));
  const cut = field("tokens-pattern", "Pattern that cuts text first", select(Object.keys(patterns).map((name) => [name, name])));
  const answer = element("p", { class: "repro-answer", role: "status" });
  const pieces = element("p", { class: "repro-pieces", tabindex: "0", role: "group", "aria-label": "Pieces of the text" });
  const table = element("table");
  const rows = element("details", { class: "repro-piece-rows" }, element("summary", {}, "Pieces with their ids"), element("div", { class: "repro-table", tabindex: "0", role: "group", "aria-label": "Pieces with their ids" }, table));
  const notes = element("p", { class: "repro-answer-notes" });
  const form = element(
    "form", { novalidate: true, "aria-label": place.dataset.label },
    typed.box, element("div", { class: "repro-fields" }, chosen.box, file.box, cut.box), answer, pieces, rows, notes,
  );
  let own = null; // the content of a reader's file
  let made = null; // the vocabulary at work
  typed.control.value = TEXT;
  chosen.control.value = "world-4096";

  const isFile = () => chosen.control.value === "file";

  // The vocabulary that is chosen; a sentence about a file that cannot be read is thrown.
  function make(pattern) {
    if (!isFile()) return tokens.ours(chosen.control.value);
    if (own === null) throw new Error("No file is chosen yet; expected a tokenizer.json of byte-level BPE or a .tiktoken rank file.");
    return tokens.fromFile(own, pattern);
  }

  function remake(pattern) {
    file.box.hidden = !isFile();
    cut.box.hidden = !(isFile() && own !== null && tokens.isRankFile(own));
    made = null;
    file.wrong.textContent = "";
    try {
      made = make(pattern);
      if (made.pattern) cut.control.value = made.pattern;
    } catch (error) {
      file.wrong.textContent = error.message;
    }
    file.control.toggleAttribute("aria-invalid", !made);
    update();
  }

  function show(found, text) {
    const characters = [...text].length, bytes = new TextEncoder().encode(text).length;
    const per = found.length ? `: ${spell(characters / found.length)} characters and ${spell(bytes / found.length)} bytes per token` : "";
    answer.textContent = `${many(found.length, "token")} for ${many(characters, "character")} in ${many(bytes, "byte")}${per}.`;
    const some = found.slice(0, SHOWN_PIECES).map(({ id, bytes: piece }) => [id, spellPiece(piece), piece]);
    pieces.replaceChildren(...some.map(([id, spelled], at) => element("span", { class: `repro-piece-${at % TINTS}`, "data-id": id }, spelled)));
    const head = ["Place", "Piece", "Id", "Bytes"].map((name, at) => element("th", { scope: "col", class: at !== 1 && "repro-number" }, name));
    const body = some.map(([id, spelled, piece], at) => element(
      "tr", {}, ...[at + 1, spelled, id, piece.length].map((cell, column) => element("td", { class: column !== 1 && "repro-number" }, String(cell))),
    ));
    table.replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
    const reserved = made.reserved.find((one) => one && text.includes(one));
    notes.textContent = [
      found.length > SHOWN_PIECES ? `The first ${spell(SHOWN_PIECES)} pieces are shown.` : "",
      reserved ? `The model's own tokeniser would read ${reserved} as one reserved token; here it is plain text.` : "",
      isFile() ? `${spell(made.entries)} entries${made.pattern ? `, text cut by the pattern of ${made.pattern}` : ""}.` : `Merges: sha256 ${vocabularies[chosen.control.value].sha256.slice(0, 12)}….`,
    ].filter(Boolean).join(" ");
  }

  function update() {
    const text = typed.control.value;
    const long = text.length > tokens.MOST_CHARACTERS;
    typed.wrong.textContent = long ? `${spell(text.length)} characters are too many; give at most ${spell(tokens.MOST_CHARACTERS)}.` : "";
    typed.control.toggleAttribute("aria-invalid", long);
    pieces.hidden = rows.hidden = long || !made;
    if (!long && made) return show(made.encode(text), text);
    answer.textContent = "No answer: one field needs a correction.";
    notes.textContent = "";
    return undefined;
  }

  typed.control.addEventListener("input", update);
  chosen.control.addEventListener("input", () => remake(""));
  cut.control.addEventListener("input", () => remake(cut.control.value));
  file.control.addEventListener("change", async () => {
    own = file.control.files.length ? await file.control.files[0].text() : null;
    remake("");
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  remake("");
  place.replaceChildren(form);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-tokeniser]").forEach(openTokeniser));
