// What each calculator of the page asks: the models to pick from, the fields with what they take, and what does not go
// together. The answers are in calculator-answers.js, the arithmetic in sizing.js, the forms in calculator-form.js. All is
// asked when the page is there, since no order of the scripts is promised.
"use strict";

const OWN = "own"; // the choice of typing a configuration
const PASTED = "pasted"; // or of pasting the file that holds it, read in calculator-files.js

// ------------------------------------------------------------------ fields

const whole = (name, label, value, rest = {}) => ({ name, label, value, whole: true, least: 1, most: 1e9, ...rest });
const real = (name, label, value, rest = {}) => ({ name, label, value, above: 0, most: 1e30, ...rest });
const choice = (name, label, value, options, rest = {}) => ({ name, label, value, options, ...rest });

const configuration = () => [
  whole("layers", "Layers", 32, { most: 10_000 }),
  whole("width", "Width", 4096),
  whole("heads", "Query heads", 32),
  whole("kv_heads", "Key-value heads", 8),
  whole("head_width", "Width of a head", 128),
  whole("hidden", "Hidden width", 14_336),
  choice("gated", "Feed-forward", "true", [["true", "gated"], ["false", "plain"]]),
  whole("vocabulary", "Vocabulary", 128_256),
  choice("tied", "Embedding and head", "false", [["false", "apart"], ["true", "shared"]]),
];
const context = (value = 8192) => whole("context", "Tokens in a sequence", value);
const memory = (value) => real("memory", "Memory of one GPU, GiB", value);
const overhead = () => real("overhead", "Runtime on each GPU, GB", 1, { above: undefined, least: 0 });
const gpus = (value) => whole("gpus", "GPUs", value, { most: 1e7 });
const cacheBits = () =>
  choice("cache_bits", "A cached number", "16", [["16", "16 bits"], ["8", "8 bits"], ["4", "4 bits"], ["32", "32 bits"]]);
const formats = (name, label, value) => {
  const named = Object.values(sizing.catalogue().formats);
  return choice(name, label, value, named.map((form) => [form.name, `${form.name}, ${spell(form.bits)} bits`]));
};

function unevenHeads({ heads, kv_heads }) {
  if (!heads || !kv_heads || heads % kv_heads === 0) return {};
  const fitting = Array.from({ length: Math.min(heads, 1024) }, (_, one) => one + 1).filter((one) => heads % one === 0);
  const said = `${spell(kv_heads)} does not divide ${many(heads, "query head")}`;
  return { kv_heads: `${said}; give one of ${fitting.slice(0, 12).join(", ")}.` };
}

const RECIPES = {
  mixed: "mixed precision",
  fp32: "single precision",
  "no-master": "Adam in 32 bits",
  bf16: "Adam in 16 bits",
  adam8bit: "Adam in 8 bits",
};
const bytesEach = ({ weights, gradients, optimiser }) => weights + gradients + optimiser;

function recipes() {
  const named = Object.entries(sizing.catalogue().recipes);
  const options = named.map(([name, kept]) => [name, `${spell(bytesEach(kept))} B: ${RECIPES[name] ?? name}`]);
  return choice("recipe", "States, bytes a parameter", "mixed", options);
}

const adapters = (raw) => raw.method === "lora";

const isOther = (raw) => raw.gpu === "other";

// -------------------------------------------- what does not go together

function tooManyAdapters(v, model) {
  if (!model || v.method !== "lora" || trained(v, model) < model.parameters) return {};
  const most = Math.ceil(model.parameters / model.adapters) - 1;
  return { rank: `Adapters of rank ${spell(v.rank)} would be no smaller than the model; give at most ${spell(most)}.` };
}

function tooManyActive({ experts, active }) {
  return active > experts ? { active: `${spell(active)} of ${many(experts, "expert")} cannot be active; give at most ${spell(experts)}.` } : {};
}

// ------------------------------------------------------------------ models

const decoders = () => Object.keys(sizing.catalogue().models);
const mixtures = () => decoders().filter((name) => sizing.catalogue().models[name].mixture);

// A typed configuration in the numbers that the catalogue has of a published one.
function typed({ layers, width, heads, kv_heads, head_width, hidden, vocabulary, gated, tied }) {
  const shape = {
    layers, width, heads, kv_heads, head_width, hidden, vocabulary, gated: gated === "true", tied: tied === "true",
  };
  return { ...sizing.dense_decoder(shape), windowed: 0, window: 0, width, hidden, vocabulary, shape };
}

const headsAlone = ({ layers, heads, kv_heads, head_width }) => ({
  cached: 2 * layers * kv_heads * head_width, windowed: 0, window: 0, shape: { layers, heads, kv_heads, head_width },
});

// A calculator: `models`, names to pick from, and `model`, the first of them; `files`, whether a file may be pasted; `typed`, fields of an own configuration;
// `fill`, their values from a picked model; `own`, the model that typed fields make; `fields`, what is asked besides;
// `check`, messages by field for values that do not go together; `answer`.
const calculators = () => ({
  serving: {
    models: decoders(), model: "llama-3-8b", files: true, typed: configuration(), fill: (model) => model.shape, own: typed,
    fields: [formats("format", "Weights", "bf16"), context(), whole("batch", "Sequences at once", 1), cacheBits(), gpus(1), memory(24), overhead()],
    check: unevenHeads, answer: serving,
  },
  training: {
    models: decoders(), model: "llama-3-8b", files: true, typed: configuration(), fill: (model) => model.shape, own: typed,
    fields: [
      choice("method", "What is trained", "full", [["full", "every weight"], ["lora", "LoRA adapters"]]),
      whole("rank", "Rank of the adapters", 16, { when: adapters }),
      { ...formats("frozen", "Frozen weights", "bf16"), when: adapters },
      recipes(), context(4096), whole("batch", "Sequences on each GPU", 1),
      choice("recompute", "Recomputed activations", "full", [["none", "none"], ["selective", "attention's scores"], ["full", "whole layers"]]),
      gpus(8),
      choice("stage", "Shared between GPUs", "3", [["0", "nothing"], ["1", "ZeRO 1: optimiser"], ["2", "ZeRO 2: gradients too"], ["3", "ZeRO 3: weights too"]]),
      memory(80), overhead(),
    ],
    check: (v, model) => ({ ...unevenHeads(v), ...tooManyAdapters(v, model) }), answer: training,
  },
  cache: {
    models: decoders(), model: "llama-2-70b", files: true,
    typed: configuration().filter(({ name }) => ["layers", "heads", "kv_heads", "head_width"].includes(name)),
    fill: (model) => model.shape, own: headsAlone,
    fields: [context(4096), whole("batch", "Sequences at once", 1), cacheBits(), real("memory", "Memory for the cache, GiB", 40)],
    check: unevenHeads, answer: cache,
  },
  cost: {
    models: decoders(), model: "llama-2-70b", files: true, typed: [real("parameters", "Parameters a token uses", "70B")],
    fill: (model) => ({ parameters: model.active }), own: ({ parameters }) => ({ active: parameters }),
    fields: [
      real("tokens", "Training tokens", "2T"),
      choice("gpu", "GPU", "A100", [...Object.entries(sizing.catalogue().peak_flops).map(([name, peak]) => [name, `${name}, ${peak / 1e12} Tflop/s`]), ["other", "another"]]),
      real("peak", "Its peak, Tflop/s", 989, { when: isOther }),
      real("utilisation", "Share of the peak reached, %", 40, { most: 100 }),
      gpus(2048), real("dollars", "Dollars a GPU-hour", 2, { above: undefined, least: 0 }),
    ],
    answer: cost,
  },
  optimal: {
    fields: [real("budget", "Operations to spend", "5.76e23"), real("ratio", "Tokens a parameter", 20)],
    answer: optimal,
  },
  mixture: {
    models: mixtures(), model: "mixtral-8x7b",
    typed: [
      real("shared", "Parameters of all tokens", "1.6B", { above: undefined, least: 0 }), real("expert", "Parameters of one expert", "5.64B"),
      whole("experts", "Experts of a layer", 8, { most: 1e6 }), whole("active", "Active for a token", 2, { most: 1e6 }),
    ],
    fill: (model) => model.mixture, own: (v) => ({ mixture: v }),
    fields: [whole("batch", "Tokens at once", 8)],
    check: tooManyActive, answer: mixture,
  },
  speculation: {
    fields: [
      real("acceptance", "Acceptance of a drafted token, 0 to 1", 0.8, { above: undefined, least: 0, most: 1 }),
      whole("drafted", "Drafted tokens", 4, { least: 0, most: 1000 }),
      real("cost", "A draft step over a verification", 0.1, { above: undefined, least: 0 }),
    ],
    answer: speculation,
  },
});
