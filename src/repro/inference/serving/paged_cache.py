"""Keys and values stored in blocks and read through block tables, for sequences of any lengths side by side.

B sequences, H query heads, K key-value heads, N blocks of a sequence, S time held, T time added, D width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from repro.inference.serving.paging import BlockPool, BlockTable
from repro.models.decoder import Decoder


class PagedCache:
    """A pool's blocks with their contents; `select` says which sequences the next pass reads and extends.

    Fields: `keys`, `values` (layers, blocks, block, kv_heads, head_width); `length`, `mask` of the sequences selected.

    Raises:
        ValueError: positions that a decoder does not turn by, so that sequences cannot differ in length.
    """

    def __init__(
        self, shape: Decoder, pool: BlockPool, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> None:
        if shape.positions not in ("rope", "none"):
            raise ValueError(f"positions are {shape.positions!r}; a paged cache reads rope or none")
        size = (shape.layers, len(pool.owners), pool.block, shape.key_value_heads, shape.head_width)
        self.keys = torch.zeros(size, dtype=dtype, device=device)
        self.values = torch.zeros(size, dtype=dtype, device=device)
        self.block, self.device, self.length = pool.block, device, 0
        self.mask: Tensor | None = None

    def append(self, table: BlockTable, tokens: int = 1) -> None:
        """Room for more tokens of a sequence, after copying the block that it must not share any longer."""
        if copy := table.append(tokens):
            source, target = copy
            self.keys[:, target] = self.keys[:, source]
            self.values[:, target] = self.values[:, source]

    def select(self, tables: Sequence[BlockTable], time: int) -> None:
        """Let the next pass write the last `time` tokens that were appended to each table, and read all before them."""
        self.length = max(table.length for table in tables) - time
        most = max(len(table.blocks) for table in tables)
        # Shorter tables are filled up with block 0, whose slots the mask hides.
        rows = [table.blocks + [0] * (most - len(table.blocks)) for table in tables]
        self._tables_BN = torch.tensor(rows, device=self.device)
        ends_B1 = torch.tensor([[table.length] for table in tables], device=self.device)
        self._places_BT = ends_B1 - time + torch.arange(time, device=self.device)
        slots_S = torch.arange(most * self.block, device=self.device)
        self.mask = (slots_S <= self._places_BT[..., None])[:, None]
        self._blocks_BT = self._tables_BN.gather(1, self._places_BT // self.block)

    def places(self, time: int) -> Tensor:
        """(B, 1, T) positions of the tokens that are written."""
        return self._places_BT[:, None]

    def extend(self, layer: int, keys_BKTD: Tensor, values_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Write a layer's keys and values into their slots; returns those of all slots, (B, K, N x block, D) each."""
        inside_BT = self._places_BT % self.block
        self.keys[layer, self._blocks_BT, inside_BT] = keys_BKTD.transpose(1, 2)
        self.values[layer, self._blocks_BT, inside_BT] = values_BKTD.transpose(1, 2)
        return gather(self.keys[layer], self._tables_BN), gather(self.values[layer], self._tables_BN)

    def advance(self, time: int) -> None:
        """Nothing: the tables have counted already."""


def gather(stored: Tensor, tables_BN: Tensor) -> Tensor:
    """What blocks hold, one sequence after another in its own order, (B, K, N x block, D): a copy.

    Args:
        stored: (blocks, block, kv_heads, head_width).
    """
    return stored[tables_BN].flatten(1, 2).transpose(1, 2)


def attend_by_blocks(query_BHD: Tensor, keys: Tensor, values: Tensor, tables: Sequence[BlockTable]) -> Tensor:
    """One query's attention (B, H, D) for each sequence, a block at a time and without copying: a paged kernel's sum.

    Args:
        keys, values: (blocks, block, heads, head_width).

    Source: Kwon et al. 2023 (arXiv:2309.06180), eq. 4, with the running maximum of Milakov & Gimelshein 2018
    (arXiv:1805.02867).
    """
    mixed = torch.zeros_like(query_BHD)
    for row, table in enumerate(tables):
        query_HD = query_BHD[row] * query_BHD.shape[-1] ** -0.5
        top_H = query_HD.new_full(query_HD.shape[:1], -torch.inf)
        weight_H, sum_HD = torch.zeros_like(top_H), torch.zeros_like(query_HD)
        for place, number in enumerate(table.blocks):
            filled = min(keys.shape[1], table.length - place * keys.shape[1])
            scores_HS = torch.einsum("hd,shd->hs", query_HD, keys[number, :filled])
            higher_H = torch.maximum(top_H, scores_HS.amax(-1))
            shrink_H, weights_HS = (top_H - higher_H).exp(), (scores_HS - higher_H[:, None]).exp()
            weight_H = weight_H * shrink_H + weights_HS.sum(-1)
            sum_HD = sum_HD * shrink_H[:, None] + torch.einsum("hs,shd->hd", weights_HS, values[number, :filled])
            top_H = higher_H
        mixed[row] = sum_HD / weight_H[:, None]
    return mixed
