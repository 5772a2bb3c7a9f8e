// Byte-level BPE in the reader's browser: what a vocabulary makes of a text. A test compares it with tiktoken and with
// tokenizers over texts with emoji, scripts, digits, code, combining marks, line ends and halves of surrogate pairs.
"use strict";

const tokens = (() => {
  const known = () => (read ??= JSON.parse(document.getElementById("repro-vocabularies").textContent));
  let read = null; // the page's copy of repro.corpora.vocabularies.ours.for_pages, once its element is there

  const encoder = new TextEncoder();
  const MOST_CHARACTERS = 10_000;
  const FORMS = ["NFC", "NFD", "NFKC", "NFKD"];

  // Bytes as a string of one character each, which is a key of a Map.
  const binary = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

  // GPT-2's table spells each byte by a printable character.
  const kept = (byte) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const spellings = (() => {
    let next = 256;
    return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(kept(byte) ? byte : next++));
  })();
  const byteOf = new Map(spellings.map((spelling, byte) => [spelling, byte]));

  // A half of a surrogate pair has no bytes: tiktoken reads it as U+FFFD.
  const wellFormed = (text) =>
    text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");

  // ---------------------------------------------------------------- patterns

  const CASES = { s: "sS\u017F", k: "kK\u212A" };
  const bothCases = (letter) => CASES[letter.toLowerCase()] ?? letter.toLowerCase() + letter.toUpperCase();
  const ESCAPES = { s: "\\p{White_Space}", S: "\\P{White_Space}", d: "\\p{Nd}" };

  // A pattern of tiktoken's or tokenizers' regular expressions as the browser spells it, or what of it it cannot say.
  function spelledHere(pattern) {
    let out = "", inClass = false, depth = 0, anyCase = 0;
    for (let at = 0; at < pattern.length; at += 1) {
      const letter = pattern[at], next = pattern[at + 1];
      if (letter === "\\") {
        if (/[wWbBAzZGhHRXkD]/.test(next ?? "w")) throw new Error(`its pattern holds \\${next ?? ""}`);
        const named = /^\\[pP]\{[^}]*\}/.exec(pattern.slice(at))?.[0];
        out += named ?? ESCAPES[next] ?? letter + next;
        at += (named?.length ?? 2) - 1;
      } else if (inClass) {
        if (letter === "[" || (letter === "&" && next === "&")) throw new Error("its pattern holds a class in a class");
        if (letter === "]") inClass = false;
        out += anyCase && /[a-z]/i.test(letter) ? bothCases(letter) : letter;
      } else if (letter === "[") {
        inClass = true;
        out += letter;
        if (next === "^") { out += next; at += 1; }
      } else if (letter === "(") {
        depth += 1;
        const opened = /^\(\?(?:i:|:|=|!)/.exec(pattern.slice(at))?.[0];
        if (!opened && next === "?") throw new Error("its pattern holds a group that the browser does not have");
        if (opened === "(?i:") anyCase ||= depth;
        out += opened === "(?i:" ? "(?:" : opened ?? "(";
        at += (opened?.length ?? 1) - 1;
      } else if (letter === ")") {
        if (anyCase === depth) anyCase = 0;
        depth -= 1;
        out += letter;
      } else if (letter === ".") {
        throw new Error("its pattern holds a dot");
      } else if (/[+*?}]/.test(letter) && next === "+") {
        throw new Error("its pattern holds a possessive quantifier");
      } else out += anyCase && /[a-z]/i.test(letter) ? `[${bothCases(letter)}]` : letter;
    }
    return new RegExp(out, "gu");
  }

  const matches = (text, pattern) => Array.from(text.matchAll(pattern), ([found]) => found);

  // What matches and what lies between, in order.
  function isolated(text, pattern) {
    const pieces = [];
    let end = 0;
    for (const found of text.matchAll(pattern)) {
      if (found.index > end) pieces.push(text.slice(end, found.index));
      if (found[0]) pieces.push(found[0]);
      end = found.index + found[0].length;
    }
    if (end < text.length) pieces.push(text.slice(end));
    return pieces;
  }

  // ----------------------------------------------------------------- merging

  // Merges neighbours until none is an entry, the pair of the lowest rank first and of equals the first: `rankOf` gives
  // the rank of two neighbours, undefined for none, and `join` what they become.
  function merged(parts, rankOf, join) {
    const ranks = parts.slice(1).map((part, place) => rankOf(parts[place], part));
    for (;;) {
      let best = -1;
      for (let place = 0; place < ranks.length; place += 1) {
        if (ranks[place] !== undefined && (best < 0 || ranks[place] < ranks[best])) best = place;
      }
      if (best < 0) return parts;
      parts.splice(best, 2, join(parts[best], parts[best + 1]));
      ranks.splice(best, 1);
      if (best > 0) ranks[best - 1] = rankOf(parts[best - 1], parts[best]);
      if (best < ranks.length) ranks[best] = rankOf(parts[best], parts[best + 1]);
    }
  }

  const token = (id, key) => ({ id, bytes: Uint8Array.from(key, (one) => one.charCodeAt(0)) });

  // A vocabulary of ranks, as tiktoken reads it.
  function byRanks(ranks, name) {
    const cut = spelledHere(known().patterns[name]), form = known().forms[name];
    const formed = (text) => (form ? text.normalize(form) : text);
    const rankOf = (left, right) => ranks.get(left + right);
    const encode = (text) => matches(formed(wellFormed(text)), cut).flatMap((piece) => {
      const whole = binary(encoder.encode(piece));
      const parts = ranks.has(whole) ? [whole] : merged([...whole], rankOf, (left, right) => left + right);
      return parts.map((part) => token(ranks.get(part), part));
    });
    return { encode, entries: ranks.size, reserved: [] };
  }

  // One of ours: the bytes, and merges as pairs of ids.
  function ours(name) {
    const { merges, pattern } = known().vocabularies[name];
    const entries = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    for (let at = 0; at < merges.length; at += 2) entries.push(entries[merges[at]] + entries[merges[at + 1]]);
    return byRanks(new Map(entries.map((entry, rank) => [entry, rank])), pattern);
  }

  // ------------------------------------------------------------------- files

  const isRankFile = (content) => /^[A-Za-z0-9+/]+={0,2} \d+\s*$/.test(content.slice(0, 4096).split("\n")[0]);

  function rankFile(content, pattern) {
    const ranks = new Map();
    for (const [place, line] of content.split("\n").entries()) {
      if (!line.trim()) continue;
      const [entry, rank, more] = line.trim().split(" ");
      if (more !== undefined || !/^\d+$/.test(rank ?? "") || !/^[A-Za-z0-9+/]+={0,2}$/.test(entry)) {
        throw new Error(`Line ${place + 1} of the file is not base64, a space and a rank.`);
      }
      ranks.set(atob(entry), Number(rank));
    }
    for (let byte = 0; byte < 256; byte += 1) {
      if (!ranks.has(String.fromCharCode(byte))) throw new Error("The file lacks some of the 256 bytes, so it is no byte-level vocabulary.");
    }
    const name = pattern || known().entries[ranks.size];
    if (!name) throw new Error("A rank file does not say how text is cut before it merges; choose the pattern below.");
    return { ...byRanks(ranks, name), pattern: name };
  }

  const refusal = (what) => new Error(`The browser reads byte-level BPE alone, and of this file it cannot read ${what}.`);

  function formsOf(normalizer) {
    if (!normalizer) return [];
    if (normalizer.type === "Sequence") return (normalizer.normalizers ?? []).flatMap(formsOf);
    if (!FORMS.includes(normalizer.type)) throw refusal(`its normaliser ${normalizer.type}`);
    return [normalizer.type];
  }

  // The cuts of a pre-tokeniser, one after another.
  function cutsOf(step) {
    if (!step) throw refusal("a pre-tokeniser, for it has none");
    if (step.type === "Sequence") return step.pretokenizers.flatMap(cutsOf);
    if (step.type === "ByteLevel") {
      if (step.add_prefix_space) throw refusal("the space that it puts before a text");
      return step.use_regex === false ? [] : [spelledHere(known().patterns["gpt-2"])];
    }
    if (step.type === "Digits") return [step.individual_digits ? /\p{N}/gu : /\p{N}+/gu];
    if (step.type === "Split" && step.behavior === "Isolated" && !step.invert) {
      try {
        if (typeof step.pattern?.Regex === "string") return [spelledHere(step.pattern.Regex)];
        return [new RegExp(step.pattern.String.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "gu")];
      } catch (error) {
        throw refusal(`how it cuts text: ${error.message.split("\n")[0].slice(0, 100)}`);
      }
    }
    throw refusal(`its pre-tokeniser ${step.type}`);
  }

  const holdsByteLevel = (step) => step?.type === "ByteLevel" || (step?.pretokenizers ?? []).some(holdsByteLevel);

  function tokenizerFile(file) {
    const { model } = file;
    if (model?.type !== "BPE") throw refusal(`its model ${model?.type ?? "without a type"}`);
    if (model.byte_fallback || !holdsByteLevel(file.pre_tokenizer)) throw refusal("characters: its pieces are not made of bytes");
    if (model.dropout || model.continuing_subword_prefix || model.end_of_word_suffix) throw refusal("marks of words or a share of merges that are left out");
    const forms = formsOf(file.normalizer), cuts = cutsOf(file.pre_tokenizer), ids = model.vocab;
    if (spellings.some((spelling) => !Object.hasOwn(ids, spelling))) throw refusal("all bytes: its entries lack some");
    const spelled = new Map(Object.entries(ids).map(([entry, id]) => [id, entry]));
    const pairKey = (left, right) => left * 2 ** 24 + right;
    const pairs = new Map();
    for (const [rank, merge] of model.merges.entries()) {
      const [left, right] = Array.isArray(merge) ? merge : merge.split(" ");
      if (![left, right, left + right].every((entry) => Object.hasOwn(ids, entry))) throw refusal(`its merge ${rank + 1}: no entry of its own`);
      pairs.set(pairKey(ids[left], ids[right]), { rank, id: ids[left + right] });
    }
    const rankOf = (left, right) => pairs.get(pairKey(left, right))?.rank;
    const join = (left, right) => pairs.get(pairKey(left, right)).id;
    const bytesOf = (id) => Uint8Array.from(spelled.get(id), (one) => byteOf.get(one));
    const encode = (text) => {
      const formed = forms.reduce((now, form) => now.normalize(form), wellFormed(text));
      const pieces = cuts.reduce((now, cut) => now.flatMap((piece) => isolated(piece, cut)), formed ? [formed] : []);
      return pieces.flatMap((piece) => {
        const letters = Array.from(encoder.encode(piece), (byte) => spellings[byte]);
        const whole = letters.join("");
        const parts = model.ignore_merges && Object.hasOwn(ids, whole) ? [ids[whole]] : merged(letters.map((one) => ids[one]), rankOf, join);
        return parts.map((id) => ({ id, bytes: bytesOf(id) }));
      });
    };
    return { encode, entries: spelled.size, reserved: (file.added_tokens ?? []).map((added) => added.content) };
  }

  // The vocabulary of a reader's file, or an error whose message is one sentence.
  function fromFile(content, pattern = "") {
    if (isRankFile(content)) return rankFile(content, pattern);
    let file;
    try {
      file = JSON.parse(content);
    } catch {
      throw new Error("The file is neither a tokenizer.json nor a rank file; the browser reads no other.");
    }
    if (file === null || typeof file !== "object" || !("model" in file)) throw new Error("The file is JSON and no tokenizer.json: it has no model.");
    return tokenizerFile(file);
  }

  return { known, ours, fromFile, isRankFile, spelledHere, isolated, MOST_CHARACTERS };
})();
