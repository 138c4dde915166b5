import pytest
import torch

from gclkit.bfloat16 import PRECISIONS, bfloat16_pays
from gclkit.encoders import GCNConv, Projector
from gclkit.losses import infonce

AMD = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16\n"


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    def describe(text):
        path = tmp_path / str(len(list(tmp_path.iterdir())))
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr("gclkit.bfloat16.CPUINFO", path)
        return torch.device("cpu")

    return describe


@pytest.mark.parametrize(
    ("text", "pays"),
    [
        (AMD, True),
        (AMD.replace("AuthenticAMD", "GenuineIntel"), False),
        (AMD.replace("AuthenticAMD", "GenuineIntel").replace("fpu", "fpu amx_bf16"), True),
        (AMD.replace(" avx512_bf16", ""), False),
        ("processor\t: 0\nFeatures\t: fp asimd\n", False),
        (None, False),
    ],
    ids=["AMD", "Intel without AMX", "Intel with AMX", "no such instruction", "Arm", "not Linux"],
)
def test_the_rule_by_what_the_system_tells(cpu, text, pays):
    assert bfloat16_pays(cpu(text)) is pays


def test_other_devices_take_it_as_asked(cpu):
    cpu(None)
    assert bfloat16_pays(torch.device("cuda", 1))


def test_where_it_does_not_pay_results_are_those_of_fp32(cpu):
    torch.manual_seed(0)
    z1, z2 = torch.randn(2, 300, 20)
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 0]])
    narrow, wide = (
        [GCNConv(20, 6, precision=p), Projector(20, 8, precision=p)] for p in PRECISIONS
    )
    for a, b in zip(narrow, wide, strict=True):
        b.load_state_dict(a.state_dict())

    def run(modules, precision):
        return (
            modules[0](z1, edge_index),
            modules[1](z1),
            infonce(z1, z2, temperature=0.2, precision=precision),
        )

    cpu(AMD)
    exact = run(wide, "float32")
    for found, wanted in zip(run(narrow, "bfloat16"), exact, strict=True):
        assert not torch.equal(found, wanted)
    cpu(None)
    for found, wanted in zip(run(narrow, "bfloat16"), exact, strict=True):
        assert torch.equal(found, wanted)
