"""A whole run: the trunk, its branches and readings, its checkpoints."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from repro.corpora.texts.text import Tokens, tokens_of
from repro.floor import places
from repro.floor.identity import key
from repro.floor.measurement import Diverged, Numbers
from repro.models.counting import matrix_parameters, parameters, training_flops
from repro.models.transformer import Transformer
from repro.training import checkpoint
from repro.training.configurations import Pretraining, cosine, decayed, warmed_up
from repro.training.loop import Trainer

CHECKPOINT_SECONDS = 60.0  # between two checkpoints, at the least: what a kill may cost
CHECKPOINT_STEPS = 20  # between two looks at the clock, the first rank's, so that all ranks agree on when
CURVE_POINTS = 40  # of the training loss, spaced evenly in the logarithm of the step


@dataclass
class Progress:
    """The losses that a run has read so far; with its weights and moments, all that it needs to go on."""

    step: int = 0
    loss: list[float] = field(default_factory=list)
    stable_loss: list[float] = field(default_factory=list)
    curve_steps: list[int] = field(default_factory=list)
    curve_loss: list[float] = field(default_factory=list)
    since: float = 0.0  # sum of the training losses since the last point of the curve


@dataclass(frozen=True)
class TrainingRun:
    """A finished run: the losses that it read, and the model as the last step left it."""

    config: Pretraining
    progress: Progress
    model: Transformer
    bytes_per_token: float | None
    compiled: bool

    def numbers(self) -> Numbers:
        """The numbers that are recorded; token counts are those used, whole steps."""
        config, read = self.config, self.progress
        count, tokens = parameters(config.model), [config.steps(r) * config.batch for r in config.readings]
        stable = [config.stop(r) * config.batch for r in config.readings] if read.stable_loss else []
        return {
            "tokens": tokens,
            "loss": read.loss,
            "final_loss": read.loss[-1],
            "bits_per_byte": None if self.bytes_per_token is None else bits(read.loss[-1]) / self.bytes_per_token,
            "stable_tokens": stable,
            "stable_loss": read.stable_loss,
            "curve_tokens": [step * config.batch for step in read.curve_steps],
            "curve_loss": read.curve_loss,
            "parameters": count.total,
            "non_embedding": count.non_embedding,
            "matrix_parameters": matrix_parameters(config.model),
            "flops": training_flops(config.model, tokens[-1], config.model.context),
            "compiled": self.compiled,
        }


def bits(nats: float) -> float:
    """An entropy or loss in bits, from one in nats."""
    return nats / math.log(2)


def run(config: Pretraining, seed: int) -> TrainingRun:
    """Train, from the last checkpoint if a run was interrupted, and keep the weights for later stages.

    Raises:
        Diverged: a loss that is no number, or a run that ends worse than it began.
        ValueError: it would read its text more than once.
    """
    text = tokens_of(config.text)
    refuse_rereading(config, text)
    trainer = Trainer(config, seed, text)
    path = _place("runs", config, seed)
    progress = _follow_trunk(trainer, _resume(trainer, path), path)
    trainer.save_weights(weights_place(config, seed))
    path.unlink(missing_ok=True)
    return TrainingRun(config, progress, trainer.unwrapped(), text.bytes_per_token, trainer.compiled)


def trained(config: Pretraining, seed: int) -> Transformer:
    """The model of a run, on `device`: read from its weights, else trained now."""
    return (kept(config, seed) or run(config, seed).model).eval()


def kept(config: Pretraining, seed: int) -> Transformer | None:
    """The model of a run that left its weights in the folder of weights, on `device`."""
    if (saved := checkpoint.load(weights_place(config, seed))) is None:
        return None
    model = Transformer(config.model)
    model.load_state_dict(saved[0], strict=False)  # a tied output matrix is kept once
    return model.to(device()).eval()


def device() -> str:
    """Where runs train, and where their models are read: the GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def refuse_rereading(config: Pretraining, text: Tokens) -> None:
    """Raise where a run whose text is fresh throughout, as it says, would come to the text's end and begin anew.

    Raises:
        ValueError: it reads more tokens than there are.
    """
    wanted, held = config.steps(config.readings[-1]) * config.batch, len(text.train)
    if config.unique is None and wanted >= held:
        raise ValueError(f"{wanted} fresh tokens wanted of a text that holds {held}; read fewer, or give `unique`")


def weights_place(config: Pretraining, seed: int) -> Path:
    """The file of the weights of a run."""
    return _place("weights", config, seed)


def _place(kind: str, config: Pretraining, seed: int) -> Path:
    return places.checkpoints() / kind / (key("pretrain", 1, config, seed) + ".safetensors")


def _resume(trainer: Trainer, path: Path) -> Progress:
    saved = checkpoint.load(path)
    if saved is None:
        return Progress()
    state, facts = saved
    trainer.restore(state)
    return Progress(**facts)


def _follow_trunk(trainer: Trainer, progress: Progress, path: Path) -> Progress:
    """Train on to the last stop, reading the loss at each."""
    config = trainer.config
    stops = [config.stop(reading) for reading in config.readings]
    edges, saved = set(curve_edges(stops[-1])), time.monotonic()
    since = torch.tensor(progress.since, device=trainer.accelerator.device)
    while len(progress.loss) < len(stops):
        if progress.step == stops[len(progress.loss)]:
            _read(trainer, progress)
            continue
        since += trainer.step(progress.step, trunk_rate(config, progress.step + 1))
        progress.step += 1
        if progress.step in edges:
            extend_curve(progress, float(since))
            since.zero_()
        look = progress.step % CHECKPOINT_STEPS == 0
        if look and trainer.first_says(time.monotonic() - saved >= CHECKPOINT_SECONDS):
            progress.since, saved = float(since), time.monotonic()
            trainer.save(path, asdict(progress))
    refuse_worse(progress)
    return progress


def _read(trainer: Trainer, progress: Progress) -> None:
    """Read the test loss at a stop, and after the branch that leaves there if the schedule has one."""
    config = trainer.config
    loss = finite(trainer.test_loss(), progress.step)
    if config.schedule != "stable-decay":
        progress.loss.append(loss)
        return
    reading = config.readings[len(progress.loss)]
    last = len(progress.loss) + 1 == len(config.readings)
    trunk: dict[str, Tensor] | None = None if last else trainer.state()
    start, end = progress.step, config.steps(reading)
    peak = trunk_rate(config, start)
    for step in range(start, end):
        done = (step + 1) * config.batch
        trainer.step(step, decayed(done, peak=peak, start=start * config.batch, end=(end + 1) * config.batch))
    progress.stable_loss.append(loss)
    progress.loss.append(finite(trainer.test_loss(), end))
    if trunk is not None:
        trainer.restore(trunk)


def trunk_rate(config: Pretraining, step: int) -> float:
    """The learning rate of step number `step`, counted from 1."""
    done = step * config.batch
    if config.schedule == "cosine":
        return cosine(done, peak=config.learning_rate, warmup=config.warmup, horizon=config.readings[-1])
    return warmed_up(done, peak=config.learning_rate, warmup=config.warmup)


def curve_edges(last: int) -> list[int]:
    """Steps at which the curve of the training loss has its points."""
    return sorted({round(last ** (point / CURVE_POINTS)) for point in range(CURVE_POINTS + 1)})


def extend_curve(progress: Progress, total: float) -> None:
    """Add the point of this step; `total` is the sum of the losses since the last one."""
    before = progress.curve_steps[-1] if progress.curve_steps else 0
    progress.curve_loss.append(finite(total / (progress.step - before), progress.step))
    progress.curve_steps.append(progress.step)


def refuse_worse(progress: Progress) -> None:
    """Raise Diverged where the training loss ends above its beginning; a test loss that does may be overfitting."""
    began, ended = progress.curve_loss[0], progress.curve_loss[-1]
    if ended > began:
        raise Diverged(f"ended at {ended:.3f} nats per token, above the {began:.3f} it began at")


def finite(loss: float, step: int) -> float:
    """The loss itself.

    Raises:
        Diverged: it is no finite number.
    """
    if not math.isfinite(loss):
        raise Diverged(f"the loss is {loss} at step {step}")
    return loss
