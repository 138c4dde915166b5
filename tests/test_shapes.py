"""The shapes in the signatures are true: one run through the package with them enforced."""

import subprocess
import sys

CODE = """
from jaxtyping import install_import_hook

rooms = "augmentations communities encoders losses methods ops regularizers".split()
with install_import_hook([f"gclkit.{room}" for room in rooms], "beartype.beartype"):
    import torch
    from gclkit.augmentations import CommunalAttributeVoting, CommunalEdgeDropping
    from gclkit.communities import AddCommunities
    from gclkit.evaluators import LinearProbe, evaluate
    from gclkit.graphs import load, random_split
    from gclkit.losses import infonce, team_up
    from gclkit.methods import CSGCL, GRACE
    from gclkit.regularizers import ProvableTraining
    from gclkit.training import pretrain

data = load("sbm", num_nodes=120, log=None)
for method in (CSGCL(500, out_channels=4, gamma_start=0), GRACE(500, out_channels=4, anchors=16)):
    pot = ProvableTraining(
        encoder=method.encoder, edge_index=data.edge_index, num_nodes=120, p=(0.3, 0.4)
    )
    result = pretrain(method, data, epochs=2, regularizer=pot)
    evaluate(result.embeddings, data, num_splits=2)
try:
    infonce(torch.ones(3, 2), torch.ones(4, 2))
except Exception as error:
    assert "beartype" in type(error).__module__ or "jaxtyping" in type(error).__module__, error
else:
    raise SystemExit("shapes are not enforced")
print("enforced")
"""


def test_shapes_hold_from_graph_to_scores():
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert out.stdout.strip() == "enforced", out.stderr
