"""Training over several processes or GPUs: torchrun in a child process, whose first rank hands back the numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from repro.floor.identity import rebuild, spell
from repro.floor.measurement import Diverged, Numbers

STRATEGIES = ("ddp", "fsdp2")


def ranks_wanted() -> int:
    """Processes that one run is spread over: REPRO_RANKS, by default 1."""
    text = os.environ.get("REPRO_RANKS") or "1"
    if not text.isdigit() or int(text) < 1:
        raise ValueError(f"REPRO_RANKS is {text!r}; expected a whole number of at least 1")
    return int(text)


def run_over_ranks(config: object, seed: int, *, ranks: int) -> Numbers:
    """Train one run over `ranks` processes of this machine, by REPRO_STRATEGY (ddp or fsdp2), and return its numbers.

    Raises:
        Diverged: as the run itself.
        RuntimeError: a rank failed; with the end of what it printed.
    """
    strategy = os.environ.get("REPRO_STRATEGY") or "ddp"
    if strategy not in STRATEGIES:
        raise ValueError(f"REPRO_STRATEGY is {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder, "job.json")
        job.write_text(json.dumps({"config": spell(config), "seed": seed}), encoding="utf-8")
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
        ended = subprocess.run([*torchrun, "-m", __name__, str(job)], capture_output=True, text=True)
        answer = job.with_suffix(".answer")
        if not answer.exists():
            raise RuntimeError(f"training over {ranks} processes failed:\n{_own_words(ended.stderr)}")
        outcome = json.loads(answer.read_text(encoding="utf-8"))
    if "diverged" in outcome:
        raise Diverged(outcome["diverged"])
    numbers: Numbers = outcome["numbers"]
    return numbers


def _own_words(stderr: str) -> str:
    """The ranks' own last lines, where there are any: torchrun's report after them does not say what went wrong."""
    lines = stderr.splitlines()
    return "\n".join([line for line in lines if line.startswith("[rank")][-12:] or lines[-12:])


def _one_rank(job: Path) -> None:
    import torch
    from accelerate import PartialState

    from repro.training.configurations import Pretraining
    from repro.training.run import run

    wanted = json.loads(job.read_text(encoding="utf-8"))
    state = PartialState(cpu=not torch.cuda.is_available())
    if state.num_processes != int(os.environ["WORLD_SIZE"]):  # accelerate falls back to one process without a word
        raise RuntimeError(f"{state.num_processes} processes of {os.environ['WORLD_SIZE']} found one another")
    outcome: dict[str, Any]
    try:
        outcome = {"numbers": run(rebuild(Pretraining, wanted["config"]), wanted["seed"]).numbers()}
    except Diverged as diverged:
        outcome = {"diverged": str(diverged)}
    if state.is_main_process:
        job.with_suffix(".answer").write_text(json.dumps(outcome), encoding="utf-8")
    state.destroy_process_group()


if __name__ == "__main__":
    _one_rank(Path(sys.argv[1]))
