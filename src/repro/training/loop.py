"""The training loop's body: a model, its optimiser and its data, one step at a time.

B sequences, T time, V vocabulary.
"""

from __future__ import annotations

import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from repro.corpora.texts.text import Tokens
from repro.instruments.graphs import Replay, capture
from repro.models.counting import training_flops
from repro.models.transformer import Transformer
from repro.training import checkpoint
from repro.training.configurations import Pretraining
from repro.training.windows import TextOnDevice, WindowOrder, Windows, held_out

# Compiling costs 5 to 15 s on a CPU and makes a step 1.05 to 1.3 times faster (measured): worth it from here on.
COMPILED_FROM = {"cpu": 3e12, "cuda": 1e17}  # floating-point operations of the whole run; a GPU does 1e14 a second
torch._dynamo.config.recompile_limit = 64  # each shape is compiled twice; beyond the limit a run would be eager unsaid
PASS_TOKENS = {"cpu": 16_384, "cuda": 65_536}  # tokens of one forward pass; a larger batch is accumulated


class Trainer:
    """One model in training on this process's device; under torchrun, this rank's part of it.

    Fields: `compiled` whether every pass so far was; torch.compile runs some as they are written, and says nothing.
    """

    def __init__(self, config: Pretraining, seed: int, text: Tokens, *, compiled: bool | None = None) -> None:
        """Draw the weights and put everything in place.

        Args:
            compiled: whether torch.compile fuses the step; None: where the run is long enough to pay for it.

        Raises:
            ValueError: the text has another vocabulary, or the ranks cannot share a batch evenly.
        """
        self.config = config
        gpu = torch.cuda.is_available()
        self.accelerator = Accelerator(cpu=not gpu, mixed_precision="bf16" if gpu else "no")
        _refuse_unfit(config, text, self.accelerator.num_processes)
        torch.manual_seed(seed)
        self.raw = Transformer(config.model)
        self.model: nn.Module = self._spread()
        self.optimizer = self.accelerator.prepare(adamw(self.raw, config))
        self.compiled = worth_compiling(config) if compiled is None else compiled
        self._compiled_loss = torch.compile(self._plain_loss) if self.compiled else None
        self._graphed = gpu and self.accelerator.num_processes == 1 and not self.compiled
        self.order = WindowOrder(text.train, time=config.model.context, seed=seed, unique=config.unique)
        self._test = held_out(text.test, time=config.model.context, count=config.test_tokens)
        if self._graphed:
            self._prepare_graph(text)

    def _prepare_graph(self, text: Tokens) -> None:
        """Put what changes from step to step where a graph reads it: text, places and learning rate on the device."""
        device = self.accelerator.device
        self._text = TextOnDevice(text.train, time=self.config.model.context, device=device)
        self._places_B = torch.zeros(self.config.sequences, dtype=torch.int64, device=device)
        self._rate, self._before = torch.zeros((), device=device), torch.zeros((), device=device)
        self._replay: Replay | None = None
        for group in self.optimizer.param_groups:
            group["lr"], group["capturable"] = self._rate, True

    def _spread(self) -> nn.Module:
        """Put the model on its device: whole, a copy on each rank (DDP), or sharded over them (FSDP2)."""
        if os.environ.get("REPRO_STRATEGY") != "fsdp2" or self.accelerator.num_processes == 1:
            prepared: nn.Module = self.accelerator.prepare(self.raw)
            return prepared
        self.raw.to(self.accelerator.device)  # accelerate's own FSDP needs an accelerator; torch's works on CPU too
        for block in self.raw.blocks:
            fully_shard(block)
        # Resharded, as a root is not by default: after a test loss, `state` must find the shards, not a gathered copy.
        fully_shard(self.raw, reshard_after_forward=True)  # in place
        return self.raw

    def _loss(self, inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        # No field holds the plain method: a trainer that referred to itself would keep its graph's memory for a while.
        return (self._compiled_loss or self._plain_loss)(inputs_BT, targets_BT)

    def _plain_loss(self, inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        if not torch.compiler.is_compiling():
            self.compiled = False
        logits_BTV = self.model(inputs_BT)
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    def step(self, number: int, learning_rate: float) -> Tensor:
        """One optimiser step on batch `number`; returns the loss before it, a scalar still on the device.

        A single run on a GPU captures its step as a CUDA graph, of which the first one is the warm-up, and then replays
        it; the loss that it returns is overwritten by the next step.
        """
        if self._graphed:
            return self._step_as_graph(number, learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        return self._descend(*self._own_share(self.order.batch(number, self.config.sequences)))

    def _step_as_graph(self, number: int, learning_rate: float) -> Tensor:
        self._rate.fill_(learning_rate)
        self._places_B.copy_(torch.from_numpy(self.order.places(number, self.config.sequences)))
        if self._replay is None:
            self._replay, _ = capture(self._work)
        else:
            self._replay()
        return self._before

    def _work(self) -> None:
        windows_BT = self._text.windows(self._places_B)
        self._before.copy_(self._descend(windows_BT[:, :-1], windows_BT[:, 1:]))

    def _descend(self, inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Step against the gradient of the loss on this rank's sequences; returns the mean loss of all ranks."""
        pieces = max(1, inputs_BT.numel() // PASS_TOKENS[self.accelerator.device.type])
        total = torch.zeros((), device=self.accelerator.device)
        parts = list(zip(inputs_BT.tensor_split(pieces), targets_BT.tensor_split(pieces), strict=True))
        for place, (inputs, targets) in enumerate(parts):
            with self.accelerator.no_sync(self.model) if place + 1 < len(parts) else nullcontext():
                loss = self._loss(inputs, targets) * (len(inputs) / len(inputs_BT))
                self.accelerator.backward(loss)
            total += loss.detach()
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return self.accelerator.reduce(total, "mean") if self.accelerator.num_processes > 1 else total

    def _own_share(self, batch: tuple[Windows, Windows]) -> list[Tensor]:
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        return [torch.from_numpy(part[rank::ranks]).to(self.accelerator.device) for part in batch]

    @torch.no_grad()
    def test_loss(self) -> float:
        """Mean loss over the held-out windows, in nats per token."""
        inputs_BT, targets_BT = (torch.from_numpy(part) for part in self._test)
        total = 0.0
        for start in range(0, len(inputs_BT), self.config.sequences):
            piece = slice(start, start + self.config.sequences)
            inputs, targets = (part[piece].to(self.accelerator.device) for part in (inputs_BT, targets_BT))
            total += self._loss(inputs, targets).item() * len(inputs)
        return total / len(inputs_BT)

    def state(self) -> dict[str, Tensor]:
        """A copy of all that a step changes: weights and moments, by the parameter's name and then the moment's."""
        state = {}
        for name, parameter in self.raw.named_parameters():
            state[f"{name}/weight"] = parameter.detach().clone()
            for moment, value in self.optimizer.state.get(parameter, {}).items():
                state[f"{name}/{moment}"] = value.detach().clone()
        return state

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go back to a state that `state` gave, in place."""
        for name, parameter in self.raw.named_parameters():
            moments = {
                key.rpartition("/")[2]: _like(value, parameter)
                for key, value in state.items()
                if key.rpartition("/")[0] == name
            }
            parameter.copy_(moments.pop("weight"))
            if moments:
                held = self.optimizer.state[parameter]
                for moment, value in moments.items():  # in place: a graph reads them where they are
                    held[moment] = held[moment].copy_(value) if moment in held else value

    def unwrapped(self) -> Transformer:
        """The model as it is when read from its weights: its passes in their own precision, not in training's."""
        model: Transformer = self.accelerator.unwrap_model(self.raw, keep_fp32_wrapper=False)
        return model

    def first_says(self, yes: bool) -> bool:
        """What the first rank says, on every rank."""
        if self.accelerator.num_processes == 1:
            return yes
        return bool(broadcast(torch.tensor(float(yes), device=self.accelerator.device)))

    def save(self, path: Path, facts: dict[str, Any]) -> None:
        """Write a checkpoint; with sharded weights every rank must take part, and the first one writes."""
        self._write(path, self.state(), facts)

    def save_weights(self, path: Path) -> None:
        """Write the weights alone, by the parameter's name, as `save` writes a checkpoint."""
        self._write(path, dict(self.raw.named_parameters()), {})

    def _write(self, path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        whole = {name: value.full_tensor() if isinstance(value, DTensor) else value for name, value in tensors.items()}
        if self.accelerator.is_main_process:
            checkpoint.save(path, whole, facts)


def _like(value: Tensor, parameter: Tensor) -> Tensor:
    """A copy of `value`, sharded as `parameter` is."""
    if isinstance(parameter, DTensor) and not isinstance(value, DTensor) and value.ndim:
        return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)
    return value.to(parameter.device, copy=True)  # the count of steps too: fused AdamW reads it on the device


def adamw(model: nn.Module, config: Pretraining) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019); gains of norms are not decayed."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    gains = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True)


def worth_compiling(config: Pretraining) -> bool:
    """Whether a run is long enough to be compiled, and there is something to compile it with."""
    flops = training_flops(config.model, config.readings[-1], config.model.context)
    return able_to_compile() and flops >= COMPILED_FROM["cuda" if torch.cuda.is_available() else "cpu"]


def able_to_compile() -> bool:
    """Whether there is something to compile a step with: for a GPU too, whose kernels are launched by compiled C."""
    compilers = ("gcc", "clang") if torch.cuda.is_available() else ("g++",)
    return any(shutil.which(compiler) is not None for compiler in compilers)


def _refuse_unfit(config: Pretraining, text: Tokens, ranks: int) -> None:
    if text.vocabulary != config.model.vocabulary:
        raise ValueError(f"the model has a vocabulary of {config.model.vocabulary}, the text one of {text.vocabulary}")
    if config.sequences % ranks:
        raise ValueError(f"a batch of {config.sequences} sequences cannot be shared evenly by {ranks} processes")
