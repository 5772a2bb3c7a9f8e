"""What trials of serving are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repro.corpora.tables.tables import TableId
from repro.inference.serving.memory import Paging, Reserving
from repro.inference.serving.steps import Machine
from repro.inference.serving.traces import Workload
from repro.models.decoder import Decoder

DTYPES = {"cpu": "float32", "cuda": "bfloat16"}


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A decoder with random weights that serves a workload; `lanes` and `static` as `replay` takes them."""

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
