// The arithmetic of repro.sizing.calculators in the reader's browser, under the same names: plain numbers in, named
// numbers out, memory in bytes. A test compares the two over a grid of inputs; formulas have their sources over there.
"use strict";

const sizing = (() => {
  const GB = 1e9, GIB = 2 ** 30, HOUR = 3600, DAY = 86400;
  const LONGEST_DRAFT = 64;

  let read = null; // the page's copy of repro.sizing.catalogue, once its element is there
  const catalogue = () => (read ??= JSON.parse(document.getElementById("repro-catalogue").textContent));

  const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

  // Whole parts as Python's // gives them: the remainder is exact, a rounded quotient is not.
  const wholes = (one, other) => Math.round((one - (one % other)) / other);

  function summed(parts, gpus) {
    const total = sum(Object.values(parts));
    return { ...parts, total, per_gpu: total / gpus };
  }

  function dense_decoder({ layers, width, heads, kv_heads, head_width, hidden, gated, vocabulary, tied }) {
    const [queries, keys] = [heads * head_width, kv_heads * head_width];
    const attention = 2 * width * (queries + keys);
    const blocks = gated ? 3 : 2;
    const quantised = layers * (attention + blocks * width * hidden);
    return {
      parameters: quantised + (tied ? 1 : 2) * vocabulary * width + (2 * layers + 1) * width,
      quantised,
      adapters: layers * (2 * (width + queries) + 2 * (width + keys) + blocks * (width + hidden)),
      cached: 2 * layers * keys,
    };
  }

  function inference_memory({
    parameters, weight_bits, kept_in_16, cached, windowed, window, width, hidden, vocabulary, context,
    batch = 1, cache_bits = 16, chunk = 512, gpus = 1, overhead = 1e9,
  }) {
    const flight = batch * Math.min(context, chunk);
    const numbers = (cached * context + windowed * Math.min(context, window)) * batch;
    const parts = {
      weights: ((parameters - kept_in_16) * weight_bits) / 8 + kept_in_16 * 2,
      cache: (numbers * cache_bits) / 8,
      working: flight * 2 * 2 * (width + hidden) + batch * 4 * vocabulary,
      overhead: overhead * gpus,
    };
    return summed(parts, gpus);
  }

  function cards_needed({ spread, each, memory }) {
    return each >= memory ? null : Math.max(1, Math.ceil(spread / (memory - each)));
  }

  function activation_memory({
    layers, width, hidden, gated, heads, kv_heads, head_width, vocabulary, tokens, batch = 1, recompute = "selective",
  }) {
    const rows = 2 * head_width * (heads + kv_heads);
    const scores = recompute === "none" ? 2 * heads * tokens : 4 * heads;
    const attention = 2 * (width + rows) + scores;
    const layer = 4 * width + attention + 2 * (width + (gated ? 4 : 2) * hidden);
    const kept = recompute === "full" ? layers * 2 * width + layer : layers * layer;
    return tokens * batch * (kept + 4 * width + 4 * vocabulary);
  }

  // Of a model of the catalogue, as repro.sizing.activations.activation_bytes counts it from the configuration.
  function model_activations(model, { tokens, batch = 1, recompute = "selective" }) {
    const { selective, full, base, seen, windowed } = model.activations;
    const beyond = Math.max(0, tokens - model.window);
    const scores = recompute === "none" ? base + seen * tokens - windowed * beyond : 0;
    return tokens * batch * (recompute === "full" ? full : selective + scores);
  }

  function training_memory({
    parameters, trained, frozen_bits, recipe, activations, gpus = 1, stage = 0, overhead = 1e9,
  }) {
    const kept = catalogue().recipes[recipe];
    const share = (first) => (stage >= first ? 1 / gpus : 1) * gpus;
    const parts = {
      frozen: trained === parameters ? 0 : ((parameters * frozen_bits) / 8) * share(3),
      weights: trained * kept.weights * share(3),
      gradients: trained * kept.gradients * share(2),
      optimiser: trained * kept.optimiser * share(1),
      activations: activations * gpus,
      overhead: overhead * gpus,
    };
    return summed(parts, gpus);
  }

  function kv_cache({ layers, heads, kv_heads, head_width, context, batch = 1, bits = 16, free_bytes = 0 }) {
    const size = (kept, tokens) => (2 * layers * kept * head_width * tokens * batch * bits) / 8;
    return {
      per_token: size(kv_heads, 1) / batch,
      total: size(kv_heads, context),
      full_heads: size(heads, context),
      longest: wholes(free_bytes, size(kv_heads, 1)),
    };
  }

  // Of a model of the catalogue, latents and windows included: repro.sizing.cache.cache_bytes and longest_context.
  function model_cache(model, { context, batch = 1, bits = 16, free_bytes = 0 }) {
    const { cached, windowed, window } = model;
    const numbers = (tokens) => cached * tokens + windowed * Math.min(tokens, window);
    const room = (free_bytes * 8) / bits / batch;
    let longest = Infinity; // every layer has a window, and all fit
    if (room < numbers(window)) longest = wholes(room, cached + windowed);
    else if (cached) longest = wholes(room - windowed * window, cached);
    return { per_token: ((cached + windowed) * bits) / 8, total: (numbers(context) * batch * bits) / 8, longest };
  }

  function training_cost({ parameters, tokens, gpus, peak_flops, utilisation, dollars_per_gpu_hour }) {
    const flops = 6 * parameters * tokens;
    const gpu_hours = flops / (peak_flops * utilisation) / HOUR;
    return {
      flops,
      petaflop_days: flops / (1e15 * DAY),
      gpu_hours,
      days: gpu_hours / gpus / 24,
      dollars: gpu_hours * dollars_per_gpu_hour,
    };
  }

  function compute_optimal({ budget, ratio = 20 }) {
    const parameters = Math.sqrt(budget / (6 * ratio));
    return { parameters, tokens: ratio * parameters };
  }

  function active_share({ shared, expert, experts, active, batch = 1 }) {
    const [total, used] = [shared + experts * expert, shared + active * expert];
    const touched = 1 - (1 - active / experts) ** batch;
    return { total, active: used, share: used / total, naive: active / experts, touched };
  }

  function speculative({ acceptance, drafted, cost }) {
    const tokens = (draft) => sum(Array.from({ length: draft + 1 }, (_, place) => acceptance ** place));
    const speed_up = (draft) => tokens(draft) / (draft * cost + 1);
    let best = 0;
    for (let draft = 1; draft <= LONGEST_DRAFT; draft++) if (speed_up(draft) > speed_up(best)) best = draft;
    return { tokens: tokens(drafted), speed_up: speed_up(drafted), best_draft: best, best_speed_up: speed_up(best) };
  }

  // A number as people write it (70B, 1.4T, 1e9, 1_000, 1,000), as repro.fits.sizes.parse_size reads it; NaN if none.
  function parse_size(text) {
    const digits = /^([+-]?(?:\d+(?:[_,]\d{3})*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKmMbBgGtTpPEZY]?)$/;
    const steps = { "": 0, k: 3, m: 6, b: 9, g: 9, t: 12, p: 15, e: 18, z: 21, y: 24 };
    const found = digits.exec(text.trim().replace("−", "-"));
    return found ? Number(found[1].replaceAll(/[_,]/g, "")) * 10 ** steps[found[2].toLowerCase()] : NaN;
  }

  return {
    GB, GIB, catalogue, dense_decoder, inference_memory, cards_needed, activation_memory, model_activations,
    training_memory, kv_cache, model_cache, training_cost, compute_optimal, active_share, speculative, parse_size,
  };
})();
