import dataclasses

import pytest
import torch

from gclkit.communities import Partition


def test_is_frozen():
    part = Partition(torch.tensor([0, 0, 1]), 2, 0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.modularity = 0.2
