"""Many multinomial logistic regressions in one tensor program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

# Rows and columns up to which an eigenbasis is cheaper than the iterations that it saves.
_LARGEST_BASIS = 2048
_MEMORY = 8  # Pairs kept by BFGS.


class LogisticFit(NamedTuple):
    """Solutions of :func:`fit_logistic`, for ``b`` training sets and ``s`` strengths."""

    weight: Float[Tensor, "b s d c"]
    bias: Float[Tensor, "b s c"]
    iterations: int
    gradient: Float[Tensor, "b s"]  # Largest entry of the gradient of the mean loss at the end.


def fit_logistic(
    x: Float[Tensor, "b t d"],
    y: Int[Tensor, "b t"],
    *,
    strengths: Sequence[float],
    num_classes: int,
    present: Float[Tensor, "b t"] | None = None,
    max_iter: int = 200,
    tolerance: float = 3e-4,
) -> LogisticFit:
    r"""Minimises, for every training set :math:`b` and inverse strength :math:`C`,

    .. math::
        \frac{1}{t} \sum_{i=1}^{t} -\log \operatorname{softmax}(W^\top x_i + a)_{y_i}
        + \frac{1}{2 C t} \lVert W \rVert_F^2 ,

    scikit-learn's objective divided by :math:`C t`, the intercept :math:`a` not penalised. (With
    two classes, this is the binary model of twice the strength.)

    One limited-memory BFGS iteration serves all problems: products with the features of a
    training set are shared by its strengths, and the line search moves along the logits, without
    any product. The features are rotated to their principal axes, where the bound
    :math:`\tfrac12 (I - \mathbf{1}\mathbf{1}^\top / c) \otimes X^\top X / t` on the curvature
    (Böhning 1992) is diagonal and so is the starting matrix of BFGS; where there are fewer rows
    than columns the rotation also keeps only the space of the rows, which holds the optimum.

    Args:
        x: Training rows, dense, in fp32 or fp64.
        y: Labels in ``0 … num_classes - 1``.
        strengths: Inverse regularisation strengths :math:`C > 0`.
        num_classes: Number of classes; one that no row has gets a falling bias.
        present: 1 for rows that count, 0 for padding. (default: all count)
        max_iter: Iteration limit.
        tolerance: Stops once no entry of a gradient exceeds this, or this over the root of a
            strength above 1: the flatter the optimum, the farther a small gradient is from it.

    Returns:
        Weights and biases for the rows as they were given.
    """
    b, t, d = x.shape
    present = x.new_ones(b, t) if present is None else present.to(x.dtype)
    share = (present / present.sum(dim=1, keepdim=True)).unsqueeze(-1)  # [b, t, 1]
    center = (share * x).sum(dim=1, keepdim=True)
    rows, basis, curvature = _principal_rows((x - center) * (share > 0), share)
    rows = torch.cat([rows, x.new_ones(b, t, 1)], dim=-1)

    penalty = x.new_tensor([1.0 / c for c in strengths]) / present.sum(dim=1, keepdim=True)
    decay = torch.cat(
        [penalty.unsqueeze(-1).expand(-1, -1, basis.shape[-1]), x.new_zeros(b, len(strengths), 1)],
        dim=-1,
    )  # [b, s, r + 1]
    curvature = torch.cat([curvature, x.new_ones(b, 1)], dim=-1).unsqueeze(1)
    target = (F.one_hot(y, num_classes).to(x.dtype) * share).mT
    inverse = 1.0 / (curvature / num_classes + decay)
    limit = x.new_tensor([tolerance / max(1.0, strength**0.5) for strength in strengths])
    solution, iterations, gradient = _minimise(
        rows, target, share.squeeze(-1), decay, inverse, max_iter, limit
    )
    weight = (solution[..., :-1].flatten(1, 2) @ basis.mT).view(b, len(strengths), -1, d).mT
    bias = solution[..., -1] - (center.unsqueeze(1) @ weight).squeeze(2)
    return LogisticFit(weight, bias, iterations, gradient)


def _principal_rows(x: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates of the rows in an orthonormal basis, the basis, and the mean of their squares."""
    b, t, d = x.shape
    if min(t, d) > _LARGEST_BASIS:
        basis = torch.eye(d, dtype=x.dtype, device=x.device).expand(b, d, d)
        return x, basis, (share * x.square()).sum(dim=1)
    if t < d:
        span, inner = torch.linalg.qr(x.mT)
        x = inner.mT
    # In double: with many dead columns the single-precision solver gives up.
    curvature, axes = torch.linalg.eigh(((share * x).mT @ x).double())
    axes = axes.to(x.dtype)
    basis = axes if t >= d else span @ axes
    return x @ axes, basis, curvature.clamp(min=0).to(x.dtype)


class _State(NamedTuple):
    """What the iteration carries from step to step, for the strengths that still move."""

    decay: Tensor  # [b s 1 r]
    inverse: Tensor  # [b s 1 r], the preconditioner
    w: Tensor  # [b s c r]
    g: Tensor  # [b s c r], the gradient at w
    gamma: Tensor  # [b s 1 1], scale of the preconditioner
    z: Tensor  # [b s c t], logits at w
    dz: Tensor  # [b s c t], buffer: logits of the direction
    error: Tensor  # [b s c t], buffer: derivative of the loss in the logits
    spare: Tensor  # [b s c t], buffer

    def keep(self, strengths: Tensor) -> _State:
        return _State(*(tensor[:, strengths] for tensor in self))


def _dot(u: Tensor, v: Tensor) -> Tensor:
    # A product of matrices, since it makes no temporary of the size of its arguments.
    row, column = u.flatten(2).unsqueeze(2), v.flatten(2).unsqueeze(3)
    return row @ column


def _minimise(
    rows: Tensor,
    target: Tensor,
    share: Tensor,
    decay: Tensor,
    inverse: Tensor,
    max_iter: int,
    limit: Tensor,
) -> tuple[Tensor, int, Tensor]:
    """L-BFGS; rows [b t r], target [b c t], share [b t], decay [b s r], limit [s]."""
    (b, t, r), (s, c) = rows.shape, (decay.shape[1], target.shape[1])
    share, target = share.view(b, 1, 1, t), target.unsqueeze(1)

    def empty(*shape: int) -> Tensor:
        return rows.new_zeros(b, s, *shape)

    def refresh_error(state: _State, length: Tensor) -> None:
        """Error at ``w + length * direction``: share * softmax(logits) - target, in place."""
        error = torch.addcmul(state.z, state.dz, length, out=state.error)
        # Far from the largest logit nothing counts, and CPUs multiply denormal numbers slowly.
        error.sub_(error.amax(dim=2, keepdim=True)).clamp_(min=-60).exp_()
        error.mul_(share / error.sum(dim=2, keepdim=True)).sub_(target)

    def gradient(state: _State) -> Tensor:
        product = torch.bmm(state.error.flatten(1, 2), rows).view_as(state.w)
        return product.addcmul_(state.decay, state.w)

    # The buffers are allocated once: the page faults of fresh megabytes cost more than the
    # arithmetic on them.
    state = _State(
        decay.unsqueeze(2), inverse.unsqueeze(2), empty(c, r), empty(c, r), empty(1, 1) + 1,
        *(empty(c, t) for _ in range(4)),
    )  # fmt: skip
    refresh_error(state, state.gamma)
    state = state._replace(g=gradient(state))
    weight, remainder, order = empty(c, r), empty(), torch.arange(s, device=rows.device)
    active = torch.ones_like(state.gamma, dtype=torch.bool)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    iteration = 0
    while iteration < max_iter and bool(active.any()):
        iteration += 1
        direction = _direction(state, pairs)
        torch.bmm(direction.flatten(1, 2), rows.mT, out=state.dz.view(b, -1, t))
        length = _line_search(state, direction, active, refresh_error)
        step = direction.mul_(length)
        state.z.addcmul_(state.dz, length)
        state.w.add_(step)
        previous, state = state.g, state._replace(g=gradient(state))
        change = state.g - previous
        inner, scaled = _dot(step, change), _dot(change, state.inverse * change)
        # Beyond convergence a pair is rounding; its inverse would overflow.
        size = (_dot(step / state.inverse, step) * scaled).sqrt()
        good = (inner > torch.finfo(inner.dtype).eps * size) & (inner > 1e-25) & (scaled > 1e-25)
        state.gamma.copy_(torch.where(good, inner / scaled, state.gamma))
        pairs = [*pairs[1 - _MEMORY :], (step, change, torch.where(good, 1 / inner, 0.0))]

        worst = state.g.abs().amax(dim=(2, 3), keepdim=True)
        active = worst > limit[order].view(1, -1, 1, 1)
        weight[:, order], remainder[:, order] = state.w, worst[..., 0, 0]
        moving = active.any(dim=0).flatten()
        if 2 * int(moving.sum()) <= len(moving):
            state, order, active = state.keep(moving), order[moving], active[:, moving]
            pairs = [(u[:, moving], v[:, moving], rho[:, moving]) for u, v, rho in pairs]
    return weight, iteration, remainder


def _direction(state: _State, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The two-loop recursion."""
    q, alphas = -state.g, []
    for step, change, rho in reversed(pairs):
        alphas.append(rho * _dot(step, q))
        q.addcmul_(change, alphas[-1], value=-1)
    q.mul_(state.inverse).mul_(state.gamma)
    for (step, change, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        q.addcmul_(step, alpha - rho * _dot(change, q))
    return q


def _line_search(
    state: _State, direction: Tensor, active: Tensor, refresh_error: Callable[..., None]
) -> Tensor:
    """Step lengths from slopes alone; leaves the error at the accepted point.

    The loss is convex, so the slope brackets the minimum along the direction; unlike a
    difference of losses it keeps its digits in fp32.
    """
    slope = _dot(state.g, direction)
    inside = _dot(state.decay * state.w, direction)
    ridge = _dot(state.decay * direction, direction)
    length = active.to(slope.dtype)  # A problem that is solved stays where it is.
    for _ in range(10):
        refresh_error(state, length)
        end = torch.mul(state.error, state.dz, out=state.spare).sum(dim=(2, 3), keepdim=True)
        end = end + inside + length * ridge
        over = (end > -0.3 * slope) & active
        if not bool(over.any()):
            break
        length = torch.where(over, length * (slope / (slope - end)).clamp(0.1, 0.9), length)
    return length
