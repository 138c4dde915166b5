import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import BootstrapCosine, bootstrap_cosine


def test_is_two_minus_both_cosines(views):
    (p1, p2), (t1, t2) = views(6), views(6, seed=3)
    expected = 2 - F.cosine_similarity(p1, t2).mean() - F.cosine_similarity(p2, t1).mean()
    torch.testing.assert_close(bootstrap_cosine(p1, p2, t1, t2), expected)
    torch.testing.assert_close(BootstrapCosine()(p1, p2, t1, t2), expected)


def test_reaches_both_ends():
    z = torch.eye(3)
    assert bootstrap_cosine(z, z, z, z).item() == 0
    assert bootstrap_cosine(z, z, -z, -z).item() == 4


def test_only_the_predictions_get_a_gradient(views):
    (p1, p2), (t1, t2) = views(6), views(6, seed=3)
    assert torch.autograd.gradcheck(
        lambda a, b: bootstrap_cosine(a, b, t1.detach(), t2.detach()), (p1, p2)
    )
    bootstrap_cosine(p1, p2, t1, t2).backward()
    assert p1.grad is not None and t1.grad is None and t2.grad is None


def test_names_the_argument_that_does_not_fit():
    z = torch.ones(3, 2)
    with pytest.raises(ValueError) as error:
        bootstrap_cosine(z, z, z, torch.ones(2, 2))
    assert str(error.value) == (
        "bootstrap_cosine: 'target2' must be of the shape of 'prediction1', (3, 2) (got (2, 2))"
    )
    with pytest.raises(ValueError) as error:
        bootstrap_cosine(z, z, 0 * z, z)
    assert str(error.value) == (
        "bootstrap_cosine: 'target1' must be free of zero rows, which have no direction; "
        "behind a last ReLU use a Projector, or final_activation=False "
        "(got 'row 0 is zero')"
    )


def test_a_result_in_fp32_whatever_the_default_dtype(views):
    rows = views(4, dtype=torch.float32)
    try:
        torch.set_default_dtype(torch.float64)
        assert bootstrap_cosine(*rows, *rows).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_refuses_views_of_different_nodes(views):
    (p1, p2), (t1, t2) = views(4), views(5)
    with pytest.raises(ValueError) as error:
        bootstrap_cosine(p1, t1, t2, p2)
    assert str(error.value) == (
        "bootstrap_cosine: 'prediction2' must be of the shape of 'prediction1', (4, 5) (got (5, 5))"
    )
