"""What a folder holds, by its files alone: no weight is read, and nothing of the model's size is allocated."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
# Sub-configurations of what sees or hears, as `transformers` names them.
SENSES = ("vision_config", "visual_config", "vision_tower_config", "audio_config", "speech_config", "vq_config")
CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "max_sequence_length")
LONGEST = 10**6  # tokens of a context, where a family has no end: state-space models, linear biases
MOST_HEADER = 100 * 2**20  # bytes; the format allows no more


@dataclass(frozen=True)
class Described:
    """What is known of a model before it is opened.

    Fields: `family` its model_type; `vocabulary` rows of its table of words; `context` the longest sequence; `forgets`
    whether its cache can be cut back to an earlier token; `unused` tensors of the folder that the model does not have.
    """

    family: str
    vocabulary: int
    context: int
    forgets: bool
    unused: tuple[str, ...]


def describe(folder: Path, name: str, *, classifies: bool = False) -> Described:
    """The model in a folder, as `transformers` would build it.

    Args:
        name: of the model, for errors.
        classifies: a sequence classifier is wanted, instead of a model that writes.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: another kind of model, a file that is broken, or a configuration that does not fit the weights.
    """
    fields = config_of(folder, name)
    _refuse_other_kinds(fields, name)
    tensors = _tensors(folder, name)
    with quiet():
        from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

        config = _parsed(folder, name, fields)
        kind = _class_of(config, name, classifies=classifies)
        _refuse_depth(config, name, len(tensors))
        auto = AutoModelForSequenceClassification if classifies else AutoModelForCausalLM
        told = _dry_run(auto, folder, name)
    if missing := sorted(told["missing_keys"]):
        head = " (so what it says would be random)" if classifies else ""
        raise ValueError(
            f"{name} lacks {len(missing)} weights that its config.json asks of a {kind.__name__}, first "
            f"{missing[0]}{head}; give the whole model"
        )
    if unlike := sorted(told["mismatched_keys"]):
        tensor, held, wanted = unlike[0][:3]
        raise ValueError(
            f"{name}: {tensor} has shape {tuple(held)} and config.json asks for {tuple(wanted)}; expected the "
            "config.json that was saved with these weights"
        )
    with _by_name(f"config.json of {name} does not describe a model"):
        return _told(config, kind, tuple(sorted(told["unexpected_keys"])))


@contextmanager
def quiet() -> Iterator[None]:
    """Without the bars and notes of `transformers`, which would stand on a reader's page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers.utils import logging as notes

        level, bars = notes.get_verbosity(), notes.is_progress_bar_enabled()
        notes.set_verbosity(logging.CRITICAL)
        notes.disable_progress_bar()
        try:
            yield
        finally:
            notes.set_verbosity(level)
            if bars:
                notes.enable_progress_bar()


def config_of(folder: Path, name: str) -> dict[str, Any]:
    """The fields of a folder's config.json.

    Raises:
        FileNotFoundError: there is none, or an adapter's.
        ValueError: it is no JSON object, or names no model_type.
    """
    if (folder / ADAPTER).is_file():
        base = _json(folder / ADAPTER, name).get("base_model_name_or_path")
        raise ValueError(
            f"{name} holds an adapter{f' of {base}' if base else ''} ({ADAPTER}); merge it into its base "
            "(merge_and_unload of peft), save_pretrained, and give that folder"
        )
    if not (folder / "config.json").is_file():
        others = sorted({file.suffix for file in folder.iterdir() if file.suffix in (".gguf", ".bin", ".pt", ".pth")})
        beside = f" but {', '.join(f'*{one}' for one in others)}, which is not read" if others else ""
        raise FileNotFoundError(
            f"{name} holds no config.json{beside}; expected what save_pretrained writes: config.json and *.safetensors"
        )
    fields = _json(folder / "config.json", name)
    if not isinstance(fields.get("model_type"), str):
        raise ValueError(f"config.json of {name} has model_type {fields.get('model_type')!r}; expected a family's name")
    return fields


def _json(file: Path, name: str) -> dict[str, Any]:
    try:
        fields = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file.name} of {name} is no JSON ({error}); copy or save it again") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{file.name} of {name} holds a {type(fields).__name__}; expected an object with fields")
    return fields


def _refuse_other_kinds(fields: Mapping[str, Any], name: str) -> None:
    if (stored := fields.get("quantization_config")) is not None:
        method = stored.get("quant_method") if isinstance(stored, Mapping) else None
        raise ValueError(
            f"{name} is quantised ({method or 'by an unnamed method'}), which needs a library for GPUs; give the model "
            "with its weights in float32, bfloat16 or float16"
        )
    if senses := [sense for sense in SENSES if fields.get(sense)]:
        raise ValueError(
            f"{name} is a {fields['model_type']} that also reads images or sound ({senses[0]}); give its language "
            "model alone, saved by save_pretrained"
        )
    if fields.get("is_encoder_decoder"):
        raise ValueError(f"{name} is an encoder-decoder ({fields['model_type']}); expected a decoder-only model")


def _parsed(folder: Path, name: str, fields: Mapping[str, Any]) -> Any:
    """The configuration as its class reads it."""
    import transformers

    family = fields["model_type"]
    if family not in transformers.CONFIG_MAPPING:
        own = " and brings code of its own, which is not run" if fields.get("auto_map") else ""
        raise ValueError(
            f"{name} is a {family!r}, which transformers {transformers.__version__} does not know{own}; "
            "a newer transformers may"
        )
    with _by_name(f"transformers refuses config.json of {name}"):
        return transformers.AutoConfig.from_pretrained(folder, local_files_only=True)


def _class_of(config: Any, name: str, *, classifies: bool) -> Any:
    """The class that would read the folder."""
    from transformers.models.auto import modeling_auto as auto

    family, kind = config.model_type, type(config)
    if config.is_encoder_decoder or kind in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        raise ValueError(f"{name} is an encoder-decoder ({family}); expected a decoder-only model")
    if classifies:
        if kind not in auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
            raise ValueError(f"{name} is a {family}, which transformers has no sequence classifier for")
        return auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[kind]
    both_ways = kind in auto.MODEL_FOR_MASKED_LM_MAPPING and not config.is_decoder
    if both_ways or kind not in auto.MODEL_FOR_CAUSAL_LM_MAPPING:
        what = "an encoder" if kind in auto.MODEL_FOR_MASKED_LM_MAPPING else "no language model"
        raise ValueError(f"{name} is {what} ({family}); expected a model that writes, a decoder")
    named = config.architectures[0] if isinstance(config.architectures, list) and config.architectures else ""
    if str(named).endswith(("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")):
        raise ValueError(f"{name} is a classifier ({named}); expected a model that writes")
    return auto.MODEL_FOR_CAUSAL_LM_MAPPING[kind]


def _tensors(folder: Path, name: str) -> dict[str, object]:
    """Every tensor of the folder by name, from the heads of its files.

    Raises:
        FileNotFoundError: no weights, or a shard that is missing.
        ValueError: a file that is cut off or no safetensors.
    """
    tensors: dict[str, object] = {}
    for file in _weight_files(folder, name):
        tensors |= _head(file, name)
    if not tensors:
        raise ValueError(f"the weights of {name} hold no tensor; save the model again")
    return tensors


def _weight_files(folder: Path, name: str) -> Iterator[Path]:
    if (folder / WEIGHTS).is_file():
        yield folder / WEIGHTS
        return
    if not (folder / INDEX).is_file():
        others = sorted(file.name for file in folder.iterdir() if file.suffix in (".safetensors", ".bin", ".gguf"))
        raise FileNotFoundError(
            f"{name} holds no {WEIGHTS}{f', but {others[0]}' if others else ''}; save_pretrained writes it, or shards "
            f"with {INDEX}"
        )
    places = _json(folder / INDEX, name).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(shard, str) for shard in places.values()):
        raise ValueError(f"{INDEX} of {name} has no weight_map from tensors to files; save the model again")
    for shard in sorted(set(places.values())):
        if Path(shard).name != shard or not (folder / shard).is_file():
            raise FileNotFoundError(f"{name} lacks {shard}, which {INDEX} names; copy all shards")
        yield folder / shard


def _head(file: Path, name: str) -> dict[str, object]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or not 0 < length <= min(size - 8, MOST_HEADER):
            raise ValueError(f"{file.name} of {name} is cut off, or no safetensors ({size:,} bytes); copy it again")
        try:
            head = json.loads(opened.read(length))
            ends = [entry["data_offsets"][1] for key, entry in head.items() if key != "__metadata__"]
            missing = 8 + length + max(ends, default=0) - size
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise ValueError(f"the head of {file.name} of {name} cannot be read; copy it again") from error
    if missing > 0:
        raise ValueError(f"{file.name} of {name} is cut off: {missing:,} bytes are missing; copy it again")
    return {key: entry for key, entry in head.items() if key != "__metadata__"}


def _refuse_depth(config: Any, name: str, tensors: int) -> None:
    """Even without memory each layer is an object; a model has a tensor per layer at the least."""
    layers = getattr(config.get_text_config(), "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > tensors:
        raise ValueError(f"config.json of {name} says {layers:,} layers and the weights are {tensors:,} tensors")


def _dry_run(auto: Any, folder: Path, name: str) -> dict[str, Any]:
    """What loading would find missing, mismatched or unused, found on the meta device, where tensors have no memory."""
    with _by_name(f"transformers cannot open {name}"):
        told = auto.from_pretrained(
            folder,
            device_map="meta",
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    return dict(told[1])


def forgets(config: Any, kind: Any) -> bool:
    """Whether the cache of a class of models can be cut back: keys and values of single tokens, and no state of all."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    layers = {type(layer) for layer in DynamicCache(config=config).layers}
    return not kind._is_stateful and layers <= {DynamicLayer, DynamicSlidingWindowLayer}


def _told(config: Any, kind: Any, unused: tuple[str, ...]) -> Described:
    text = config.get_text_config()
    contexts = [length for field in CONTEXTS if isinstance(length := getattr(text, field, None), int) and length > 0]
    return Described(
        family=str(config.model_type),
        vocabulary=int(text.vocab_size),
        context=contexts[0] if contexts else LONGEST,
        forgets=forgets(config, kind),
        unused=unused,
    )


@contextmanager
def _by_name(what: str) -> Iterator[None]:
    """Turn what a foreign library raises, which may be anything, into one sentence."""
    try:
        yield
    except Exception as error:
        told = (str(error).strip() or "no reason given").splitlines()[0][:300]
        raise ValueError(f"{what} ({type(error).__name__}: {told})") from error
