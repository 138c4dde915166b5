import pytest
import torch

from gclkit.encoders import Projector


def test_formula_and_gradient():
    torch.manual_seed(0)
    projector = Projector(4, 3, 2)
    z = torch.randn(6, 4, requires_grad=True)
    w1, b1, w2, b2 = projector.parameters()
    inner = z @ w1.T + b1
    expected = torch.where(inner > 0, inner, inner.exp() - 1) @ w2.T + b2
    out = projector(z)
    torch.testing.assert_close(out, expected)
    out.square().sum().backward()
    assert all(t.grad.abs().sum() > 0 for t in (z, *projector.parameters()))


def test_is_as_wide_as_the_input_unless_told():
    assert Projector(5, 3)(torch.randn(2, 5)).shape == (2, 5)


@pytest.mark.parametrize("name", ["in_channels", "hidden_channels", "out_channels"])
def test_refusals(name):
    widths = {"in_channels": 4, "hidden_channels": 3, "out_channels": 2, name: 0}
    with pytest.raises(ValueError) as error:
        Projector(**widths)
    assert str(error.value) == f"Projector: '{name}' must be an integer of at least 1 (got 0)"


def test_resetting_under_a_seed_repeats():
    torch.manual_seed(3)
    projector = Projector(4, 3, 2)
    before = [p.clone() for p in projector.parameters()]
    for parameter in projector.parameters():
        parameter.data.fill_(0.9)
    torch.manual_seed(3)
    projector.reset_parameters()
    assert all(map(torch.equal, projector.parameters(), before))


def test_autocast_takes_embeddings_that_it_narrowed():
    projector, z = Projector(6, 5), torch.randn(7, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = projector(z.bfloat16())
    torch.testing.assert_close(found.float(), projector(z), rtol=0.05, atol=0.05)
    with pytest.raises(ValueError, match=r"^Projector: 'z' must be of dtype torch.float32 \(got"):
        projector(z.bfloat16())
