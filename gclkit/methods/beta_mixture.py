"""A mixture of two beta distributions, which ProGCL fits to similarities."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gclkit.checks import check_count, check_finite, check_probability, reject

# The densities are 0 or infinite at the ends of [0, 1]; the authors' code stays clear of them.
MARGIN = 1e-4


class BetaMixture(nn.Module):
    r"""Two beta distributions on (0, 1), fitted by expectation maximisation.

    .. math::
        p(x) = \sum_{k} \pi_k \frac{x^{\alpha_k - 1} (1 - x)^{\beta_k - 1}}
        {B(\alpha_k, \beta_k)}

    From "ProGCL" (`arXiv:2110.02027 <https://arxiv.org/abs/2110.02027>`_, Section 4); the
    second step matches weighted mean and variance. State is kept in buffers.

    Args:
        share: Share of the upper component before the first step, in (0, 1).
        steps: Steps of expectation maximisation.

    Raises:
        ValueError: For settings out of range.
    """

    alpha: Float[Tensor, " 2"]
    beta: Float[Tensor, " 2"]
    share: Float[Tensor, " 2"]

    def __init__(self, *, share: float = 0.05, steps: int = 10) -> None:
        super().__init__()
        if not 0 < check_probability("BetaMixture", "share", share) < 1:
            reject("BetaMixture", "share", "strictly between 0 and 1", share)
        self.initial_share = share
        self.steps = check_count("BetaMixture", "steps", steps)
        for name in ("alpha", "beta", "share"):
            self.register_buffer(name, torch.zeros(2, dtype=torch.float64))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Goes back to the start of the fit: means 1/3 and 2/3."""
        self.alpha.copy_(torch.tensor([1.0, 2.0]))
        self.beta.copy_(torch.tensor([2.0, 1.0]))
        self.share.copy_(torch.tensor([1 - self.initial_share, self.initial_share]))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, " m"]) -> None:
        """Fits the mixture to a sample, from the start.

        Args:
            x: Numbers in [0, 1].

        Raises:
            ValueError: If the sample is empty or not finite.
        """
        if x.numel() == 0:
            reject("BetaMixture", "x", "a sample of at least one number", "none")
        x = check_finite("BetaMixture", "x", x).double().clamp(MARGIN, 1 - MARGIN)
        self.reset_parameters()
        for _ in range(self.steps):
            weight = self.log_terms(x).softmax(dim=0)
            total = weight.sum(dim=1).clamp(min=1e-12)
            mean = ((weight @ x) / total).clamp(MARGIN, 1 - MARGIN)
            spread = (weight * (x - mean[:, None]) ** 2).sum(dim=1) / total
            # Bound the variance: a point mass has no finite parameters, and Bernoulli is the
            # widest case.
            size = (mean * (1 - mean) / spread.clamp(min=1e-8) - 1).clamp(min=1e-3)
            self.alpha.copy_(mean * size)
            self.beta.copy_((1 - mean) * size)
            self.share.copy_(total / total.sum())

    def log_terms(self, x: Float[Tensor, " m"]) -> Float[Tensor, "2 m"]:
        """The logarithm of each component's density times its share."""
        alpha, beta = self.alpha.to(x.dtype)[:, None], self.beta.to(x.dtype)[:, None]
        log_beta = torch.lgamma(alpha) + torch.lgamma(beta) - torch.lgamma(alpha + beta)
        share = self.share.to(x.dtype).clamp(min=1e-30).log()[:, None]
        return share + (alpha - 1) * x.log() + (beta - 1) * torch.log1p(-x) - log_beta

    def lower_posterior(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The probability that each number comes from the component of the lower mean.

        Args:
            x: Numbers in [0, 1], of any shape.
        """
        x = x.clamp(MARGIN, 1 - MARGIN)
        lower = (self.alpha / (self.alpha + self.beta)).argmin()
        # In 64 bits: the normalising constants are large and nearly cancel.
        end = self.log_terms(x.new_tensor([0.5], dtype=torch.float64))[:, 0]
        a, b = (v[lower] - v[1 - lower] for v in (self.alpha, self.beta))
        constant = end[lower] - end[1 - lower] + (a + b) * math.log(2)
        # In place, since this runs on every entry of a similarity matrix; and not log1p, at
        # ten times the cost: the margin keeps 1 - x away from 0.
        upper = x.neg().add_(1).log_()
        return x.log_().mul_(a).add_(upper.mul_(b)).add_(constant).sigmoid_()
