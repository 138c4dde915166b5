import copy

import pytest
import torch
from torch import nn

from gclkit.testing.pretend_device import DEVICE, PretendDevice

CPU = torch.device("cpu")


@pytest.fixture
def far():
    with PretendDevice():
        yield torch.arange(6.0, device=DEVICE).view(2, 3)


def test_tensors_remember_where_they_lie(far):
    near = torch.ones(2, 3)
    assert far.device == DEVICE and near.device == CPU
    made = [
        far.T, far[0], far + 1, far @ far.T, far.new_zeros(2), torch.zeros_like(far), far.double(),
        far.to(torch.float16), near.to(DEVICE), near.to(far), far.clone(), *far.split(1),
        torch.ones(2, device="xpu"), far.unique(return_inverse=True)[1], far.max(dim=1).indices,
    ]  # fmt: skip
    assert all(tensor.device == DEVICE for tensor in made)
    back = [far.cpu(), far.to("cpu"), far.to(near), torch.zeros_like(far, device="cpu")]
    assert all(tensor.device == CPU for tensor in [*back, near.T, near + 1])
    assert torch.equal(far.cpu(), torch.arange(6.0).view(2, 3))


def test_modules_and_gradients_move(far):
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to(DEVICE)
    tensors = [*module.parameters(), *module.buffers()]
    copied = copy.deepcopy(module)
    tensors += [*copied.parameters(), *copied.buffers()]
    assert all(tensor.device == DEVICE for tensor in tensors)
    module(far).square().sum().backward()
    weight = module[0].weight
    assert weight.grad.device == DEVICE
    before = weight.detach().cpu().clone()
    torch.optim.Adam(module.parameters(), lr=0.1).step()
    assert not torch.equal(weight.detach().cpu(), before)
    with pytest.raises(RuntimeError, match="same device"):
        module(torch.ones(2, 3))


@pytest.mark.parametrize(
    "mix",
    [
        lambda far, near: far + near,
        lambda far, near: near * far,
        lambda far, near: far @ near.T,
        lambda far, near: torch.cat([far, near]),
        lambda far, near: far.index_add(0, torch.tensor([0, 1]), far),
        lambda far, near: near[far[0].long() % 2],
        lambda far, near: far.add_(near),
        lambda far, near: far.__setitem__(0, near[0]),
        lambda far, near: torch.where(far > 1, far, near),
    ],
)
def test_what_a_device_would_not_mix_is_refused(far, mix):
    near = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="same device"):
        mix(far, near)
    mix(near.clone(), near)


def test_what_a_device_takes_from_the_cpu_is_let_through(far):
    index = torch.tensor([1, 0])
    assert torch.equal(far[index].cpu(), far.cpu()[index])
    assert (far * torch.tensor(2.0)).device == DEVICE
    far[index] = far.clone()
    far.copy_(torch.ones(2, 3))
    assert far.device == DEVICE and bool((far == 1).all())


def test_numpy_takes_the_way_over_the_cpu(far):
    with pytest.raises(TypeError, match="can't convert xpu:0"):
        far.numpy()
    assert far.cpu().numpy().shape == (2, 3)


def test_generators_belong_to_a_device(far):
    there, here = torch.Generator(far.device).manual_seed(1), torch.Generator().manual_seed(1)
    assert there.device == DEVICE and here.device == CPU
    drawn = torch.rand(3, generator=there, device=far.device)
    assert torch.equal(drawn.cpu(), torch.rand(3, generator=here))
    for generator, device in ((there, "cpu"), (here, DEVICE)):
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, generator=generator, device=device)


def test_nothing_is_left_behind():
    before = torch.Generator, nn.Parameter.__dict__["__new__"]
    with PretendDevice():
        pass
    assert (torch.Generator, nn.Parameter.__dict__["__new__"]) == before
    assert type(torch.Generator()) is torch.Generator
