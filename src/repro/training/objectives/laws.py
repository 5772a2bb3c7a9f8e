"""Laws of objectives on decoders of random weights, in double precision: what may depend on what, and which loss it is.

Legend: T tokens, W width, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from repro.floor.arrays import Array, Tokens
from repro.models.transformer import Transformer
from repro.training.objectives.configurations import Losses, Marks, Sight, Vocabulary
from repro.training.objectives.fitting import let_see

LIBRARY = {"vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
LENGTH = 0.1  # of a step along the gradient
STEPS = 50


def dependence(config: Sight, seed: int) -> Array:
    """(T, T) the largest derivative of a logit of the row's token by a number of the column's embedding."""
    torch.manual_seed(seed)
    table, model = _embedded(config)
    tokens_T = torch.randint(16, (config.tokens,), generator=torch.Generator().manual_seed(seed))
    embedded_TW = table(tokens_T).detach()
    with sdpa_kernel([SDPBackend.MATH]):  # the fused kernel knows no vmap
        jacobian: Tensor = torch.func.jacrev(model)(embedded_TW)
    greatest: Array = jacobian.abs().amax(dim=(1, 3)).detach().numpy()
    return greatest


def _embedded(config: Sight) -> tuple[nn.Module, Any]:
    """The table of embeddings, and a function from (T, W) embeddings to (T, V) logits, of a model of random weights."""
    if config.of == "ours":
        return _ours(config)
    model = _of_library(config.of)
    return model.get_input_embeddings(), lambda embedded_TW: model(inputs_embeds=embedded_TW[None]).logits[0]


def _of_library(name: str) -> Any:
    """A tiny Llama or BERT of random weights in double precision."""
    import transformers

    kinds = {"Llama": ("LlamaConfig", "LlamaForCausalLM"), "BERT": ("BertConfig", "BertForMaskedLM")}
    settings, kind = (getattr(transformers, part) for part in kinds[name])
    return kind(settings(**LIBRARY, intermediate_size=32, attn_implementation="eager")).double().eval()


def _ours(config: Sight) -> tuple[nn.Module, Any]:
    model = let_see(Transformer(config.shape).double().eval(), config.prefix)
    table = model.embedding
    model.embedding = nn.Identity()  # type: ignore[assignment]
    return table, lambda embedded_TW: model(embedded_TW[None])[0]


def one_loss(config: Losses, seed: int) -> dict[str, float]:
    """The numbers of `losses_agree`."""
    torch.manual_seed(seed)
    model = Transformer(config.shape).double()
    tokens_BT = torch.randint(config.shape.vocabulary, (8, config.shape.context + 1))
    inputs, targets = tokens_BT[:, :-1], tokens_BT[:, 1:].flatten()
    law_NV = F.log_softmax(model(inputs).flatten(0, 1), dim=-1)
    one_hot_NV = F.one_hot(targets, config.shape.vocabulary).double()
    logits_NV = model(inputs).flatten(0, 1)
    likelihood = -(logits_NV.gather(1, targets[:, None])[:, 0] - logits_NV.logsumexp(1)).sum()
    others = {
        "entropy": F.cross_entropy(model(inputs).flatten(0, 1), targets, reduction="sum"),
        "divergence": F.kl_div(law_NV, one_hot_NV, reduction="sum"),
        "mean": F.cross_entropy(model(inputs).flatten(0, 1), targets),
    }
    gradient = _gradient(likelihood, model)
    apart = {name: float((_gradient(loss, model) - gradient).norm() / gradient.norm()) for name, loss in others.items()}
    reached = torch.autograd.grad(F.cross_entropy(logits_NV, targets, reduction="sum"), logits_NV)[0]
    return {**apart, "reached": float((reached.abs().amax(1) > 0).double().mean())}


def _gradient(loss: Tensor, model: nn.Module) -> Tensor:
    parts = torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


def after_steps(config: Losses, seed: int, sign: int) -> float:
    """Nats per token by which -log P of fresh text rises in steps that raise (+1) or lower (-1) it on other text.

    The text is a cycle: each token is the one before plus one, but for a tenth.
    """
    torch.manual_seed(seed)
    model, rng = Transformer(config.shape).double(), np.random.default_rng(seed)

    def loss() -> Tensor:
        first, noise = rng.integers(config.shape.vocabulary, size=(16, 1)), rng.random((16, config.shape.context)) < 0.1
        walked = np.hstack([first, np.where(noise, 2, 1)]).cumsum(axis=1) % config.shape.vocabulary
        tokens_BT = torch.from_numpy(walked)
        return F.cross_entropy(model(tokens_BT[:, :-1]).flatten(0, 1), tokens_BT[:, 1:].flatten())

    before = float(loss().detach())
    for _ in range(STEPS):
        gradients = torch.autograd.grad(loss(), list(model.parameters()))
        size = torch.stack([gradient.norm() for gradient in gradients]).norm()
        with torch.no_grad():
            for part, gradient in zip(model.parameters(), gradients, strict=True):
                part.add_(sign * LENGTH * gradient / size)
    return float(loss().detach()) - before


def law_of(config: Vocabulary, seed: int) -> dict[str, float]:
    """How far softmax over a vocabulary is from a distribution, in one precision; sums are taken in double.

    `sum` is the distance from 1, `least` the least probability, `zero` the words left without one, `shift` what adding
    8 to every logit changes.
    """
    kind = getattr(torch, config.precision)
    drawn_V = torch.rand(config.words, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    drawn_V[0], drawn_V[-1] = 1.0, 0.0
    logits_V = (config.gap * (drawn_V - 0.5)).to(kind)
    law_V, shifted_V = logits_V.softmax(-1), (logits_V + 8).softmax(-1)
    return {
        "sum": abs(float(law_V.double().sum()) - 1),
        "least": float(law_V.double().min()),
        "zero": int((law_V == 0).sum()),
        "shift": float((law_V.double() - shifted_V.double()).abs().max()),
    }


def library_loss(shift: int, seed: int) -> tuple[float, float]:
    """The loss that a tiny Llama of `transformers` gives for labels that are its inputs moved left by `shift`.

    Beside it, the mean loss of each next token by our own hand.
    """
    torch.manual_seed(seed)
    model = _of_library("Llama")
    tokens_BT = torch.randint(16, (4, 12))
    labels_BT = torch.cat([tokens_BT[:, shift:], torch.full((4, shift), -100)], dim=1)
    logits_BTV = model(input_ids=tokens_BT).logits[:, :-1]
    ours = F.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT[:, 1:].flatten())
    return float(model(input_ids=tokens_BT, labels=labels_BT).loss.detach()), float(ours.detach())


def collated(lines_BT: Tokens, marks: Marks, seed: int) -> tuple[Tokens, NDArray[np.bool_]]:
    """(B, T) lines as `DataCollatorForLanguageModeling` masks them, and (B, T) the tokens that it gives a label."""
    import transformers

    names = [*map(str, range(marks.words)), "[START]", "[MASK]", "[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokeniser = transformers.BertTokenizer(vocab={name: number for number, name in enumerate(names)})
    collator = transformers.DataCollatorForLanguageModeling(tokeniser, mlm=True, mlm_probability=0.15)
    collator.generator = torch.Generator().manual_seed(seed)
    tokens_BT = torch.from_numpy(lines_BT)
    inputs_BT, labels_BT = collator.torch_mask_tokens(tokens_BT.clone(), torch.zeros(tokens_BT.shape, dtype=torch.bool))
    return inputs_BT.numpy(), (labels_BT != -100).numpy()
