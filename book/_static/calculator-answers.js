// What each calculator answers: a sentence, and a table of its formulas with the numbers put in.
"use strict";

// ---------------------------------------------------------------- spelling

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function spell(number) {
  if (Math.abs(number) < 1e6) return number.toLocaleString("en-US", { maximumSignificantDigits: number % 1 ? 4 : 21 });
  for (const [step, word] of [[1e6, "million"], [1e9, "billion"], [1e12, "trillion"]]) {
    if (number < 999.95 * step) return `${Number((number / step).toPrecision(4))} ${word}`;
  }
  const [digits, power] = number.toExponential(2).split("e+");
  return `${digits} × 10${[...power].map((digit) => RAISED[digit]).join("")}`;
}

function decimals(number) {
  if (number === 0) return "0";
  if (number < 0.01) return String(Number(number.toPrecision(3)));
  if (number >= 1e9) return spell(number);
  return number.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

const inGB = (bytes) => decimals(bytes / sizing.GB);
const inGiB = (bytes) => decimals(bytes / sizing.GIB);
const spoken = (bytes) => `${inGB(bytes)} GB (${inGiB(bytes)} GiB)`;
const percent = (share) => `${Number((100 * share).toPrecision(3))} %`;
const many = (number, one, more = `${one}s`) => `${spell(number)} ${number === 1 ? one : more}`;
const bytesRow = (part, formula, bytes) => [part, formula, inGB(bytes), inGiB(bytes)];

function storage(model, name) {
  const form = sizing.catalogue().formats[name];
  const kept = form.whole ? 0 : model.parameters - model.quantised;
  const bits = spell(form.bits);
  const shrunk = `${spell(model.parameters - kept)} × ${bits} bits`;
  const formula = kept ? `(${shrunk} + ${spell(kept)} × 16 bits) ÷ 8` : `${shrunk} ÷ 8`;
  const note = kept ? `${name}: ${form.about}; tables of the vocabulary, norms and biases stay in 16 bits.` : "";
  return { bits: form.bits, kept, formula, note };
}

function cacheFormula(model, { context, batch, cache_bits }) {
  const { cached, windowed, window, shape } = model;
  const rest = `${many(batch, "sequence")} × ${cache_bits} bits ÷ 8`;
  if (windowed) {
    return `(${spell(cached)} × ${spell(context)} + ${spell(windowed)} × min(${spell(context)}, ${spell(window)})) × ${rest}`;
  }
  const plain = shape && 2 * shape.layers * shape.kv_heads * shape.head_width === cached;
  const kept = plain
    ? `2 × ${shape.layers} layers × ${many(shape.kv_heads, "head")} × ${shape.head_width}`
    : `${spell(cached)} numbers a token`;
  return `${kept} × ${many(context, "token")} × ${rest}`;
}

function beyondPositions(model, { context }) {
  return model.positions && context > model.positions ? `It was published for ${spell(model.positions)} tokens.` : "";
}

// ------------------------------------------------------- what fits on GPUs

function fitting(found, { gpus, memory }) {
  const fits = found.per_gpu <= memory * sizing.GIB ? "fits" : "does not fit";
  return `which ${fits} in the ${spell(memory)} GiB of ${gpus === 1 ? "one GPU" : "each"}`;
}

// How many GPUs would hold it, if those given do not.
function enough(found, { memory, gpus }) {
  const each = found.overhead / gpus;
  const cards = sizing.cards_needed({ spread: found.total - found.overhead, each, memory: memory * sizing.GIB });
  if (cards === null) return "; no number of such GPUs would hold it";
  return cards > gpus ? `; ${many(cards, "such GPU")} would hold it` : "";
}

function serving(v, model) {
  const { bits, kept, formula, note } = storage(model, v.format);
  const { width, hidden, vocabulary, cached, windowed, window, parameters } = model;
  const found = sizing.inference_memory({
    parameters, weight_bits: bits, kept_in_16: kept, cached, windowed, window, width, hidden, vocabulary,
    context: v.context, batch: v.batch, cache_bits: Number(v.cache_bits), gpus: v.gpus, overhead: v.overhead * sizing.GB,
  });
  const each = v.gpus > 1 ? ` in all, ${inGiB(found.per_gpu)} GiB on each of ${spell(v.gpus)} GPUs` : "";
  const flight = v.batch * Math.min(v.context, 512);
  return {
    sentence: `To serve ${model.name} with ${many(v.batch, "sequence")} of ${many(v.context, "token")} takes ` +
      `${spoken(found.total)}${each}, ${fitting(found, v)}${enough(found, v)}.`,
    notes: [note, beyondPositions(model, v)],
    columns: ["part", "GB", "GiB"],
    rows: [
      bytesRow("weights", formula, found.weights),
      bytesRow("key-value cache", cacheFormula(model, v), found.cache),
      bytesRow(
        "working memory, an estimate",
        `${many(flight, "token")} in flight × 4 bytes × (${spell(width)} + ${spell(hidden)}) + ${spell(v.batch)} × 4 bytes × ${spell(vocabulary)}`,
        found.working,
      ),
      bytesRow("runtime", `${spell(v.overhead)} GB × ${many(v.gpus, "GPU")}`, found.overhead),
      bytesRow("total", "", found.total),
      ...(v.gpus > 1 ? [bytesRow("each GPU", `total ÷ ${spell(v.gpus)}`, found.per_gpu)] : []),
    ],
  };
}

// ---------------------------------------------------------------- training

function trained(v, model) {
  return v.method === "lora" ? v.rank * model.adapters : model.parameters;
}

function training(v, model) {
  const step = { tokens: v.context, batch: v.batch, recompute: v.recompute };
  const activations = model.activations
    ? sizing.model_activations(model, step)
    : sizing.activation_memory({ ...model.shape, ...step });
  const base = storage(model, v.method === "lora" ? v.frozen : "bf16");
  const { parameters } = model;
  const learned = trained(v, model);
  const found = sizing.training_memory({
    parameters, trained: learned, recipe: v.recipe, activations, gpus: v.gpus, stage: Number(v.stage),
    frozen_bits: ((parameters - base.kept) * base.bits + base.kept * 16) / parameters, overhead: v.overhead * sizing.GB,
  });
  const kept = sizing.catalogue().recipes[v.recipe];
  const split = (first) => (v.gpus > 1 && Number(v.stage) >= first ? ` ÷ ${many(v.gpus, "GPU")}` : "");
  const each = (part, formula, bytes) => bytesRow(part, formula, bytes / v.gpus);
  const states = [["weights", 3], ["gradients", 2], ["optimiser", 1]].map(([part, first]) =>
    each(v.method === "lora" ? `${part}, adapters` : part, `${spell(learned)} × ${spell(kept[part])} bytes${split(first)}`, found[part]));
  const what = v.method === "lora" ? `adapters of rank ${spell(v.rank)} on` : "every weight of";
  return {
    sentence: `To train ${what} ${model.name} takes ${spoken(found.per_gpu)} on ` +
      `${v.gpus === 1 ? "one GPU" : `each of ${spell(v.gpus)} GPUs`}, ${fitting(found, v)}.`,
    notes: [v.method === "lora" ? base.note : "", beyondPositions(model, v)],
    columns: ["on each GPU", "GB", "GiB"],
    rows: [
      ...(found.frozen ? [each("frozen weights", `${base.formula}${split(3)}`, found.frozen)] : []),
      ...states,
      each(
        "activations",
        `${many(v.context, "token")} × ${many(v.batch, "sequence")} × ${spell(activations / v.context / v.batch)} bytes a token`,
        found.activations,
      ),
      each("runtime", "", found.overhead),
      each("total", "", found.total),
      ...(v.gpus > 1 ? [bytesRow("all GPUs", `× ${spell(v.gpus)}`, found.total)] : []),
    ],
  };
}

// ------------------------------------------------------------------- cache

function cache(v, model) {
  const bits = Number(v.cache_bits);
  const asked = { context: v.context, batch: v.batch, bits, free_bytes: v.memory * sizing.GIB };
  const found = model.activations ? sizing.model_cache(model, asked) : sizing.kv_cache({ ...model.shape, ...asked });
  const { shape } = model;
  const fuller = shape && sizing.kv_cache({ ...shape, ...asked }).full_heads;
  const longest = found.longest === Infinity
    ? `${spell(v.memory)} GiB hold any context, since every layer looks back ${spell(model.window)} tokens only`
    : `${spell(v.memory)} GiB hold at most ${many(found.longest, "token")}${v.batch > 1 ? " in each sequence" : ""}`;
  const heads = fuller && !model.windowed
    ? [bytesRow("if every query head had its own", `× ${shape.heads} ÷ ${shape.kv_heads} heads`, fuller)]
    : [];
  return {
    sentence: `The cache of ${model.name} takes ${spoken(found.total)} for ${many(v.batch, "sequence")} of ` +
      `${many(v.context, "token")}; ${longest}.`,
    notes: [beyondPositions(model, v)],
    columns: ["memory", "GB", "GiB"],
    rows: [
      bytesRow("cache", cacheFormula(model, v), found.total),
      bytesRow("one token of one sequence", `${spell(found.per_token)} bytes`, found.per_token),
      ...heads,
    ],
  };
}

// ---------------------------------------------------- cost, size, mixtures

function cost(v, model) {
  const peak = v.gpu === "other" ? v.peak * 1e12 : sizing.catalogue().peak_flops[v.gpu];
  const parameters = model.active;
  const utilisation = v.utilisation / 100;
  const found = sizing.training_cost({
    parameters, tokens: v.tokens, gpus: v.gpus, peak_flops: peak, utilisation, dollars_per_gpu_hour: v.dollars,
  });
  return {
    sentence: `To train ${model.name} on ${spell(v.tokens)} tokens takes ${spell(found.gpu_hours)} GPU-hours: ` +
      `${spell(found.days)} days on ${many(v.gpus, "GPU")}, for ${spell(found.dollars)} dollars.`,
    columns: ["quantity", "value", "unit"],
    rows: [
      ["operations", `6 × ${spell(parameters)} × ${spell(v.tokens)}`, spell(found.flops), "flop"],
      ["the same", "operations ÷ (10¹⁵ a second × one day)", spell(found.petaflop_days), "petaflop/s-days"],
      ["GPU time", `operations ÷ (${spell(peak / 1e12)} × 10¹² a second × ${percent(utilisation)}) ÷ 3,600`, spell(found.gpu_hours), "GPU-hours"],
      ["time", `GPU-hours ÷ ${many(v.gpus, "GPU")} ÷ 24`, spell(found.days), "days"],
      ["cost", `GPU-hours × ${spell(v.dollars)} dollars`, spell(found.dollars), "dollars"],
    ],
  };
}

function optimal(v) {
  const found = sizing.compute_optimal(v);
  return {
    sentence: `A budget of ${spell(v.budget)} operations is best spent on ${spell(found.parameters)} parameters ` +
      `and ${spell(found.tokens)} tokens, if ${many(v.ratio, "token")} a parameter is the best ratio.`,
    columns: ["quantity", "value", "unit"],
    rows: [
      ["parameters", `√(${spell(v.budget)} ÷ (6 × ${spell(v.ratio)}))`, spell(found.parameters), "parameters"],
      ["tokens", `${spell(v.ratio)} × ${spell(found.parameters)}`, spell(found.tokens), "tokens"],
    ],
  };
}

function mixture(v, model) {
  const { shared, expert, experts, active } = model.mixture;
  const found = sizing.active_share({ ...model.mixture, batch: v.batch });
  return {
    sentence: `A token of ${model.name} uses ${spell(found.active)} of ${spell(found.total)} parameters: ` +
      `${percent(found.share)}, where ${active} in ${experts} experts alone would be ${percent(found.naive)}.`,
    columns: ["quantity", "value", "unit"],
    rows: [
      ["all parameters", `${spell(shared)} + ${experts} × ${spell(expert)}`, spell(found.total), "parameters"],
      ["used by a token", `${spell(shared)} + ${active} × ${spell(expert)}`, spell(found.active), "parameters"],
      ["active share", "used ÷ all", percent(found.share), ""],
      ["share of experts", `${active} ÷ ${experts}`, percent(found.naive), ""],
      [`touched by ${many(v.batch, "token")}`, `1 − (1 − ${active} ÷ ${experts})^${spell(v.batch)}`, percent(found.touched), "of a layer's experts"],
    ],
  };
}

function speculation(v) {
  const found = sizing.speculative(v);
  const { acceptance, drafted, cost } = v;
  const best = found.best_draft
    ? `The best draft has ${many(found.best_draft, "token")} and is ${spell(found.best_speed_up)} times as fast.`
    : "No draft is faster than plain decoding.";
  const series = acceptance === 1 ? `${drafted} + 1` : `(1 − ${acceptance}^${drafted + 1}) ÷ (1 − ${acceptance})`;
  return {
    sentence: `Drafting ${many(drafted, "token")} yields ${spell(found.tokens)} tokens a verification and decodes ` +
      `${spell(found.speed_up)} times as fast. ${best}`,
    columns: ["quantity", "value", "unit"],
    rows: [
      ["tokens a verification", series, spell(found.tokens), "tokens"],
      ["speed-up", `${spell(found.tokens)} ÷ (${drafted} × ${cost} + 1)`, spell(found.speed_up), "times"],
      ["best draft", "the largest speed-up of drafts up to 64 tokens", spell(found.best_draft), "tokens"],
      ["its speed-up", "", spell(found.best_speed_up), "times"],
    ],
  };
}

