"""Many runs of one shape in one program, for models too small to fill a card.

R runs, B sequences, T time, V vocabulary, P parameters of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from repro.corpora.texts.text import Tokens, tokens_of
from repro.floor.measurement import Diverged
from repro.instruments.graphs import Replay, capture
from repro.models.fewer_heads import with_fewer_heads
from repro.models.norms import with_norms_of_each
from repro.models.transformer import Transformer
from repro.training import checkpoint
from repro.training.configurations import ORDER, Pretraining, Uptraining, alike, decayed
from repro.training.loop import PASS_TOKENS
from repro.training.run import (
    Progress,
    TrainingRun,
    curve_edges,
    extend_curve,
    finite,
    kept,
    refuse_rereading,
    refuse_worse,
    trunk_rate,
    weights_place,
)
from repro.training.windows import TextOnDevice, WindowOrder, held_out

EPSILON = 1e-8  # of AdamW, as torch has it
# Attention under vmap. The CPU's fused kernel knows no vmap; on a GPU all but one would leave out what their backward
# pass needs, since inside vmap no tensor says that it wants a gradient.
KERNELS = {"cpu": [SDPBackend.MATH], "cuda": [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]}


class Ensemble:
    """Runs that differ in seed and learning rate alone; their parameters are the rows of one matrix."""

    def __init__(self, config: Pretraining, seeds: Sequence[int], text: Tokens) -> None:
        """Draw each run's weights as `Trainer` does.

        Raises:
            ValueError: the text has another vocabulary.
        """
        if text.vocabulary != config.model.vocabulary:
            raise ValueError(
                f"the model has a vocabulary of {config.model.vocabulary}, the text one of {text.vocabulary}"
            )
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        models = [_start_model(config, seed) for seed in seeds]
        self.weights_RP = torch.stack([parameters_to_vector(model.parameters()) for model in models])
        self.weights_RP = self.weights_RP.detach().to(self.device).requires_grad_()
        self.mean_RP, self.square_RP = torch.zeros_like(self.weights_RP), torch.zeros_like(self.weights_RP)
        self.steps = 0  # of the optimiser so far, for the moments' bias
        # Lends its structure and its buffers; its weights are not used.
        self._one = with_norms_of_each(models[0]).to(self.device)
        self._named = {name: parameter.shape for name, parameter in self._one.named_parameters()}
        decays = [float(p.ndim >= 2) for p in self._one.parameters() for _ in range(p.numel())]
        self._decay_P = config.weight_decay * torch.tensor(decays, device=self.device)
        self._orders = [WindowOrder(text.train, time=config.model.context, seed=s, unique=config.unique) for s in seeds]
        self._text = TextOnDevice(text.train, time=config.model.context, device=self.device)
        shape = len(seeds), config.sequences
        self._places_RB = torch.zeros(shape, dtype=torch.int64, device=self.device)
        self._rates_R3 = torch.zeros(len(seeds), 3, device=self.device)  # plain, over either moment's bias
        self._losses_R = torch.zeros(len(seeds), device=self.device)
        self._replay: Replay | None = None
        self._test = [
            torch.from_numpy(part).to(self.device)
            for part in held_out(text.test, time=config.model.context, count=config.test_tokens)
        ]

    def _losses(self, inputs: Tensor, targets: Tensor, *, shared: bool = False) -> Tensor:
        """(R,) mean losses over (R, B, T) tokens, or over (B, T) that all runs share."""
        data, kind = None if shared else 0, self.device.type
        half = torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda", cache_enabled=False)
        with half, sdpa_kernel(KERNELS[kind]):
            losses_R: Tensor = vmap(self._loss, in_dims=(0, data, data))(self._stacked(), inputs, targets)
        return losses_R

    def _stacked(self) -> dict[str, Tensor]:
        parts = self.weights_RP.split([shape.numel() for shape in self._named.values()], dim=1)
        return {name: part.unflatten(1, shape) for (name, shape), part in zip(self._named.items(), parts, strict=True)}

    def _loss(self, weights: dict[str, Tensor], inputs_BT: Tensor, targets_BT: Tensor) -> Tensor:
        logits_BTV = functional_call(self._one, weights, (inputs_BT,))
        return F.cross_entropy(logits_BTV.flatten(0, 1).float(), targets_BT.flatten())

    def step(self, number: int, rates: Sequence[float]) -> Tensor:
        """One optimiser step of every run on its own batch `number`; returns the (R,) losses before it, until the next.

        On a GPU a step is captured as a CUDA graph, of which the first one is the warm-up, and then replayed.
        """
        self.steps += 1
        places = np.stack([order.places(number, self.config.sequences) for order in self._orders])
        self._places_RB.copy_(torch.from_numpy(places))
        mean, square = 1 - self.config.beta1**self.steps, 1 - self.config.beta2**self.steps
        self._rates_R3.copy_(torch.tensor([[rate, rate / mean, 1 / square] for rate in rates]))
        if self._replay is not None:
            self._replay()
        elif self.device.type == "cuda":
            self._replay, _ = capture(self._work)
        else:
            self._work()
        return self._losses_R

    def _work(self) -> None:
        """A step as a row of operations on tensors that stay where they are in memory."""
        sequences, windows_RBT = self.config.sequences, self._text.windows(self._places_RB)
        pieces = max(1, min(sequences, windows_RBT[..., 1:].numel() // PASS_TOKENS[self.device.type]))
        gradient_RP = torch.zeros_like(self.weights_RP)
        self._losses_R.zero_()
        for part in windows_RBT.tensor_split(pieces, dim=1):
            losses_R = self._losses(part[..., :-1], part[..., 1:]) * (part.shape[1] / sequences)
            gradient_RP += torch.autograd.grad(losses_R.sum(), self.weights_RP)[0]
            self._losses_R += losses_R.detach()
        self._descend(gradient_RP)

    @torch.no_grad()
    def _descend(self, gradient_RP: Tensor) -> None:
        """Clip each run's gradient by its own norm, then step as AdamW does at its rate (Loshchilov & Hutter 2019)."""
        config, (rate_R1, mean_R1, square_R1) = self.config, self._rates_R3.split(1, dim=1)
        norms_R1 = torch.linalg.vector_norm(gradient_RP, dim=1, keepdim=True)
        gradient_RP *= (config.clip / (norms_R1 + 1e-6)).clamp(max=1.0)
        self.mean_RP.lerp_(gradient_RP, 1 - config.beta1)
        self.square_RP.mul_(config.beta2).addcmul_(gradient_RP, gradient_RP, value=1 - config.beta2)
        spread_RP = (self.square_RP * square_R1).sqrt_().add_(EPSILON)
        self.weights_RP *= 1 - rate_R1 * self._decay_P
        self.weights_RP -= mean_R1 * self.mean_RP / spread_RP

    @torch.no_grad()
    def test_losses(self) -> list[float]:
        """Each run's mean loss over the held-out windows, in nats per token."""
        total_R = torch.zeros(len(self.weights_RP), dtype=torch.float64, device=self.device)
        for inputs, targets in zip(*(part.split(self.config.sequences) for part in self._test), strict=True):
            total_R += self._losses(inputs, targets, shared=True) * len(inputs)
        return [float(loss) / len(self._test[0]) for loss in total_R]

    def state(self) -> tuple[int, list[Tensor]]:
        """A copy of all that a step changes."""
        return self.steps, [part.detach().clone() for part in (self.weights_RP, self.mean_RP, self.square_RP)]

    @torch.no_grad()
    def restore(self, state: tuple[int, list[Tensor]]) -> None:
        """Go back to a state that `state` gave."""
        self.steps, copies = state
        for part, copy in zip((self.weights_RP, self.mean_RP, self.square_RP), copies, strict=True):
            part.copy_(copy)

    @torch.no_grad()
    def load(self, run: int, model: Transformer) -> None:
        """Let one run go on from the weights of a model, before any step."""
        self.weights_RP[run] = parameters_to_vector(model.parameters()).to(self.device)

    def model(self, run: int) -> Transformer:
        """One run's model, as the last step left it."""
        model = Transformer(self.config.model).to(self.device)
        vector_to_parameters(self.weights_RP[run].detach().clone(), model.parameters())
        return model


@dataclass
class Member:
    """One run of an ensemble: the losses that it read, or how it diverged; its weights are then no more than NaN."""

    config: Pretraining
    progress: Progress = field(default_factory=Progress)
    diverged: Diverged | None = None

    def advance(self, step: int, act: Callable[[Progress], None]) -> None:
        """Apply `act` to the progress at this step, unless the run has diverged; note it where it diverges now."""
        if self.diverged is None:
            self.progress.step = step
            try:
                act(self.progress)
            except Diverged as diverged:
                self.diverged = diverged

    def read(self, step: int, losses: str, loss: float) -> None:
        """Add a test loss to the named list of the progress."""
        self.advance(step, lambda progress: getattr(progress, losses).append(finite(loss, step)))


def run_together(configs: Sequence[Pretraining], seeds: Sequence[int]) -> list[TrainingRun | Diverged]:
    """What `run` gives for each configuration and seed, up to rounding, in one program that writes no checkpoints.

    Raises:
        ValueError: the runs differ in more than learning rate and seed, or would read their text more than once.
    """
    if len({alike(config) for config in configs}) != 1:
        raise ValueError("runs that train together differ in learning rate and seed alone; these differ in more")
    text = tokens_of(configs[0].text)
    refuse_rereading(configs[0], text)
    ensemble = Ensemble(configs[0], seeds, text)
    members = [Member(config) for config in configs]
    _follow_trunk(ensemble, members)
    runs: list[TrainingRun | Diverged] = []
    for place, (member, seed) in enumerate(zip(members, seeds, strict=True)):
        model = ensemble.model(place)
        if member.diverged is None:
            checkpoint.save(weights_place(member.config, seed), dict(model.named_parameters()), {})
        whole = TrainingRun(member.config, member.progress, model, text.bytes_per_token, False)
        runs.append(member.diverged or whole)
    return runs


def trained_together(configs: Sequence[Pretraining], seeds: Sequence[int]) -> list[Transformer | Diverged]:
    """What `trained` gives for each configuration and seed: those without weights are trained now, in one program."""
    trials = list(zip(configs, seeds, strict=True))
    models: dict[int, Transformer | Diverged] = {
        place: model for place, trial in enumerate(trials) if (model := kept(*trial)) is not None
    }
    missing = [place for place in range(len(trials)) if place not in models]
    if missing:
        runs = run_together([configs[place] for place in missing], [seeds[place] for place in missing])
        models |= {
            place: run if isinstance(run, Diverged) else run.model.eval()
            for place, run in zip(missing, runs, strict=True)
        }
    return [models[place] for place in range(len(trials))]


def uptrained_together(configs: Sequence[Uptraining], seeds: Sequence[int]) -> list[tuple[float, float] | Diverged]:
    """The test losses right after the conversion and at the end of second runs that differ as `alike_second` allows."""
    starts, second = trained_together([config.start for config in configs], seeds), configs[0].second_run()
    ensemble = Ensemble(second, [seed + ORDER for seed in seeds], tokens_of(second.text))
    members = [Member(second, diverged=start if isinstance(start, Diverged) else None) for start in starts]
    for place, (config, seed, start) in enumerate(zip(configs, seeds, starts, strict=True)):
        if not isinstance(start, Diverged):
            ensemble.load(place, with_fewer_heads(start, config.kv_heads, config.pooling, seed))
    _note_losses(ensemble, members, 0)
    for step in range(configs[0].steps):
        ensemble.step(step, [config.rate_at(step) for config in configs])
    if configs[0].steps:
        _note_losses(ensemble, members, configs[0].steps)
    return [member.diverged or (member.progress.loss[0], member.progress.loss[-1]) for member in members]


def _note_losses(ensemble: Ensemble, members: list[Member], step: int) -> None:
    for member, loss in zip(members, ensemble.test_losses(), strict=True):
        member.read(step, "loss", loss)


def _follow_trunk(ensemble: Ensemble, members: list[Member]) -> None:
    """Train on to the last stop, reading the losses at each."""
    config = ensemble.config
    stops = [config.stop(reading) for reading in config.readings]
    edges, step = set(curve_edges(stops[-1])), 0
    since_R = torch.zeros(len(members), device=ensemble.device)
    for reading, stop in zip(config.readings, stops, strict=True):
        while step < stop:
            since_R += ensemble.step(step, [trunk_rate(member.config, step + 1) for member in members])
            step += 1
            if step in edges:
                for member, total in zip(members, since_R.tolist(), strict=True):
                    member.advance(step, partial(extend_curve, total=total))
                since_R.zero_()
        _read(ensemble, members, step, reading)
    for member in members:
        member.advance(step, refuse_worse)


def _read(ensemble: Ensemble, members: list[Member], step: int, reading: int) -> None:
    """Read the test losses at a stop, and after the branch that leaves there if the schedule has one."""
    config = ensemble.config
    branches = config.schedule == "stable-decay"
    for member, loss in zip(members, ensemble.test_losses(), strict=True):
        member.read(step, "stable_loss" if branches else "loss", loss)
    if not branches:
        return
    trunk, end = ensemble.state(), config.steps(reading)
    peaks = [trunk_rate(member.config, step) for member in members]
    for number in range(step, end):
        done, span = (number + 1) * config.batch, {"start": step * config.batch, "end": (end + 1) * config.batch}
        ensemble.step(number, [decayed(done, peak=peak, **span) for peak in peaks])
    for member, loss in zip(members, ensemble.test_losses(), strict=True):
        member.read(end, "loss", loss)
    if reading != config.readings[-1]:
        ensemble.restore(trunk)


def _start_model(config: Pretraining, seed: int) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(config.model)
