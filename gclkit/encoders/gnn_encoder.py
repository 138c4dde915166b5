"""Message-passing encoders."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch_geometric.nn as pyg
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from gclkit.bfloat16 import PRECISIONS
from gclkit.checks import check_choice, check_count, check_edges, check_floats, reject
from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.encoders.gcn_conv import GCNConv

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "identity": nn.Identity,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "rrelu": nn.RReLU,
}
NORMS: dict[str | None, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
CONVS = ("gat", "gcn", "gin", "sage")


class GNNEncoder(nn.Module):
    r"""A stack of graph convolutions with an activation after every layer.

    The encoder of GRACE (`arXiv:2006.04131 <https://arxiv.org/abs/2006.04131>`_), GCA and
    CSGCL is the default: two GCN layers, the hidden one twice as wide as the output.

    Args:
        in_channels: Width :math:`f` of the features.
        out_channels: Width :math:`d` of the embeddings.
        hidden_channels: Width of the layers before the last. (default: twice the output)
        num_layers: Depth, at least 1.
        activation: ``"relu"``, ``"prelu"``, ``"leaky_relu"``, ``"rrelu"``, ``"elu"`` or
            ``"identity"``; one module per layer.
        final_activation: Whether an activation follows the last layer too, as in GRACE and its
            relatives; CCA-SSG and GBT have none there. A ReLU may leave rows of zeros, which
            losses of cosines refuse: put a :class:`~gclkit.encoders.Projector` behind it.
        norm: ``"batch"`` or ``"layer"`` between convolution and activation, or none.
        conv: ``"gcn"``, ``"sage"`` (mean), ``"gin"`` (sum) or ``"gat"``. CSR features stay
            sparse with ``"gcn"``; the others turn them dense.
        precision: Of the dense products while training, ``"float32"`` or ``"bfloat16"``, for
            ``"gcn"``; see :class:`~gclkit.encoders.GCNConv`.

    Raises:
        ValueError: For a width or depth below 1 or an unknown name.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        hidden_channels: int | None = None,
        num_layers: int = 2,
        activation: str = "relu",
        final_activation: bool = True,
        norm: str | None = None,
        conv: str = "gcn",
        precision: str = "float32",
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        self.in_channels = check_count(owner, "in_channels", in_channels)
        self.out_channels = check_count(owner, "out_channels", out_channels)
        hidden = 2 * out_channels if hidden_channels is None else hidden_channels
        self.hidden_channels = check_count(owner, "hidden_channels", hidden)
        self.num_layers = check_count(owner, "num_layers", num_layers)
        self.activation = check_choice(owner, "activation", activation, ACTIVATIONS)
        self.conv = check_choice(owner, "conv", conv, CONVS)
        self.norm = norm if norm is None else check_choice(owner, "norm", norm, ("batch", "layer"))
        self.precision = check_choice(owner, "precision", precision, PRECISIONS)
        widths = [in_channels, *[hidden] * (num_layers - 1), out_channels]
        self.convs = nn.ModuleList(_make_conv(conv, a, b, precision) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(NORMS.get(norm, nn.Identity)(width) for width in widths[1:])
        names = [activation] * num_layers
        if not final_activation:
            names[-1] = "identity"
        self.activations = nn.ModuleList(ACTIVATIONS[name]() for name in names)

    def reset_parameters(self) -> None:
        """Draws all parameters anew."""
        reset(self.convs)
        reset(self.norms)
        reset(self.activations)

    def layers(self) -> list[tuple[nn.Module, ...]]:
        """The modules of each layer in the order in which they are applied."""
        return [
            (conv, activation) if self.norm is None else (conv, norm, activation)
            for conv, norm, activation in zip(self.convs, self.norms, self.activations, strict=True)
        ]

    def forward(
        self,
        x: Float[Tensor, "n f"],
        edge_index: Int[Tensor, "2 e"],
        edge_weight: Float[Tensor, " e"] | None = None,
        *,
        product: Float[Tensor, "n h"] | None = None,
    ) -> Float[Tensor, "n d"]:
        """Embeds the nodes of a graph or view.

        Args:
            x: Features, strided or CSR.
            edge_index: The edges.
            edge_weight: One weight per edge, with ``"gcn"``. (default: 1 each)
            product: What the first layer's :meth:`GCNConv.products` made of :obj:`x`, with
                ``"gcn"``. (default: computed)

        Raises:
            ValueError: For features of another width or dtype than the parameters, edges
                between nodes that do not exist, or weights with a convolution that takes none.
        """
        owner, like = type(self).__name__, next(self.parameters())
        # Autocast casts, also what a layer before this one has made.
        dtype = None if torch.is_autocast_enabled(like.device.type) else like.dtype
        check_floats(owner, "x", x, dtype=dtype, columns=self.in_channels, sparse=True)
        check_edges(owner, edge_index, x.size(0))
        if self.norm == "batch" and self.training and x.size(0) < 2:
            reject(owner, "x", "of two rows or more for the batch norm", x.size(0))
        if self.conv != "gcn" and edge_weight is not None:
            rule = f"None with conv={self.conv!r}, which takes no weights"
            reject(owner, "edge_weight", rule, tuple(edge_weight.shape))
        shared: dict[str, Tensor] = {}
        edges: tuple[Tensor | None, ...] = (edge_index,)
        if self.conv == "gcn":
            edges = (edge_index, edge_weight)
            if edge_weight is None or not edge_weight.requires_grad:
                shared["adjacency"] = gcn_adjacency(*edges, x.size(0), dtype=like.dtype)
        elif x.layout == torch.sparse_csr:
            x = x.to_dense()
        for number, (conv, *rest) in enumerate(self.layers()):
            known = {} if number or product is None else {"product": product}
            x = conv(x, *edges, **shared, **known)
            for module in rest:
                x = module(x)
        return x

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, conv={self.conv!r}"


class GCNEncoder(GNNEncoder):
    """The graph convolutional encoder of the papers: :class:`GNNEncoder` with its defaults.

    Args:
        in_channels: Width of the features.
        out_channels: Width of the embeddings.
        options: Arguments of :class:`GNNEncoder`, without another ``conv``.

    Raises:
        ValueError: As :class:`GNNEncoder` says, and for another convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__(in_channels, out_channels, **options)
        if self.conv != "gcn":
            reject("GCNEncoder", "conv", "'gcn'; GNNEncoder has others", self.conv)


def _make_conv(conv: str, in_channels: int, out_channels: int, precision: str) -> nn.Module:
    match conv:
        case "gcn":
            return GCNConv(in_channels, out_channels, precision=precision)
        case "sage":
            return pyg.SAGEConv(in_channels, out_channels)
        case "gat":
            return pyg.GATConv(in_channels, out_channels)
    perceptron = pyg.MLP([in_channels, out_channels, out_channels], norm=None)
    return pyg.GINConv(perceptron)
