"""What a method is to the training loop."""

from __future__ import annotations

import copy
import inspect
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn.inits import reset

from gclkit.checks import check_count
from gclkit.encoders import GNNEncoder
from gclkit.encoders.encode_views import edges_of
from gclkit.graphs import check_graph
from gclkit.graphs.check_graph import check_edge_index
from gclkit.methods.diffused_topics import check_topics, diffused_topics


class StepOutput(NamedTuple):
    """One training step, before the gradient.

    Attributes:
        loss: What is minimised, a scalar with a gradient.
        terms: Parts of the loss by name, detached, for the history.
        views: The graphs that were encoded. A regularizer reads them; their features, masked
            where a view masks some, are :func:`gclkit.encoders.view_features`.
        embeddings: What the encoder made of each view, before any projector.
    """

    loss: Tensor
    terms: dict[str, Tensor]
    views: tuple[Data, ...]
    embeddings: tuple[Tensor, ...]


class Method(nn.Module):
    """A way to train node embeddings without labels.

    The loop calls :meth:`prepare` once with the whole graph, :meth:`step` with the graph or
    a batch of it, :meth:`after_step` after each update of the parameters and :meth:`embed`
    at the end. Whatever needs the whole graph is computed in :meth:`prepare` and written to
    the graph per node or per edge, so that it is sliced with a batch; :meth:`step` must not
    assume that it sees all nodes. State beside parameters (moving averages, fitted
    mixtures) lives in buffers, so that checkpoints hold it.

    Subclasses set ``encoder``, any module that takes ``(x, edge_index)`` and, for graphs that have
    weights, ``edge_weight`` as a third, and write :meth:`step`; another encoder of the same output
    width may be set on a method that is made. Where ``ego`` is set, :meth:`encode` lays the
    embedding of a node in the graph beside that of the node alone; where ``topic_neighbors`` is
    set, :meth:`embed` lays diffused topics with that many neighbours beside what was trained.

    Args:
        ego: Whether the node alone is laid beside the node in the graph.
        topic_neighbors: Neighbours per node of the topics, 0 or more. (default: no topics)
    """

    encoder: nn.Module
    generator: torch.Generator | None = None
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **options: Any) -> None:
        """Lets ``help`` tell all arguments of the constructor, with those that it passes on."""
        super().__init_subclass__(**options)
        cls.__signature__ = _whole_signature(cls)

    def __init__(self, *, ego: bool = False, topic_neighbors: int | None = None) -> None:
        super().__init__()
        self.ego = ego
        if topic_neighbors is not None:
            owner = type(self).__name__
            check_count(owner, "topic_neighbors", topic_neighbors, at_least=0)
        self.topic_neighbors = topic_neighbors

    def prepare(self, data: Data, generator: torch.Generator | None = None) -> Data:
        """Computes what needs the whole graph and takes the source of randomness.

        Args:
            data: The whole graph.
            generator: Source of the randomness of all views, on the device of the graph.

        Returns:
            The graph to train on; the input is left as it was.

        Raises:
            ValueError: If the graph is not fit for training.
        """
        check_graph(type(self).__name__, data)
        if self.topic_neighbors is not None:
            check_topics(type(self).__name__, data, self.topic_neighbors, "topic_neighbors")
            topics = diffused_topics(data, neighbors=self.topic_neighbors)
            data = copy.copy(data)
            data.diffused_topics = topics
        self.generator = generator
        return data

    def step(self, batch: Data, epoch: int) -> StepOutput:
        """Computes the loss on a graph or a batch; ``epoch`` starts at 1."""
        raise TypeError(f"{type(self).__name__}: a method must define step(batch, epoch)")

    def delayed_parts(self) -> dict[str, int]:
        """The first epoch of each part of the method that starts late, by the setting for it."""
        return {}

    def after_step(self, epoch: int) -> None:
        """Called after each update of the parameters."""

    def reset_parameters(self) -> None:
        """Draws all parameters anew, by the ``reset_parameters`` of the modules.

        A method that holds parameters itself, or modules without it, extends this one.
        """
        for module in self.children():
            reset(module)

    @torch.no_grad()
    def embed(self, data: Data) -> Float[Tensor, "n d"]:
        """Embeds the nodes of a graph, as :meth:`encode` defines.

        With ``topic_neighbors`` a row of it, brought to unit length, is followed by one of
        :func:`~gclkit.methods.diffused_topics`, which are made of this graph alone: embeddings
        of two graphs are then not comparable. They are computed where :meth:`prepare` has not.
        """
        check_edge_index(type(self).__name__, data)
        z = self.encode(data)
        if self.topic_neighbors is None:
            return z
        topics = data.get("diffused_topics")
        if topics is None:
            topics = diffused_topics(data, neighbors=self.topic_neighbors)
        return torch.cat([F.normalize(z), F.normalize(topics).to(z)], dim=1)

    @torch.no_grad()
    def encode(self, data: Data) -> Float[Tensor, "n d"]:
        """What training has made: the encoder in evaluation mode on the whole graph.

        With ``ego`` a row of unit length for the node among its neighbours is followed by one
        for the node alone, what the encoder makes of it in a graph without edges. Convolutions
        average a node's own features away; kept apart ("Beyond Homophily in Graph Neural
        Networks", `arXiv:2006.11468 <https://arxiv.org/abs/2006.11468>`_, section 3.1) a linear
        classifier can use both. The width is then :math:`2d`.
        """
        training = self.training
        self.eval()
        try:
            z = self.encoder(data.x, *edges_of(data))
            if not self.ego:
                return z
            alone = self.encoder(data.x, data.edge_index[:, :0])
            return torch.cat([F.normalize(z), F.normalize(alone)], dim=1)
        finally:
            self.train(training)


def _whole_signature(method: type[Method]) -> inspect.Signature:
    """The signature of a method, in place of ``**options`` the arguments of its base and in place
    of ``**encoder`` those of the encoder.
    """
    bases = method.__mro__[: method.__mro__.index(Method) + 1]
    first, *inits = [vars(cls)["__init__"] for cls in bases if "__init__" in vars(cls)]
    _, *own = inspect.signature(first).parameters.values()
    found, rest = {p.name: p for p in own}, own
    while rest and rest[-1].kind is inspect.Parameter.VAR_KEYWORD:
        found.pop(rest[-1].name, None)
        init = GNNEncoder if rest[-1].name == "encoder" else inits.pop(0)
        rest = list(inspect.signature(init).parameters.values())
        for option in rest:
            if option.kind is inspect.Parameter.KEYWORD_ONLY:
                found.setdefault(option.name, option)
    return inspect.Signature(list(found.values()))


def build_encoder(owner: str, in_channels: int, out_channels: int, **options: Any) -> GNNEncoder:
    """The encoder of a method, which passes on what it does not know itself.

    Raises:
        TypeError: In the name of the method, for an argument that the encoder has not either.
    """
    for name in options.keys() - inspect.signature(GNNEncoder).parameters.keys():
        raise TypeError(f"{owner}() got an unexpected keyword argument {name!r}")
    return GNNEncoder(in_channels, out_channels, **options)
