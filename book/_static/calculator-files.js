// A config.json that is pasted: counted where it says no more than what is typed can say, which is Llama's shape; all
// else is left to the command, by name. A test compares both over families, windows, nested and quantised files.
"use strict";

const LEFT = "In a shell, repro size config.json counts it.";
const PASTED_FAMILIES = { // defaults of the class for fields that files leave out; null stays null, as the library has it
  llama: {},
  mistral: { num_key_value_heads: 8, sliding_window: 4096 },
  gemma: { head_dim: 256, tie_word_embeddings: true },
};
const MOST = { num_hidden_layers: 2000, max_position_embeddings: 1e9 };

// A field that is a whole number above 0, undefined where it is absent or null, or what is wrong with it, thrown.
function wholeField(fields, text, name, fallback) {
  const value = fields[name] ?? fallback;
  if (value === undefined) return undefined;
  const written = new RegExp(`"${name}"\\s*:\\s*-?\\d+[.eE]`).test(text); // 4096.0 is no whole number to the library
  if (!Number.isInteger(value) || value < 1 || value > (MOST[name] ?? 1e12) || written) {
    throw new Error(`Its ${name} is ${JSON.stringify(value)}; expected a whole number above 0.`);
  }
  return value;
}

function needed(fields, text, name) {
  const value = wholeField(fields, text, name);
  if (value === undefined) throw new Error(`Its ${name} is missing.`);
  return value;
}

// What a file says that Llama's shape does not have: one sentence, or nothing.
function beyondLlama(fields) {
  const { model_type: family, architectures: named } = fields;
  if ("peft_type" in fields) return "This is the configuration of an adapter; paste that of its base model.";
  if (typeof family !== "string") return "It names no model_type; expected a Hugging Face config.json.";
  if (!Object.hasOwn(PASTED_FAMILIES, family)) return `The browser does not count the family ${family.slice(0, 40)}. ${LEFT}`;
  if (fields.quantization_config || fields.compression_config || fields.text_config) {
    return `The browser does not read how its weights are stored, or a model inside another. ${LEFT}`;
  }
  if ((named ?? []).length !== 0 && !(Array.isArray(named) && String(named[0]).endsWith("ForCausalLM"))) {
    return `The browser counts no model but one that writes text, and this one is another. ${LEFT}`;
  }
  if ([fields.attention_bias, fields.mlp_bias].some((flag) => flag !== undefined && flag !== null && flag !== false)) {
    return `The browser does not count biases. ${LEFT}`;
  }
  if (family === "mistral" && ((fields.sliding_window === undefined ? 4096 : fields.sliding_window) !== null || fields.layer_types)) {
    return `The browser does not count windows, and a Mistral has one unless sliding_window is null. ${LEFT}`;
  }
  return "";
}

function pastedShape(fields, text) {
  const known = PASTED_FAMILIES[fields.model_type];
  const left = (name) => (name in fields ? undefined : known[name]);
  const width = needed(fields, text, "hidden_size");
  const heads = needed(fields, text, "num_attention_heads");
  const kv_heads = wholeField(fields, text, "num_key_value_heads", left("num_key_value_heads")) ?? heads;
  const head_width = wholeField(fields, text, "head_dim", left("head_dim")) ?? width / heads;
  const tied = fields.tie_word_embeddings ?? known.tie_word_embeddings ?? false;
  if (heads % kv_heads) throw new Error(`Its num_key_value_heads ${kv_heads} does not divide num_attention_heads ${heads}.`);
  if (!Number.isInteger(head_width)) throw new Error(`Its hidden_size ${width} is not a multiple of num_attention_heads ${heads}.`);
  if (typeof tied !== "boolean") throw new Error("Its tie_word_embeddings is neither true nor false.");
  return {
    layers: needed(fields, text, "num_hidden_layers"), width, heads, kv_heads, head_width,
    hidden: needed(fields, text, "intermediate_size"), gated: true, vocabulary: needed(fields, text, "vocab_size"), tied,
  };
}

// The model of a pasted config.json, or what is wrong with it.
function readPasted(text) {
  if (!text.trim()) return { wrong: "Nothing is pasted; expected the text of a config.json." };
  let fields;
  try {
    fields = JSON.parse(text.trim().replace(/^\uFEFF/, ""));
  } catch {
    return { wrong: `This is no JSON; expected the text of a config.json. ${LEFT}` };
  }
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return { wrong: "This is no object; expected the text of a config.json." };
  const beyond = beyondLlama(fields);
  if (beyond) return { wrong: beyond };
  try {
    const shape = pastedShape(fields, text);
    const positions = wholeField(fields, text, "max_position_embeddings") ?? null;
    const counts = sizing.dense_decoder(shape);
    const { width, hidden, vocabulary } = shape;
    return { value: { ...counts, active: counts.parameters, windowed: 0, window: 0, width, hidden, vocabulary, positions, shape } };
  } catch (error) {
    return { wrong: error.message };
  }
}
