"""Building a model from a configuration on torch's meta device, where tensors have shapes and no memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from repro.sizing.models.config import Config, ConfigRefused, shown

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

UNREAD = ("auto_map", "attn_implementation", "_attn_implementation")  # other code, and kernels that may not be here


def build(config: Config) -> PreTrainedModel:
    """The model of a configuration, with bfloat16 shapes on the meta device.

    Which class: the file's `architectures` names it; else the one that writes text, where the family has one.

    Raises:
        ConfigRefused: `transformers` is not installed, does not know the family, or refuses a field.
    """
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise ConfigRefused(
            f"{config.name}: model_type {shown(config.family)} is not counted by formula, and {error.name}, "
            "which builds any other, is not installed; install "
            "the extra `training`: pip install -c constraints.txt -e '.[training]'"
        ) from error
    kept = torch.get_default_dtype()
    try:
        with quiet(), torch.device("meta"):
            torch.set_default_dtype(torch.bfloat16)  # fused products of experts know no other on every device
            parsed = _parsed(config, transformers)
            model: PreTrainedModel = _class_of(config, parsed, transformers)(parsed).eval()
            model.set_experts_implementation("batched_mm")  # the other ways look at values, which no tensor here has
            model.set_attn_implementation("eager")  # likewise
            return model
    except ConfigRefused:
        raise
    except Exception as error:  # a configuration may fail anywhere in a foreign library
        raise ConfigRefused(
            f"{config.name}: transformers {transformers.__version__} refuses this {config.family} configuration "
            f"({type(error).__name__}: {shown(error) or 'no reason given'})"
        ) from error
    finally:
        torch.set_default_dtype(kept)


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings of kernels that are not installed, and without checks of values that no device holds."""
    import transformers
    from torch.distributions import Distribution

    kept = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    Distribution.set_default_validate_args(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers.logging.set_verbosity(kept)
        Distribution.set_default_validate_args(__debug__)  # torch's own default


def _parsed(config: Config, transformers: Any) -> PretrainedConfig:
    """The configuration as its class reads it: that of its model_type, or of the class that `architectures` names."""
    fields = {field: value for field, value in config.fields.items() if field not in ("model_type", *UNREAD)}
    known: Any = transformers.CONFIG_MAPPING
    if config.family in known:
        return known[config.family](**fields)  # type: ignore[no-any-return]
    named = _named_class(config, transformers)
    if named is None:
        raise ConfigRefused(
            f"{config.name}: model_type {shown(config.family)} is known neither to this project nor to transformers "
            f"{transformers.__version__}; a newer transformers may read it"
        )
    return named.config_class(**fields)  # type: ignore[no-any-return]


def _named_class(config: Config, transformers: Any) -> Any:
    named = config.fields.get("architectures")
    first = named[0] if isinstance(named, list) and named else None
    found = getattr(transformers, first, None) if isinstance(first, str) else None
    is_model = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    return found if is_model else None  # a file may name anything, a pipeline or a trainer too


def _class_of(config: Config, parsed: PretrainedConfig, transformers: Any) -> Any:
    named = _named_class(config, transformers)
    if named is not None:
        return named
    from transformers.models.auto import modeling_auto as auto

    causal: Any = auto.MODEL_FOR_CAUSAL_LM_MAPPING
    masked: Any = auto.MODEL_FOR_MASKED_LM_MAPPING
    writers: tuple[Any, ...] = (
        auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        auto.MODEL_FOR_MULTIMODAL_LM_MAPPING,
        auto.MODEL_MAPPING,
    )
    if type(parsed) in causal and (type(parsed) not in masked or getattr(parsed, "is_decoder", False)):
        return causal[type(parsed)]
    for mapping in writers:
        if type(parsed) in mapping:
            found = mapping[type(parsed)]
            return found[0] if isinstance(found, tuple) else found
    raise ConfigRefused(
        f"{config.name}: transformers {transformers.__version__} has no model for {shown(config.family)}"
    )
