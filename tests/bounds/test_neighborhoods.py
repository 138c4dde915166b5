import torch

from gclkit.bounds import EdgeDropSet
from gclkit.bounds.neighborhoods import group_by_degree


def test_lists_hold_every_edge_once(make_graph):
    _, edge_index, _ = make_graph([3, 20, 30], density=0.3)
    drops = EdgeDropSet(edge_index, 54, 0.3)
    nodes = torch.randperm(54, generator=torch.Generator().manual_seed(0))[:40]
    seen, members = [], []
    for group in group_by_degree(drops.target, drops.degree, nodes):
        for part in group.split(2):
            assert len(part.nodes) <= 2
            assert torch.equal(part.real.sum(dim=1), drops.degree[part.nodes])
            assert (drops.target[part.edges] == part.nodes[:, None])[part.real].all()
            seen.append(part.edges[part.real])
            members.append(part.nodes)
    assert torch.equal(torch.cat(members).sort().values, nodes.sort().values)
    wanted = torch.isin(drops.target, nodes).nonzero()[:, 0]
    assert torch.equal(torch.cat(seen).sort().values, wanted)
    assert group_by_degree(drops.target, drops.degree, nodes[:0]) == []
