"""A method of your own: one class, trained and scored like the published ones.

Two views by dropping edges and masking features, compared behind a projector column by
column, without negatives (Barlow Twins).

    python examples/your_own_method.py
"""

import argparse

import torch

from gclkit.augmentations import EdgeDrop, FeatureMask
from gclkit.encoders import GCNEncoder, Projector, encode_views
from gclkit.evaluators import evaluate
from gclkit.graphs import load
from gclkit.losses import barlow_twins
from gclkit.methods import Method, StepOutput
from gclkit.training import pretrain


class MyMethod(Method):
    """What a method needs: an encoder, and a step that returns its loss."""

    def __init__(self, in_channels, *, out_channels=128, edge_p=0.3, feature_p=0.2):
        super().__init__()
        self.encoder = GCNEncoder(in_channels, out_channels, activation="prelu")
        self.projector = Projector(out_channels, out_channels)
        self.drop, self.mask = EdgeDrop(edge_p), FeatureMask(feature_p)

    def prepare(self, data, generator=None):
        # Called once with the whole graph: what needs all of it is written to it here.
        self.drop.generator = self.mask.generator = generator
        return super().prepare(data, generator)

    def step(self, batch, epoch):
        # Called every epoch with the graph, or a batch of it.
        views = tuple(self.mask(self.drop(batch)) for _ in range(2))
        embeddings = encode_views(self.encoder, views)
        loss = barlow_twins(*map(self.projector, embeddings))
        return StepOutput(loss, {"barlow_twins": loss.detach()}, views, embeddings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="sbm", help="a name or a file")
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()

    data = load(args.dataset)
    method = MyMethod(data.num_features)
    result = pretrain(method, data, epochs=args.epochs, lr=1e-3, seed=0, progress=True)

    torch.manual_seed(0)
    method.reset_parameters()
    for name, z in {
        "raw features": data.x,
        "untrained encoder": method.embed(data),
        "my method": result.embeddings,
    }.items():
        score = evaluate(z, data, num_splits=5)["classification"]["accuracy"]
        print(f"{name:<18} {100 * score['mean']:.2f} ± {100 * score['std']:.2f} %")
