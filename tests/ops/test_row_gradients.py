import pytest
import torch

from gclkit.ops.row_gradients import row_gradients
from gclkit.ops.tiles import Tiles, Tiling


@pytest.mark.parametrize("needs", [(True, True, True), (True, False, False)])
@pytest.mark.parametrize("excluded", [False, True])
def test_are_those_of_autograd(needs, excluded):
    generator = torch.Generator().manual_seed(3)
    draw = {"generator": generator, "dtype": torch.float64}
    queries, keys = torch.randn(7, 3, **draw), torch.randn(5, 3, **draw)
    weights, grad = torch.rand(7, 5, **draw), torch.randn(7, **draw)
    scale, pairs = torch.tensor(-1.7, dtype=torch.float64), None
    if excluded:
        pairs = torch.tensor([[1, 4, 6], [2, 0, 4]])
        weights[pairs[0], pairs[1]] = 0
    inputs = [part.clone().requires_grad_() for part in (queries, keys, scale)]
    out = (weights * (inputs[2] * inputs[0] @ inputs[1].T)).sum(dim=1)
    expected = torch.autograd.grad(out, inputs, grad)

    def weigh(rows, columns, tile):
        if not excluded:
            torch.testing.assert_close(tile, (scale * queries @ keys.T)[rows, columns])
        return weights[rows, columns].clone()

    tiles = Tiles(queries, keys, scale, Tiling(2, torch.float64, exclude=pairs), logits=True)
    found = row_gradients(tiles, queries, keys, scale, grad, weigh, needs)
    for mine, theirs, needed in zip(found, expected, needs, strict=True):
        if needed:
            torch.testing.assert_close(mine, theirs)
        else:
            assert mine is None
