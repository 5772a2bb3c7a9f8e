"""The norms of many models at once are the norms of each."""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call, vmap

from repro.models.norms import with_norms_of_each


def test_under_vmap_each_model_has_its_own_norm_and_gradient():
    """Three gains, on three streams and on one that all share; torch's norm of each alone is the expected one."""
    torch.manual_seed(0)
    plain, each = nn.Sequential(nn.RMSNorm(6, eps=1e-5)), with_norms_of_each(nn.Sequential(nn.RMSNorm(6, eps=1e-5)))
    gains_RW, streams_RBTW = torch.rand(3, 6), torch.randn(3, 2, 4, 6)

    def norm(model, gains, stream):
        return functional_call(model, {"0.weight": gains}, (stream * gains.sum(),))

    for streams, data in ((streams_RBTW, 0), (streams_RBTW[0], None)):
        wanted, found = (gains_RW.clone().requires_grad_() for _ in range(2))
        alone = torch.stack([norm(plain, wanted[r], streams[r] if data == 0 else streams) for r in range(3)])
        together = vmap(lambda gains, stream: norm(each, gains, stream), in_dims=(0, data))(found, streams)

        torch.testing.assert_close(alone, together)
        (alone**3).sum().backward(), (together**3).sum().backward()
        torch.testing.assert_close(wanted.grad, found.grad)
