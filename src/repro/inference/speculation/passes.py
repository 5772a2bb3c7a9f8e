"""What a pass costs, and whether a target is worth a draft.

B sequences of a batch, M tokens of a pass, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import overload

import numpy as np
import torch
from torch import Tensor

from repro.corpora.texts.text import Text, tokens_of
from repro.inference.decoding.choices import Drawn, DrawnAhead
from repro.inference.decoding.configurations import Drawing
from repro.inference.decoding.drawing import law
from repro.inference.decoding.lean import Lean
from repro.inference.speculation.configurations import Decoding, Pair, PassCosts, Untrained, layout_of
from repro.inference.speculation.given import LIBRARY, GivenPair
from repro.inference.speculation.steady import run_afresh
from repro.inference.speculation.verification import by_rejection
from repro.models.decoder import Decoder
from repro.models.given import GivenModel
from repro.models.library.opened import LibraryModel, LibraryReader, open_causal
from repro.models.llama import from_llama
from repro.models.ngrams import NGrams
from repro.models.transformer import Transformer
from repro.training.configurations import Pretraining
from repro.training.run import trained

ORDER = 5  # of the n-grams
Model = Transformer | LibraryModel
AnyReader = Lean | LibraryReader


@overload
def models_of(
    pair: Pair | Untrained, seed: int, device: str, dtype: str = "float32"
) -> tuple[Transformer, Transformer]: ...


@overload
def models_of(
    pair: Pair | GivenPair | Untrained, seed: int, device: str, dtype: str = "float32"
) -> tuple[Model, Model]: ...


def models_of(
    pair: Pair | GivenPair | Untrained, seed: int, device: str, dtype: str = "float32"
) -> tuple[Model, Model]:
    """Target and draft on a device, ready to be read: a reader's own, or trained now where no weights are kept."""
    kind = getattr(torch, dtype)
    if isinstance(pair, GivenPair):
        models: list[Model] = [_given(pair, side, kind) for side in (pair.target, pair.draft)]
    else:
        models = [_made(side, seed) for side in (pair.target, pair.draft)]
    # A model of the library has its precision since it was opened: some of its buffers keep their own.
    target, draft = (
        (model.to(device) if isinstance(model, LibraryModel) else model.to(device, kind)).eval() for model in models
    )
    return target, draft


def _given(pair: GivenPair, side: GivenModel, kind: torch.dtype) -> Model:
    if pair.by != LIBRARY:
        return from_llama(open_causal(side.folder(), vocabulary=pair.vocabulary))
    opened = open_causal(side.folder(), vocabulary=pair.vocabulary, dtype=kind)
    return LibraryModel(opened, side.described(), pair.vocabulary)


def _made(side: Pretraining | Decoder, seed: int) -> Transformer:
    """A model by its run, or by its shape alone with its first weights, drawn by the seed."""
    if isinstance(side, Pretraining):
        return trained(side, seed)
    torch.manual_seed(seed)
    return Transformer(side)


def reader_of(model: Model, config: PassCosts | Decoding, capacity: int, *, layers: int | None = None) -> AnyReader:
    """A reader of a model, with room for `capacity` tokens; `layers` of our own from the bottom, None: all."""
    if isinstance(model, LibraryModel):
        return LibraryReader(model, capacity)
    layout = layout_of(config)
    return Lean(model, batch=config.batch, capacity=capacity, layout=layout, layers=layers, static=config.static)


def pass_runs(config: PassCosts, large: AnyReader, small: AnyReader) -> list[Callable[[], object]]:
    """What takes turns: passes over 1, 2, ... tokens, the same with their tokens chosen, and a draft's step."""
    drawing, counts = Drawing(), range(1, config.longest + 1)
    ahead = DrawnAhead(0, config.device, most=config.batch * 2 * config.longest)
    choices = ahead if config.static else Drawn(0, config.device)
    tokens_BM = torch.zeros(config.batch, config.longest, dtype=torch.long, device=config.device)
    start_B = torch.full((config.batch,), config.held, device=config.device)
    for reader in (large, small):
        if isinstance(reader, LibraryReader):  # its cache holds what it has read, ours has room for all from the start
            reader.read(tokens_BM[:, :1].expand(-1, config.held), torch.zeros_like(start_B))
    q = law(small.read(tokens_BM, start_B), drawing)

    def read(count: int) -> Tensor:
        return large.read(tokens_BM[:, :count], start_B)

    def settle(count: int) -> object:
        p, drafted = law(read(count), drawing), count - 1
        if not drafted:
            return choices.token(p[:, -1])
        return by_rejection(choices, p, q[:, :drafted], tokens_BM[:, :drafted])

    def draft() -> object:
        return choices.token(law(small.read(tokens_BM[:, :1], start_B)[:, -1], drawing))

    def side(numbers: int, work: Callable[..., object], *counted: int) -> Callable[[], object]:
        whole = partial(work, *counted)
        return run_afresh(whole, ahead, config.batch * numbers, config.device) if config.static else whole

    return [
        *(side(0, read, count) for count in counts),
        *(side(count, settle, count) for count in counts),
        side(1, draft),
    ]


@torch.inference_mode()
def mean_loss(model: Transformer, tokens: np.ndarray) -> float:
    """Mean nats per token, in windows of the context as training reads its test loss."""
    context = model.shape.context
    windows = torch.from_numpy(tokens[: len(tokens) // context * context].astype(np.int64)).view(-1, context)
    windows = windows.to(model.embedding.weight.device)
    sums = [
        torch.nn.functional.cross_entropy(model(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten(), reduction="sum")
        for part in windows.split(16)
    ]
    return float(torch.stack(sums).sum()) / (windows.numel() - len(windows))


@cache
def counted_ngrams(text: Text, count: int) -> NGrams:
    """5-grams of the first `count` training tokens."""
    tokens = tokens_of(text)
    return NGrams(tokens.train[:count], vocabulary=tokens.vocabulary, order=ORDER)
