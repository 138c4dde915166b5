"""What runs where the graph lies on another device than the CPU, pretended."""

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves

from gclkit import augmentations, bounds, evaluators, losses, methods
from gclkit.cli.main import main
from gclkit.communities import AddCommunities, detect
from gclkit.encoders import GNNEncoder
from gclkit.graphs import Split, load, public_split
from gclkit.regularizers import ProvableTraining
from gclkit.testing.pretend_device import DEVICE, PretendDevice
from gclkit.training import pretrain

N = 90


@pytest.fixture(scope="module")
def graph():
    data = load("sbm", num_nodes=N, num_communities=3, num_features=30, informative=5, log=None)
    low, high = data.edge_index.sort(dim=0).values
    pairs, pair = torch.unique(low * N + high, return_inverse=True)
    data.edge_weight = torch.linspace(0.2, 1.4, len(pairs))[pair]
    for part, name in enumerate(("train_mask", "val_mask", "test_mask")):
        data[name] = torch.arange(N) % 6 % 4 == part
    return data


@pytest.fixture(scope="module")
def z():
    return torch.randn(N, 8, generator=torch.Generator().manual_seed(0))


def seeded(data):
    return torch.Generator(data.x.device).manual_seed(3)


def encoder(data, conv="gcn"):
    torch.manual_seed(0)
    return GNNEncoder(30, 8, conv=conv).to(data.x.device)


def numbers(found):
    """All tensors and numbers of a result, on the CPU."""
    if isinstance(found, (Split, torch.Tensor, dict, list, float, int)):
        leaves = tree_leaves(found)
    else:
        leaves = tree_leaves(found.to_dict() if hasattr(found, "to_dict") else vars(found))
    tensors = [torch.as_tensor(leaf) for leaf in leaves if isinstance(leaf, (torch.Tensor, float))]
    return [tensor.detach().cpu().to_dense().double() for tensor in tensors]


def assert_same(call, *inputs, here=True):
    """Asserts that a call gives on the other device what it gives on the CPU."""
    expected = numbers(call(*(value.clone() for value in inputs)))
    with PretendDevice():
        found = numbers(call(*(v.clone().to(DEVICE if here else v.device) for v in inputs)))
    assert len(found) == len(expected) > 0
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_the_assertion_sees_another_result_and_a_mixture(graph):
    with pytest.raises(AssertionError):
        assert_same(lambda data: data.x + (data.x.device == DEVICE), graph)
    with pytest.raises(RuntimeError, match="same device"):
        assert_same(lambda data: data.x + torch.ones(N, 30), graph)


METHODS = {name: {} for name in ("BGRL", "CCASSG", "COSTA", "DGI", "GBT", "GCA", "GRACE", "MVGRL")}
METHODS |= {"CSGCL": {"gamma_start": 1}, "ProGCL": {"start_epoch": 2}}


@pytest.mark.parametrize("name", METHODS)
def test_training(graph, name):
    def train(data):
        method = getattr(methods, name)(30, out_channels=8, **METHODS[name])
        result = pretrain(method, data, epochs=3, seed=0)
        assert result.embeddings.device.type == "cpu"
        return {"z": result.embeddings, "loss": [row["loss"] for row in result.history]}

    assert_same(train, graph)


@pytest.mark.parametrize("mode", ["pairwise", "certified", "published"])
def test_training_with_bounds(graph, mode):
    plain = graph.clone()
    del plain.edge_weight

    def train(data):
        method = methods.GRACE(30, out_channels=8)
        regularizer = ProvableTraining(
            encoder=method.encoder, edge_index=data.edge_index, num_nodes=N, p=(0.2, 0.4),
            mode=mode, kappa=0.4,
        )  # fmt: skip
        return pretrain(method, data, epochs=2, seed=0, regularizer=regularizer).embeddings

    assert_same(train, plain)


def test_certificates(graph):
    def certified(data):
        network = encoder(data)
        found = bounds.certify(network, data.x, data.edge_index, p=0.3, num_views=20, rounds=2)
        return {"share": found.certified_share, "norm": found.norm}

    assert_same(certified, graph)


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize("splits", ["random", "stratified", "public", "redrawn", "3-shot"])
def test_classification(graph, z, splits, on_device):
    assert_same(evaluation(z, on_device, splits=splits, num_splits=1), graph)


def evaluation(z, on_device, **options):
    def call(data):
        rows = z.to(data.x.device) if on_device else z
        return evaluators.evaluate(rows, data, **options)

    return call


DESCRIPTIONS = {
    "clustering": lambda d, z: evaluators.evaluate(z, d, tasks="clustering"),
    "diagnose": lambda d, z: evaluators.diagnose(z, d),
    "histograms": lambda d, z: evaluators.similarity_histograms(z, d.y),
    "kmeans": lambda d, z: evaluators.KMeansClustering()(z, d.y, d.edge_index, d.edge_weight),
    "neighbor_alignment": lambda d, z: evaluators.neighbor_alignment(z, d.edge_index),
    "tolerance": lambda d, z: evaluators.tolerance(z, d.y),
    "accuracy_by_degree": lambda d, z: evaluators.accuracy_by_degree(
        d.edge_index, torch.arange(N), torch.arange(N) % 2 == 0
    ),
    **{
        type(probe).__name__: lambda d, z, probe=probe: probe(z, d.y, public_split(d))
        for probe in (
            evaluators.AdamProbe(steps=20),
            evaluators.KNNProbe(),
            evaluators.LinearProbe(),
            evaluators.RandomForestProbe(),
            evaluators.SVMProbe(),
        )
    },
}


@pytest.mark.parametrize("on_device", [True, False])
@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_embeddings_are_described_wherever_they_lie(graph, z, name, on_device):
    call = DESCRIPTIONS[name]
    assert_same(lambda data: call(data, z.to(data.x.device) if on_device else z), graph)


def test_link_prediction(graph):
    assert_same(lambda d: evaluators.LinkPrediction()(methods.propagated_features, d).scores, graph)


@pytest.mark.parametrize(
    "name",
    [
        "diffused_features", "diffused_topics", "features_by_hop", "propagated_features",
        "spectral_embedding",
    ],
)  # fmt: skip
def test_controls(graph, name):
    control = getattr(methods, name, None) or getattr(methods.controls, name)
    assert_same(lambda data: control(data).abs(), graph)


TRANSFORMS = {
    "detect": lambda d: detect(d, seed=0).membership,
    "AddCommunities": lambda d: AddCommunities()(d),
    "AddCommunities of labels": lambda d: AddCommunities(d.y)(d),
    "Diffusion": lambda d: augmentations.Diffusion()(d),
    "EdgeDrop": lambda d: augmentations.EdgeDrop(0.3, generator=seeded(d))(d),
    "BudgetedEdgeDrop": lambda d: augmentations.BudgetedEdgeDrop(0.3, generator=seeded(d))(d),
    "FeatureMask": lambda d: augmentations.FeatureMask(0.3, generator=seeded(d))(d),
    "FeatureShuffle": lambda d: augmentations.FeatureShuffle(generator=seeded(d))(d),
    "CommunalEdgeDropping": lambda d: augmentations.CommunalEdgeDropping(0.3, generator=seeded(d))(
        AddCommunities()(d)
    ),
    "CommunalAttributeVoting": lambda d: augmentations.CommunalAttributeVoting(
        0.3, generator=seeded(d)
    )(AddCommunities()(d)),
    **{
        f"Adaptive {kind}": lambda d, kind=kind: augmentations.AdaptiveFeatureMask(
            0.3, generator=seeded(d)
        )(
            augmentations.AdaptiveEdgeDrop(0.3, generator=seeded(d))(
                augmentations.AddCentrality(kind)(d)
            )
        )
        for kind in ("degree", "eigenvector", "pagerank")
    },
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(graph, name):
    assert_same(TRANSFORMS[name], graph)


@pytest.mark.parametrize("conv", ["gat", "gcn", "gin", "sage"])
def test_encoders(graph, conv):
    assert_same(lambda data: encoder(data, conv)(data.x, data.edge_index), graph)


LOSSES = {
    "anchors": lambda a, b, d: losses.infonce(a, b, anchors=9, generator=seeded(d)),
    "large logits": lambda a, b, d: losses.infonce(a, b, temperature=0.005),
    "positives": lambda a, b, d: losses.infonce(a, b, positives=d.edge_index[:, :40]),
    "supervised": lambda a, b, d: losses.supervised_contrast(a, labels=d.y),
    "team_up": lambda a, b, d: losses.team_up(a, b, d.x[:, 0], gamma=0.4),
    "triplet": lambda a, b, d: losses.triplet_margin(a, b, a.flip(0)),
    "mixed": lambda a, b, d: losses.mixed_infonce(
        a, b, lambda s: s.square() + 0.1, mixed=4, generator=seeded(d)
    ),
    "weighted": lambda a, b, d: losses.weighted_infonce(a, b, lambda s: s.square() + 0.1),
    **{
        name: lambda a, b, d, name=name: getattr(losses, name)(a, b)
        for name in (
            "barlow_twins", "cca_ssg", "clip_infonce", "dcl", "dclw", "debiased_infonce",
            "hardness_infonce", "infonce", "jsd", "vicreg",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses(graph, z, name):
    def call(data, rows):
        first, second = rows.requires_grad_(), rows.detach().roll(7, 0)
        loss = LOSSES[name](first, second, data)
        loss.backward()
        return {"loss": loss, "gradient": first.grad}

    assert_same(call, graph, z)


def test_the_command_line(graph, tmp_path):
    parts = {name: graph[name].numpy() for name in ("edge_index", "x", "y")}
    np.savez(tmp_path / "graph.npz", **parts)
    run = str(tmp_path / "run")
    train = [
        "train",
        "--dataset",
        str(tmp_path / "graph.npz"),
        "--method",
        "csgcl",
        "--epochs",
        "2",
    ]
    train += ["--set", "out_channels=8", "--regularizer", "pot", "--tasks", "all", "--seeds", "0"]
    with PretendDevice():
        assert main([*train, "--num-splits", "1", "--device", "xpu", "--quiet", "--out", run]) == 0
        assert main(["certify", run, "--p", "0.2"]) == 0
