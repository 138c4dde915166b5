"""Provable training (POT) as a plug-in for any training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gclkit.bounds import EdgeDropSet, node_compactness
from gclkit.bounds.compactness import check_mode
from gclkit.bounds.forward import trace_view
from gclkit.bounds.layers import check_features, describe_layers
from gclkit.bounds.modules import numbered_modules, repeatable
from gclkit.bounds.replay import check_replay
from gclkit.checks import check_count, check_edges, check_probability, reject

View = tuple[Tensor, Tensor, Tensor]


class ProvableTraining(nn.Module):
    r"""Adds the negative log-sigmoid of each node's compactness to a contrastive loss.

    .. math::
        L = (1 - \kappa)\, L_{\mathrm{NCE}} + \frac{\kappa}{2} \sum_{v \in \{1, 2\}}
        \mathrm{mean}_i \, \mathrm{softplus}(-\mathrm{score}^{(v)}_i)

    View 1 is bounded along the embeddings of view 2 and the other way round
    (`Provable Training for Graph Contrastive Learning <https://arxiv.org/abs/2309.13944>`_).

    Example::

        pot = ProvableTraining(encoder=encoder, edge_index=edge_index, num_nodes=n,
                               p=(0.3, 0.4), kappa=0.4)
        loss = pot(loss, (x1, edge_index_1, z1), (x2, edge_index_2, z2))

    Args:
        layers: ``[(conv, activation), ...]`` or ``[(conv, norm, activation), ...]``, sharing
            their parameters with the encoder in training.
        encoder: An encoder with a method ``layers()``, instead of ``layers``.
        edge_index: The clean graph, both directions, no self-loops.
        num_nodes: Its nodes.
        p: Drop rates of the two views, or one for both; they set the budgets.
        kappa: Weight in [0, 1]; 0 is the loss alone and computes no bound.
        mode: See :func:`gclkit.bounds.node_compactness`. ``"certified"`` speaks of the views
            within the budgets; a view that Bernoulli dropping takes beyond them is trained
            with that same bound, which does not speak of it.
        detach_targets: Whether the direction is a constant. The authors let the gradient
            through. (default: ``False``)
        num_anchors: Nodes drawn per call for the mean; their neighbours are not cut off.
            (default: all)
        tightness: See :func:`gclkit.bounds.node_compactness`.
        generator: Source of the drawn nodes.

    Raises:
        ValueError: If an argument is out of range, the encoder has a module without a bound,
            the graph has another number of nodes than a view, or replaying the layers does not
            give the embeddings that were handed in: then the layers are not the encoder, and
            the bound would be of something else. They are replayed at the first call and
            whenever their parameters have not moved since the call before, as those of an
            encoder in training would have.
    """

    edge_index: Tensor

    def __init__(
        self,
        *,
        edge_index: Int[Tensor, "2 e"],
        num_nodes: int,
        layers: Sequence[Any] | None = None,
        encoder: Any = None,
        p: float | Sequence[float] = 0.3,
        kappa: float = 0.5,
        mode: str = "pairwise",
        detach_targets: bool = False,
        num_anchors: int | None = None,
        tightness: str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        owner = "ProvableTraining"
        if (layers is None) == (encoder is None):
            given = "neither" if layers is None else "both"
            reject(owner, "layers", "given, or 'encoder' instead", given)
        # A tuple: not registered twice.
        self._encoder = (repeatable(encoder if layers is None else layers),)
        describe_layers(owner, self._encoder[0])
        rates = tuple(p) if isinstance(p, Sequence) else (p, p)
        if len(rates) != 2:
            reject(owner, "p", "one drop rate, or one for each of the two views", p)
        self.p = (check_probability(owner, "p", rates[0]), check_probability(owner, "p", rates[1]))
        self.kappa = check_probability(owner, "kappa", kappa)
        check_mode(owner, mode, tightness)
        self.mode = mode
        self.detach_targets = detach_targets
        self.num_nodes = check_count(owner, "num_nodes", num_nodes)
        self.num_anchors = None
        if num_anchors is not None:
            self.num_anchors = min(check_count(owner, "num_anchors", num_anchors), self.num_nodes)
        self.tightness = tightness
        self.generator = generator
        self.register_buffer("edge_index", check_edges(owner, edge_index), persistent=False)
        self.drops = self._make_drops()
        self._seen: list[int] | None = None

    def _make_drops(self) -> list[EdgeDropSet]:
        owner = "ProvableTraining"
        return [EdgeDropSet(self.edge_index, self.num_nodes, q, owner=owner) for q in self.p]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> ProvableTraining:
        """Moves the graph, as ``to(device)`` asks, and all that was read off it."""
        super()._apply(fn, recurse)
        self.drops = self._make_drops()
        return self

    def forward(self, loss: Float[Tensor, ""], first: View, second: View) -> Float[Tensor, ""]:
        """The loss with the compactness of both views.

        Args:
            loss: The contrastive loss.
            first: ``(x, edge_index, z)`` of view 1: features, edges, encoder output.
            second: The same of view 2.
        """
        if self.kappa == 0:
            return loss
        for name, view in (("first", first), ("second", second)):
            if not isinstance(view, Sequence) or len(view) != 3:
                got = f"{len(view)} parts" if isinstance(view, Sequence) else type(view).__name__
                reject("ProvableTraining", name, "(x, edge_index, z)", got)
            x, _, z = view
            if not len(x) == len(z) == self.num_nodes:
                rule = f"the number of rows of 'x' and 'z', {len(x)} and {len(z)} in a view"
                reject("ProvableTraining", "num_nodes", rule, self.num_nodes)
        versions = [p._version for module in self._trained() for p in module.parameters()]
        if self._seen is None or versions == self._seen:
            for which, (view, name) in enumerate(((first, "first"), (second, "second"))):
                self._replay(view, which, name)
        self._seen = versions
        terms = [
            nn.functional.softplus(-self.compactness(view, other[2], which)).mean()
            for which, (view, other) in enumerate(((first, second), (second, first)))
        ]
        return (1 - self.kappa) * loss + self.kappa * (terms[0] + terms[1]) / 2

    @torch.no_grad()
    def after_step(self) -> None:
        """Puts learned slopes of PReLU back into [0, 1], outside of which there is no bound; to be
        called after each step of the optimizer. :func:`~gclkit.training.pretrain` does so.
        """
        for module in nn.ModuleList(self._trained()).modules():  # Those inside of a GIN too.
            if isinstance(module, nn.PReLU):
                module.weight.clamp_(0, 1)

    def compactness(
        self, view: View, targets: Float[Tensor, "n d"], which: int
    ) -> Float[Tensor, " t"]:
        """The compactness of one view along the embeddings of the other.

        Args:
            view: ``(x, edge_index, z)``; z is not read.
            targets: Embeddings of the other view.
            which: 0 or 1, choosing the budgets.
        """
        x, view_edge_index, _ = view
        targets = targets.to(x.dtype)  # Autocast may have narrowed them.
        return node_compactness(
            self._encoder[0],
            x,
            self.edge_index,
            targets=targets.detach() if self.detach_targets else targets,
            mode=self.mode,
            view_edge_index=None if self.mode == "certified" else view_edge_index,
            nodes=self._anchors(len(targets), targets.device),
            tightness=self.tightness,
            drops=self.drops[which],
        )

    def _anchors(self, n: int, device: torch.device) -> Tensor | None:
        if self.num_anchors is None:
            return None
        order = torch.randperm(n, generator=self.generator, device=device)
        return order[: self.num_anchors].sort().values

    def _trained(self) -> list[nn.Module]:
        modules = (module for _, module in numbered_modules("ProvableTraining", self._encoder[0]))
        return [module for module in modules if isinstance(module, nn.Module)]

    @torch.no_grad()
    def _replay(self, view: View, which: int, name: str) -> None:
        x, edge_index, z = view
        # What is bounded, not what the modules compute: the two must be one.
        layers, drops = describe_layers("ProvableTraining", self._encoder[0]), self.drops[which]
        check_features("ProvableTraining", layers, x)
        h = trace_view(layers, x, drops, drops.kept(edge_index))[-1].after.lower
        rule = (
            f"the layers that gave the embeddings of the {name} view, their activations and "
            "nothing beside them such as one more activation, edge weights, dropout, autocast "
            "that has ended or a normalization of z"
        )
        check_replay("ProvableTraining", "layers", rule, h, z, self._trained())

    def extra_repr(self) -> str:
        """The settings, as ``print`` shows them."""
        return f"p={self.p}, kappa={self.kappa}, mode={self.mode!r}"
