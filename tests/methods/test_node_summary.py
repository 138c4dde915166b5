import math

import torch

from gclkit.methods.node_summary import NodeSummaryDiscriminator, summarize_nodes


def test_the_summary_is_the_sigmoid_of_the_mean():
    z = torch.tensor([[1.0, -3.0], [2.0, 1.0]])
    expected = torch.tensor([1 / (1 + math.exp(-1.5)), 1 / (1 + math.exp(1.0))])
    torch.testing.assert_close(summarize_nodes(z), expected)


def test_is_the_binary_cross_entropy_of_bilinear_scores():
    generator = torch.Generator().manual_seed(0)
    z, noise = torch.randn(2, 7, 3, generator=generator, dtype=torch.float64)
    summary = torch.rand(3, generator=generator, dtype=torch.float64)
    discriminator = NodeSummaryDiscriminator(3).double()
    scores = torch.cat(
        [torch.einsum("ni,ij,j->n", rows, discriminator.weight, summary) for rows in (z, noise)]
    )
    labels = torch.tensor([1.0] * 7 + [0.0] * 7, dtype=torch.float64)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)
    torch.testing.assert_close(discriminator(z, noise, summary), expected)


def test_the_gradient_reaches_all_inputs():
    generator = torch.Generator().manual_seed(1)
    z, noise = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    summary = torch.rand(3, generator=generator, dtype=torch.float64)
    inputs = [value.requires_grad_() for value in (z, noise, summary)]
    discriminator = NodeSummaryDiscriminator(3).double()
    assert torch.autograd.gradcheck(discriminator, inputs)


def test_a_reset_draws_the_weight_anew():
    discriminator = NodeSummaryDiscriminator(4)
    before = discriminator.weight.clone()
    discriminator.reset_parameters()
    assert not torch.equal(before, discriminator.weight)
