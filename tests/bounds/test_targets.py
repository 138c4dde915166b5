import pytest
import torch

from gclkit.bounds import target_vectors


def test_own_positive_minus_the_mean_of_the_others():
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    unit, other = z / z.norm(dim=1, keepdim=True), torch.tensor([0.3, -1.2, 2.0]).double()
    vectors = target_vectors(z)
    for i in range(5):
        rest = [float(unit[j] @ other) for j in range(5) if j != i]
        assert float(vectors[i] @ other) == pytest.approx(float(unit[i] @ other) - sum(rest) / 4)
    torch.testing.assert_close(vectors.sum(dim=0), torch.zeros(3).double())
    nodes = torch.tensor([4, 1])
    torch.testing.assert_close(target_vectors(z, nodes=nodes), vectors[nodes])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_zero_row_stays_zero_without_a_gradient(dtype):
    z = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=dtype, requires_grad=True)
    expected = torch.tensor([[-0.6, -0.8], [0.6, 0.8]], dtype=dtype)
    torch.testing.assert_close(target_vectors(z), expected)
    (grad,) = torch.autograd.grad(target_vectors(z)[0, 0], z)
    assert grad[0].tolist() == [0, 0] and (grad[1] != 0).all()
