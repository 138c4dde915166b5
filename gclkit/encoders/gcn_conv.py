"""PyG's graph convolution, by sparse-dense products."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch_geometric.nn as pyg
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from gclkit.bfloat16 import PRECISIONS, bfloat16_pays
from gclkit.checks import check_choice, check_count, check_edges
from gclkit.encoders.adjacency import gcn_adjacency
from gclkit.encoders.narrow_linear import NARROW, check_rows, linear
from gclkit.sparse import sparse_product


class GCNConv(pyg.GCNConv):
    r"""PyG's :class:`~torch_geometric.nn.GCNConv` for features and adjacencies in CSR.

    .. math:: \hat A X W + b

    Same parameters, names and values. It differs in what it costs: the adjacency may be
    handed over normalised, so that the layers of an encoder share it, and the product is
    a sparse-dense one instead of a gather and a scatter.

    Args:
        in_channels: Width :math:`f` of the input.
        out_channels: Width :math:`d` of the output.
        bias: Whether to add :math:`b`.
        precision: ``"bfloat16"`` rounds the factors of the dense product :math:`XW` while the
            layer trains; in evaluation mode it is exact.

    Raises:
        ValueError: For a width below 1 or an unknown precision.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        bias: bool = True,
        precision: str = "float32",
    ) -> None:
        check_count("GCNConv", "in_channels", in_channels)
        check_count("GCNConv", "out_channels", out_channels)
        self.precision = check_choice("GCNConv", "precision", precision, PRECISIONS)
        super().__init__(in_channels, out_channels, bias=bias)

    def products(
        self, x: Float[Tensor, "n f"], keeps: Sequence[Bool[Tensor, " f"] | None]
    ) -> list[Float[Tensor, "n d"]]:
        """Returns :math:`XW` for views that see some columns of the same features each.

        Masking columns of :math:`X` equals masking rows of :math:`W`, so no view copies the
        features, and those that see all of them share one product.

        Args:
            x: Features, strided or CSR.
            keeps: The columns that each view sees. (``None``: all)
        """
        weight = self.lin.weight
        check_rows("GCNConv", "x", x, weight, sparse=True)
        narrow = self.training and bfloat16_pays(x.device)
        precision = self.precision if narrow else "float32"
        if precision == "bfloat16" and x.layout == torch.strided and not x.requires_grad:
            x = x.to(NARROW)
        whole, found = None, []
        for keep in keeps:
            if keep is not None and not bool(keep.all()):
                found.append(linear(x, weight * keep, precision=precision))
                continue
            if whole is None:
                whole = linear(x, weight, precision=precision)
            found.append(whole)
        return found

    def forward(
        self,
        x: Float[Tensor, "n f"],
        edge_index: Int[Tensor, "2 e"],
        edge_weight: Float[Tensor, " e"] | None = None,
        *,
        adjacency: Float[Tensor, "n n"] | None = None,
        product: Float[Tensor, "n d"] | None = None,
    ) -> Float[Tensor, "n d"]:
        """Applies the layer.

        Args:
            x: Features, strided or CSR.
            edge_index: The edges.
            edge_weight: One weight per edge. (default: 1 each)
            adjacency: What :func:`gcn_adjacency` made of the edges and weights, which are then
                not read. (default: computed)
            product: What :meth:`products` made of :obj:`x`. (default: computed)
        """
        h = self.products(x, [None])[0] if product is None else product
        if adjacency is None:
            check_edges("GCNConv", edge_index, x.size(0))
        if adjacency is None and edge_weight is not None and edge_weight.requires_grad:
            # Gradients to the edges need the messages one by one.
            (source, target), value = gcn_norm(edge_index, edge_weight, x.size(0))
            messages = value[:, None] * h[source]
            out = torch.zeros_like(h, dtype=messages.dtype).index_add(0, target, messages)
        else:
            if adjacency is None:
                dtype = self.lin.weight.dtype
                adjacency = gcn_adjacency(edge_index, edge_weight, x.size(0), dtype=dtype)
            out = sparse_product(adjacency, h)
        return out if self.bias is None else out + self.bias
