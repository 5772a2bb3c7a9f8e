"""What trials of serving are of: workloads, memories, machines, and the decoders that run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repro.corpora.tables.tables import TableId
from repro.models.decoder import Decoder
from repro.sizing.memory.cache import cache_bytes
from repro.sizing.models.parameters import count_parameters
from repro.sizing.operations.cost import BANDWIDTH, PEAK_FLOPS
from repro.sizing.operations.roofline import decode_seconds
from repro.sizing.published import find_model

DTYPES = {"cpu": "float32", "cuda": "bfloat16"}
SHAPES = ("log-normal", "pareto", "alike")
ASKS = ("longest", "power of two", "exact")
PLACES = ("buddies", "first fit")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How lengths vary about a mean, before they are cut to what the model can hold.

    Fields: `shape` log-normal or pareto, each request drawn alone, or alike, all requests of a trace of one log-normal
    length; `spread` the standard deviation of the logarithm, or Pareto's exponent (above 1; smaller is fatter).

    Raises:
        ValueError: a shape that there is not, a mean below one token, a spread that has no such mean.
    """

    mean: float
    shape: str = "log-normal"
    spread: float = 1.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"shape is {self.shape!r}; expected one of {', '.join(SHAPES)}")
        if self.mean < 1:
            raise ValueError(f"a mean of {self.mean} tokens; expected at least 1")
        if self.spread < 0 or (self.shape == "pareto" and self.spread <= 1):
            raise ValueError(
                f"a spread of {self.spread} has no mean for {self.shape}; Pareto's is above 1, others from 0"
            )

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """(count,) lengths of this mean, not yet whole numbers."""
        if self.shape == "pareto":
            least = self.mean * (self.spread - 1) / self.spread
            return least * (1 + generator.pareto(self.spread, count))
        centre = math.log(self.mean) - self.spread**2 / 2
        lengths = generator.lognormal(centre, self.spread, 1 if self.shape == "alike" else count)
        return np.broadcast_to(lengths, (count,))


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Requests that a trial's seed draws, all waiting from the start, so that memory is always short."""

    name: str
    prompt: Spread
    output: Spread
    requests: int


@dataclass(frozen=True, kw_only=True)
class Reserving:
    """A contiguous run for each request, held from its start to its end.

    Fields: `asks` for the model's longest sequence (Orca Max), the prompt and the next power of two above the output
    (Orca Pow2), or exactly what will be filled (Orca Oracle; no server knows it); `places` by buddies or first fit.

    Raises:
        ValueError: a choice that there is not.
    """

    asks: str = "longest"
    places: str = "buddies"

    def __post_init__(self) -> None:
        if self.asks not in ASKS or self.places not in PLACES:
            raise ValueError(f"{self}; expected asks of {', '.join(ASKS)} and places of {', '.join(PLACES)}")


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Blocks handed out as a request grows; when none is left the request that came last gives all of its own back.

    Fields: `block` slots of one; `watermark` the share of blocks kept free when a new request is let in (vLLM's 0.01).
    """

    block: int = 16
    watermark: float = 0.01


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A model in fp16 on a GPU, which give a step its time.

    Fields: `parameters` of the model, `token_bytes` of its cache per token; `peak_flops` and `bandwidth` per second.
    """

    parameters: float
    token_bytes: float
    peak_flops: float
    bandwidth: float

    def seconds(self, *, passed: int, cached: int) -> float:
        """The least time in which so many tokens pass, while so many stand in the cache."""
        if not passed:
            return 0.0
        return decode_seconds(
            parameters=self.parameters,
            batch=passed,
            peak_flops=self.peak_flops,
            bandwidth=self.bandwidth,
            cache_bytes=cached * self.token_bytes / passed,
        )


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A decoder with random weights that serves a workload; `lanes` and `static` as in `replay`."""

    model: Decoder
    workload: Workload
    memory: Reserving | Paging
    slots: int
    lanes: int | None = None
    static: bool = False
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class Exactness:
    """Sequences decoded side by side through scattered blocks; `shared` tokens they have in common and hold once."""

    model: Decoder
    sequences: int = 4
    block: int = 16
    shared: int = 0


@dataclass(frozen=True, kw_only=True)
class BlockRead:
    """One layer's attention in a decoding step: `sequences` queries on `tokens` each; float32 on a CPU, else bf16."""

    spelled: ClassVar = "Reading"
    sequences: int
    tokens: int
    block: int
    heads: int = 8
    kv_heads: int = 8
    head_width: int = 64
    turns: int = 21
    device: str = "cpu"


@dataclass(frozen=True, kw_only=True)
class PagedGeneration:
    """Greedy continuations by transformers' own paged generation; `requests` prompts of different lengths."""

    model: Decoder
    requests: int = 4
    new_tokens: int = 24
    page: int = 16
    pages: int = 48


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A trace served from one pool.

    Fields: `slots` for one token each in the pool, and `longest` of a sequence: those of a 13B model on 40 GB (Kwon et
    al. 2023, table 1); `lanes`, `static` as `replay` takes them; `machine` gives a step its time.
    """

    source: Workload | TableId
    memory: Reserving | Paging
    machine: Machine
    slots: int = 15_700
    longest: int = 2048
    lanes: int | None = None
    static: bool = False


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Several continuations of each prompt, each as long as a draw of the workload's outputs says."""

    workload: Workload
    samples: int = 4
    block: int = 16
    longest: int = 2048


def workloads(requests: int, *, spread: float = 1.0) -> dict[str, Workload]:
    """Chats and short exchanges of ShareGPT's and Alpaca's mean lengths, fat-tailed documents, and two controls.

    Requests of `alike` have one length, of which they write half; those of `scored` write one token.

    Args:
        spread: of the logarithm of a chat's and a short exchange's lengths, which is published as a picture alone.

    Source: Kwon et al. 2023 (arXiv:2309.06180), section 6.1 and figure 11, for the means.
    """
    one = Spread(mean=1, shape="alike", spread=0)
    lengths = {
        "chat": (Spread(mean=161, spread=spread), Spread(mean=338, spread=spread)),
        "short": (Spread(mean=19, spread=spread), Spread(mean=58, spread=spread)),
        "documents": (Spread(mean=1000, spread=0.75), Spread(mean=300, shape="pareto", spread=1.5)),
        "alike": (Spread(mean=256, shape="alike", spread=0.3), Spread(mean=256, shape="alike", spread=0.3)),
        "scored": (Spread(mean=512, shape="alike", spread=0.3), one),
    }
    return {
        name: Workload(name=name, prompt=prompt, output=output, requests=requests)
        for name, (prompt, output) in lengths.items()
    }


def machine_of(model: str, gpu: str) -> Machine:
    """A published model, or the path of a config.json, on a GPU of the data sheets (`sizing.operations.cost`)."""
    shape = find_model(model)
    return Machine(
        parameters=count_parameters(shape).total,
        token_bytes=cache_bytes(shape, 1),
        peak_flops=PEAK_FLOPS[gpu],
        bandwidth=BANDWIDTH[gpu],
    )
