"""Replies are drawn by the model's own probabilities, however often and wherever they are written."""

import pytest
import torch

from repro.alignment.methods.replies import Writer
from repro.models.decoder import Decoder
from repro.models.transformer import Transformer

START = torch.zeros((6, 1), dtype=torch.long)


def model() -> Transformer:
    torch.manual_seed(0)
    return Transformer(Decoder(vocabulary=9, width=16, layers=1, heads=1, context=5)).requires_grad_(False)


def drawn_by_torch(generator: torch.Generator) -> torch.Tensor:
    tokens = START
    for _ in range(4):
        chances = torch.softmax(model()(tokens)[:, -1], dim=-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return tokens


@pytest.mark.parametrize("wrapped", [model(), lambda tokens: model()(tokens)])
def test_tokens_are_those_that_multinomial_draws_by_the_same_generator(wrapped):
    ours, torchs = (torch.Generator().manual_seed(3) for _ in range(2))
    write = Writer(4)

    for _ in range(3):
        assert torch.equal(drawn_by_torch(torchs), write(wrapped, START, ours))


def test_a_writer_writes_by_a_graph_from_its_second_time_on(gpu):
    """The weights may have moved in between; what it wrote before stays as it was."""
    written = {}
    for device in ("cpu", "cuda"):
        writer, write, generator = model().to(device), Writer(4), torch.Generator(device).manual_seed(3)
        written[device] = []
        for _ in range(4):
            written[device].append(write(writer, START.to(device), generator))
            writer.output.weight.mul_(-1)

    assert 3 == gpu.graph_replays
    assert all(torch.equal(one, other.cpu()) for one, other in zip(*written.values(), strict=True))
