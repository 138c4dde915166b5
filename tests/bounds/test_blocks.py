import pytest
import torch

from gclkit.bounds import node_compactness
from gclkit.bounds.blocks import as_row, by_columns


def test_blocks_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 10, generator=generator).double().requires_grad_()
    slope = torch.rand(1, 10, generator=generator).double().requires_grad_()

    def step(x, slope):
        return x * slope, (x.sin() * slope).sum(dim=1)

    def run(add):
        out = by_columns(step, x, slope, add=add)
        value = sum(((part - 0.3) ** 2).sum() for part in out)
        return [*out, *torch.autograd.grad(value, [x, slope])]

    whole = run(False)
    for name in ("WHOLE_NUMEL", "BLOCK_NUMEL"):
        monkeypatch.setattr(f"gclkit.bounds.blocks.{name}", 18)
    torch.testing.assert_close(run(False), whole)

    def product(x, slope):
        return (x @ slope.t(),)

    (summed,) = by_columns(product, x, slope, add=True)
    torch.testing.assert_close(summed, x @ slope.t())


@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_bounds_in_blocks(conv, make_encoder, make_graph, monkeypatch):
    layers = make_encoder(conv, "prelu", widths=(5, 6, 7, 4))
    if conv == "gin":  # A factor of the sums that is trained.
        for module, *_ in layers:
            del module.eps
            module.eps = torch.nn.Parameter(torch.tensor(-0.3).double())
    x, edge_index, z = make_graph([7, 9])
    parameters = [p for layer in layers for module in layer for p in module.parameters()]

    def run(mode, tightness):
        score = node_compactness(
            layers,
            x,
            edge_index,
            targets=z,
            p=0.4,
            mode=mode,
            tightness=tightness,
            view_edge_index=edge_index,
        )
        return [score, *torch.autograd.grad((score**2).sum(), parameters)]

    cases = [("pairwise", "interval"), ("certified", "budget")]
    whole = [run(*case) for case in cases]
    for name in ("WHOLE_NUMEL", "BLOCK_NUMEL"):
        monkeypatch.setattr(f"gclkit.bounds.blocks.{name}", 40)
    for case, expected in zip(cases, whole, strict=True):
        torch.testing.assert_close(run(*case), expected)


def test_rows():
    like = torch.zeros(2, 3).double()
    assert as_row(None, 3, like).tolist() == [[0, 0, 0]]
    assert as_row(torch.tensor(0.5), 3, like).tolist() == [[0.5, 0.5, 0.5]]
    assert as_row(torch.tensor([1.0, 2.0, 3.0]), 3, like).tolist() == [[1, 2, 3]]
