// The forms of the calculators: made here, answered as one types, with what is wrong said at the field. The address
// follows the calculator that was last touched, so that a calculation can be linked to.
"use strict";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// The value of a field, or what is wrong with it.
function readField({ whole, least, above, most, options, file }, text) {
  if (options) return { value: text };
  if (file) return readPasted(text);
  const kind = whole ? "a whole number" : "a number";
  const expected = least === undefined ? `${kind} above ${above}` : `${kind} of at least ${least}`;
  const value = sizing.parse_size(text);
  if (!text.trim()) return { wrong: `Nothing is given; expected ${expected}.` };
  if (!Number.isFinite(value)) return { wrong: `“${text.trim()}” is no number; write it as 4096, 70B or 1e9.` };
  if (value < least || value <= above) return { wrong: `${text.trim()} is too small; expected ${expected}.` };
  if (whole && !Number.isInteger(value)) return { wrong: `${text.trim()} is no whole number; expected ${expected}.` };
  if (value > most) return { wrong: `${text.trim()} is too large; expected at most ${spell(most)}.` };
  return { value };
}

function makeField(calculator, field) {
  const id = `${calculator}-${field.name}`;
  const control = field.options
    ? element("select", {}, ...field.options.map(([value, label]) =>
      element("option", { value, selected: value === field.value }, label)))
    : element(field.file ? "textarea" : "input", { type: !field.file && "text", rows: field.file && "6", value: field.value, autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const wrong = element("span", { class: "repro-wrong", id: `${id}-wrong` });
  Object.entries({ id, name: field.name, "aria-describedby": wrong.id }).forEach(([key, value]) => control.setAttribute(key, value));
  const box = element("div", { class: "repro-field" }, element("label", { for: id }, field.label), control, wrong);
  return { field, control, wrong, box };
}

function openCalculator(place, spec) {
  const name = place.dataset.calculator;
  const section = place.closest("section").id;
  const models = sizing.catalogue().models;
  const pick = spec.models && makeField(name, choice("model", "Model", spec.model, [[OWN, "my own, typed below"], ...(spec.files ? [[PASTED, "my own config.json, pasted below"]] : []), ...spec.models.map((one) => [one, one])]));
  const fileParts = spec.files ? [makeField(name, { name: "file", label: "Text of a config.json", value: "", file: true })] : [];
  const typedParts = (spec.typed ?? []).map((field) => makeField(name, field));
  const askedParts = spec.fields.map((field) => makeField(name, field));
  const parts = [...(pick ? [pick] : []), ...fileParts, ...typedParts, ...askedParts];

  const typedBox = element("fieldset", { class: "repro-fields" }, element("legend", {}, "Configuration"), ...typedParts.map(({ box }) => box));
  const sourceNote = element("p", { class: "repro-model-source" });
  const answer = element("p", { class: "repro-answer", role: "status" });
  const notes = element("p", { class: "repro-answer-notes" });
  const table = element("table");
  const link = element("a", {}, "Link to this calculation");
  const form = element(
    "form", { novalidate: true, "aria-label": place.dataset.label },
    ...(pick ? [element("div", { class: "repro-fields" }, pick.box), sourceNote, ...fileParts.map(({ box }) => box), typedBox] : []),
    element("div", { class: "repro-fields" }, ...askedParts.map(({ box }) => box)),
    answer, element("div", { class: "repro-table" }, table), notes,
    element("p", { class: "repro-calculator-foot" }, link, element("button", { type: "reset" }, "Start again")),
  );

  const raw = () => Object.fromEntries(parts.map(({ field, control }) => [field.name, control.value]));
  const isOwn = () => !pick || pick.control.value === OWN;
  const isPasted = () => pick?.control.value === PASTED;

  // A picked model leaves its numbers in the typed fields, from which a reader may go on.
  function fill() {
    const known = !isOwn() && !isPasted() && spec.fill?.(models[pick.control.value]);
    for (const { field, control } of known ? typedParts : []) control.value = String(known[field.name]);
  }

  function arrange() {
    const given = raw();
    typedBox.hidden = !isOwn();
    for (const { box } of fileParts) box.hidden = !isPasted();
    for (const { field, box } of askedParts) box.hidden = Boolean(field.when && !field.when(given));
  }

  const inUse = () => parts.filter((part) => !part.box.hidden && !part.box.closest("[hidden]"));

  function modelOf(values) {
    if (!pick) return {};
    if (isOwn()) return { name: "your model", ...spec.own(values) };
    if (isPasted()) return { name: "your model", ...values.file };
    return { name: pick.control.value, ...models[pick.control.value] };
  }

  function read() {
    const values = {};
    const wrongs = {};
    for (const { field, control } of inUse()) {
      const { value, wrong } = readField(field, control.value);
      if (wrong) wrongs[field.name] = wrong;
      else values[field.name] = value;
    }
    const model = Object.keys(wrongs).length ? null : modelOf(values);
    Object.assign(wrongs, spec.check?.(values, model)); // of what could be read, so that all complaints show at once
    return { values, wrongs, model };
  }

  function showWrongs(wrongs) {
    for (const { field, control, wrong } of parts) {
      const said = wrongs[field.name] ?? "";
      if (wrong.textContent !== said) wrong.textContent = said;
      if (said) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
  }

  function showAnswer({ sentence, notes: said = [], columns, rows }) {
    answer.textContent = sentence;
    notes.textContent = said.filter(Boolean).join(" ");
    const head = columns.map((column, place) => element("th", { scope: "col", class: place > 0 && "repro-number" }, column));
    const body = rows.map(([part, formula, ...cells]) => element(
      "tr", {},
      element("th", { scope: "row" }, part, ...(formula ? [element("span", { class: "repro-meta" }, formula)] : [])),
      ...cells.map((cell) => element("td", { class: "repro-number" }, cell)),
    ));
    table.replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  }

  function update() {
    arrange();
    const { values, wrongs, model } = read();
    showWrongs(wrongs);
    const bad = Object.keys(wrongs).length;
    if (bad) {
      answer.textContent = `No answer: ${bad === 1 ? "one field needs" : `${bad} fields need`} a correction.`;
      notes.textContent = "";
      table.replaceChildren();
    } else showAnswer(spec.answer(values, model));
    if (pick) sourceNote.textContent = isOwn() || isPasted() ? "" : models[pick.control.value].source;
    link.setAttribute("href", address());
  }

  // What differs from a fresh calculator, and all of an own configuration that is typed.
  function address() {
    const told = (part) => typedParts.includes(part) || (!part.field.file && part.control.value !== String(part.field.value));
    const given = inUse().filter(told).map(({ field, control }) => [field.name, control.value]);
    return `?${new URLSearchParams([["calculator", name], ...given])}#${section}`;
  }

  function readAddress() {
    const given = new URLSearchParams(location.search);
    if (given.get("calculator") !== name) return;
    const set = ({ field, control }) => {
      const value = given.get(field.name);
      if (value !== null && (!field.options || field.options.some(([one]) => one === value))) control.value = value;
    };
    if (pick) set(pick);
    fill();
    for (const part of [...typedParts, ...askedParts]) set(part);
  }

  form.addEventListener("input", (event) => {
    if (event.target === pick?.control) fill();
    update();
    history.replaceState(null, "", address());
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    fill();
    update();
    history.replaceState(null, "", `${location.pathname}#${section}`);
  }));
  fill();
  readAddress();
  update();
  place.replaceChildren(form);
}

document.addEventListener("DOMContentLoaded", () => {
  const places = document.querySelectorAll("[data-calculator]");
  const specs = places.length ? calculators() : {};
  for (const place of places) openCalculator(place, specs[place.dataset.calculator]);
  if (places.length) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
});
