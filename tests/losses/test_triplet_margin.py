import pytest
import torch

from gclkit.losses import TripletMargin, triplet_margin


def test_known_values():
    anchors = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    positives = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
    negatives = torch.tensor([[0.0, 2.0], [0.0, 9.0], [0.0, 2.5]])
    # Distances 5 and 2, 1 and 9, 2 and 2.5: terms 5 - 2 + .7, 0 and 2 - 2.5 + .7.
    loss = triplet_margin(anchors, positives, negatives, margin=0.7)
    assert loss.item() == pytest.approx((3.7 + 0.0 + 0.2) / 3)
    assert TripletMargin(0.7)(anchors, positives, negatives).item() == pytest.approx(loss.item())
    assert str(TripletMargin(0.7)) == "TripletMargin(margin=0.7)"


def test_gradcheck(views):
    z1, z2 = views(6)
    assert torch.autograd.gradcheck(triplet_margin, (z1, z2, views(6, seed=5)[0]))


def test_equal_rows_have_a_finite_gradient():
    z = torch.ones(3, 2, requires_grad=True)
    triplet_margin(z, z.detach(), z.detach()).backward()
    assert z.grad.eq(0).all()


def test_names_the_argument_that_does_not_fit():
    z = torch.ones(3, 2)
    with pytest.raises(ValueError) as error:
        triplet_margin(z, z, torch.ones(2, 2))
    assert str(error.value) == (
        "triplet_margin: 'negatives' must be of the shape of 'anchors', (3, 2) (got (2, 2))"
    )
    with pytest.raises(ValueError) as error:
        triplet_margin(z, z, z, margin=0)
    assert str(error.value) == "triplet_margin: 'margin' must be a positive number (got 0)"
