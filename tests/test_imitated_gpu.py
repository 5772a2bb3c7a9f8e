"""The imitated GPU gives the numbers of a CPU, counts what is launched, and refuses what a GPU would refuse."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
import torch.nn.functional as F
from imitated_gpu import ImitatedGPU, can_be_imitated
from torch import Tensor, nn

from repro.instruments.devices import on
from repro.instruments.graphs import capture
from repro.instruments.live_bytes import Watch, stored_bytes
from repro.instruments.turns import clock, take_turns
from repro.models.cache import Cache
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

pytestmark = pytest.mark.skipif(not can_be_imitated(), reason="the imitation is compiled with g++, which is not here")

SHAPE = Decoder(vocabulary=30, width=32, layers=2, heads=4, kv_heads=2, context=12)


def tokens(batch: int = 3) -> Tensor:
    return torch.randint(SHAPE.vocabulary, (batch, SHAPE.context), generator=torch.Generator().manual_seed(1))


def trained(device: str, steps: int = 3) -> tuple[list[float], list[Tensor]]:
    """Losses and weights of a few steps of AdamW, on the CPU in the end."""
    torch.manual_seed(0)
    shape = dataclasses.replace(SHAPE, norm="layer", kv_heads=4)  # what both devices have the same kernels for
    model, ids_BT = Transformer(shape).to(device), tokens().to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(ids_BT[:, :-1]).flatten(0, 1), ids_BT[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(loss.item())
    return losses, [parameter.detach().cpu() for parameter in model.parameters()]


def test_training_gives_the_numbers_of_a_cpu_to_the_last_digit(gpu: ImitatedGPU):
    """Losses and weights of a decoder, its gradients clipped, its steps fused."""
    (cpu_losses, cpu_weights), (losses, weights) = trained("cpu"), trained("cuda")

    assert cpu_losses == losses
    assert all(torch.equal(expected, weight) for expected, weight in zip(cpu_weights, weights, strict=True))
    assert 3 == gpu.by_name["_fused_adamw_"]


@pytest.mark.parametrize("causal", [False, True])
def test_losses_and_gradients_are_those_of_a_cpu_to_the_last_digit(gpu: ImitatedGPU, causal: bool):
    """Products, attention, layer norms, indexing, views written in place."""

    def gradient(device: str) -> tuple[Tensor, Tensor]:
        weight = torch.linspace(-1, 1, 2 * 4 * 6 * 8).reshape(2, 4, 6, 8).to(device).requires_grad_()
        state = F.scaled_dot_product_attention(weight, weight * 0.5, weight + 1, is_causal=causal)
        state = F.layer_norm(state.transpose(1, 2).reshape(2, 6, 32), (32,)).clone()
        state[:, ::2, 4:9] *= 3
        loss = F.gelu(state @ state.mT)[:, [0, 2]].logsumexp(-1).mean()
        return loss.detach().cpu(), torch.autograd.grad(loss, weight)[0].cpu()

    for expected, found in zip(gradient("cpu"), gradient("cuda"), strict=True):
        assert torch.equal(expected, found)


def test_a_view_shares_its_memory_and_a_copy_does_not(gpu: ImitatedGPU):
    """Whatever spells the device, on which a tensor is once, is there already."""
    with on("cuda"):
        whole = torch.zeros(4, 3)
    part, other = whole.t()[1:], copy.deepcopy(whole)
    part += 1
    whole.index_add_(0, torch.tensor([3]).cuda(), torch.full((1, 3), 5.0, device="cuda"))

    assert [[0, 1, 1]] * 3 + [[5, 6, 6]] == whole.tolist()
    assert [[0, 0, 0]] * 4 == other.tolist()
    assert whole.to("cuda") is whole.cuda() is whole.to(torch.device("cuda", 0)) is whole
    assert (True, "cuda:0") == (whole.is_cuda, str(whole.device))


def test_a_captured_step_does_nothing_before_it_is_replayed(gpu: ImitatedGPU):
    """And each replay does it once more, with what lies in its memory then."""
    total, step = torch.zeros(2, device="cuda"), torch.ones(2, device="cuda")

    replay, doubled = capture(lambda: total.add_(step) * 2, warm=False)
    captured = total.tolist()
    gpu.reset()
    replay()
    step.fill_(10)
    replay()

    assert [0, 0] == captured
    assert ([11, 11], [22, 22]) == (total.tolist(), doubled.tolist())
    assert (2, 4) == (gpu.graph_replays, gpu.launches_in_graphs)


def test_autocast_and_vmap_are_those_of_a_gpu(gpu: ImitatedGPU):
    """A product of float32 tensors is one of bfloat16 in autocast; mapped attention is one launch for all."""
    left = torch.ones(4, 2, 6, 8, device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        assert (left @ left.mT).dtype is torch.bfloat16
    gpu.reset()
    torch.func.vmap(F.scaled_dot_product_attention)(left[:, None], left[:, None], left[:, None])
    assert 1 == gpu.by_name["_scaled_dot_product_efficient_attention"]


def test_launches_and_operations_are_counted(gpu: ImitatedGPU):
    """Views launch nothing; a product of 3 x 4 and 4 x 5 takes 2 x 60 operations."""
    left, right = torch.ones(3, 4, device="cuda"), torch.ones(5, 4, device="cuda")
    gpu.reset()
    (left @ right.t()).view(15)[2:].relu_()

    assert [("mm", 1), ("relu_", 1)] == sorted(gpu.top())
    assert (2, 120) == (gpu.launches, gpu.flops)


def test_bytes_are_counted_as_the_allocator_of_cuda_counts_them(gpu: ImitatedGPU):
    """Requested as asked for, allocated in blocks of 512."""
    with Watch("cuda") as watch:
        cache = Cache(SHAPE, 2, 12, device="cuda")
        more = cache.keys + 1
        del more
        watch.mark("filled")

    size = cache.keys.nbytes + cache.values.nbytes
    assert size == stored_bytes(cache).held
    assert size <= watch.phases["filled"].alive < size + 64
    assert size + cache.keys.nbytes <= watch.phases["filled"].peak < size + cache.keys.nbytes + 64
    assert 0 == watch.phases["filled"].allocated % 512


def test_chance_on_the_gpu_is_its_own(gpu: ImitatedGPU):
    """What is drawn there uses up nothing of the CPU's generator, and the same seed draws the same."""
    before = torch.get_rng_state()
    drawn = [torch.rand(3, device="cuda", generator=torch.Generator("cuda").manual_seed(5)).tolist() for _ in range(2)]
    F.dropout(torch.ones(8, device="cuda"))

    assert drawn[0] == drawn[1]
    assert torch.equal(before, torch.get_rng_state())
    assert "cuda:0" == str(torch.Generator("cuda").device)


# --- faults that a run on a GPU would meet ----------------------------------------------------------------------------


def _tokens_on_the_cpu() -> None:
    Transformer(SHAPE).to("cuda")(tokens())


def _model_on_the_cpu() -> None:
    Transformer(SHAPE)(tokens().to("cuda"))


def _cache_on_the_cpu() -> None:
    Transformer(SHAPE).to("cuda")(tokens().to("cuda"), Cache(SHAPE, 3, 12))


def _mask_on_the_cpu() -> None:
    torch.ones(3, 3, device="cuda").masked_fill_(torch.ones(3, 3, dtype=torch.bool), 0)


def _steps_on_the_cpu() -> None:
    weight = nn.Parameter(torch.ones(3, device="cuda"))
    optimiser = torch.optim.AdamW([weight], fused=True)
    weight.sum().backward()
    optimiser.step()
    optimiser.state[weight]["step"] = optimiser.state[weight]["step"].cpu()
    optimiser.step()


def _generator_of_the_cpu() -> None:
    torch.rand(3, device="cuda", generator=torch.Generator())


def _generator_of_the_gpu() -> None:
    torch.rand(3, generator=torch.Generator("cuda"))


def _array_of_the_gpu() -> None:
    torch.ones(3, device="cuda").numpy()


def _product_of_integers() -> None:
    torch.ones(3, 3, dtype=torch.int64, device="cuda") @ torch.ones(3, 3, dtype=torch.int64, device="cuda")


def _number_in_a_capture() -> None:
    total = torch.ones(3, device="cuda")
    capture(lambda: total * total.sum().item(), warm=False)


def _copy_in_a_capture() -> None:
    total = torch.ones(3, device="cuda")
    capture(lambda: total + torch.arange(3).to("cuda"), warm=False)


def _choice_by_mask_in_a_capture() -> None:
    total = torch.ones(3, device="cuda")
    capture(lambda: total[total > 0], warm=False)


def _waiting_in_a_capture() -> None:
    capture(lambda: clock("cuda"), warm=False)


def _unknown_generator_in_a_capture() -> None:
    generator = torch.Generator("cuda")
    capture(lambda: torch.rand(3, device="cuda", generator=generator), warm=False)


def _clock_without_waiting() -> None:
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    torch.ones(3, device="cuda")
    end.record()
    begin.elapsed_time(end)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_tokens_on_the_cpu, "same device"),
        (_model_on_the_cpu, "same device"),
        (_cache_on_the_cpu, "same device"),
        (_mask_on_the_cpu, "same device"),
        (_steps_on_the_cpu, "same device"),
        (_generator_of_the_cpu, "Expected a 'cuda' device type for generator"),
        (_generator_of_the_gpu, "Expected a 'cpu' device type for generator"),
        (_array_of_the_gpu, "can't convert cuda:0 device type tensor to numpy"),
        (_product_of_integers, "not implemented for"),
        (_number_in_a_capture, "the host waits|waits for the GPU"),
        (_copy_in_a_capture, "a copy from or to the host"),
        (_choice_by_mask_in_a_capture, "waits for the GPU"),
        (_waiting_in_a_capture, "the host waits"),
        (_unknown_generator_in_a_capture, "was not registered"),
        (_clock_without_waiting, "device not ready"),
    ],
)
def test_a_planted_fault_is_refused(gpu: ImitatedGPU, fault, words):
    """Each would fail on a GPU, or give a wrong number without a word."""
    with pytest.raises((RuntimeError, TypeError), match=words):
        fault()


def test_turns_are_timed_by_events(gpu: ImitatedGPU):
    """The library's own clock waits, so that its events can be read."""
    work = torch.ones(3, device="cuda")
    [[first, second]] = take_turns([lambda: work + 1], rounds=2, seed=0, device="cuda")
    assert first > 0 and second > 0


def test_the_gpu_is_gone_after_its_block():
    """Other tests see the machine as it is."""
    from imitated_gpu import imitated_gpu

    with imitated_gpu():
        assert torch.cuda.is_available()
    assert not torch.cuda.is_available()
    assert "cpu" == torch.Generator().device.type
