"""What training on a GPU changes, and that it changes nothing on a CPU."""

import time

import torch

from repro.instruments.devices import training_on
from repro.instruments.graphs import Replayed
from repro.instruments.turns import seconds_spent


def test_products_are_tf32_on_a_gpu_and_only_there_and_then(gpu):
    settings = []
    for device in ("cpu", "cuda"):
        with training_on(device):
            settings.append((torch.ones(1).device.type, torch.backends.cuda.matmul.allow_tf32))

    assert [("cpu", False), ("cuda", True)] == settings
    assert not torch.backends.cuda.matmul.allow_tf32


def test_seconds_are_worked_on_a_cpu_and_passed_on_a_gpu(gpu):
    """Sleep is no work."""
    spent = {}
    for device in ("cpu", "cuda"):
        with training_on(device):
            began = seconds_spent()
            time.sleep(0.2)
            spent[device] = seconds_spent() - began

    assert spent["cpu"] < 0.1 and spent["cuda"] >= 0.2


def test_a_replayed_function_reads_its_new_arguments_and_other_shapes_as_it_is(gpu):
    total = torch.zeros((), device="cuda")

    def work(numbers: torch.Tensor) -> torch.Tensor:
        total.add_(numbers.sum())
        return numbers * total

    replayed = Replayed(work, first=2)
    results = [replayed(torch.full((size,), 2.0, device="cuda")) for size in (3, 3, 3, 2, 3)]

    sums = (6, 12, 18, 22, 28)  # so far
    assert [2.0 * total for total in sums] == [numbers[0].item() for numbers in results]
    assert 2 == gpu.graph_replays
