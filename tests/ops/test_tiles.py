import pytest
import torch

from gclkit.ops.tiles import Tiles, Tiling, spans


def assemble(queries, keys, scale, tiling, **options):
    out = torch.full((len(queries), len(keys)), float("nan"), dtype=torch.float64)
    for rows, columns, tile in Tiles(
        queries, keys, torch.tensor(scale, dtype=torch.float64), tiling, **options
    ):
        out[rows, columns] = tile.double()
    return out


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    shape = {"generator": generator, "dtype": torch.float64}
    return torch.randn(11, 3, **shape), torch.randn(8, 3, **shape)


def test_spans_cover_without_overlap():
    assert spans(7, 3) == [slice(0, 3), slice(3, 6), slice(6, 7)] and spans(0, 3) == []


@pytest.mark.parametrize("block", [1, 4, 100])
def test_tiles_make_up_the_matrix(rows, block):
    queries, keys = rows
    exclude = torch.tensor([[2, 10, 2], [0, 7, 5]])
    expected = 1.7 * queries @ keys.T
    for logits, left_out in ((True, -torch.inf), (False, 0.0)):
        tiling = Tiling(block, torch.float64, exclude=exclude)
        wanted = expected.clone() if logits else expected.exp()
        wanted[exclude[0], exclude[1]] = left_out
        torch.testing.assert_close(assemble(*rows, 1.7, tiling, logits=logits), wanted)


def test_a_weight_sees_the_similarity_itself(rows):
    similarity = rows[0] @ rows[1].T
    weighted = assemble(*rows, 1.7, Tiling(4, torch.float64, weight=lambda s: 1 + s.square()))
    torch.testing.assert_close(weighted, (1 + similarity.square()) * (1.7 * similarity).exp())


def test_a_triangle_has_every_pair_once_and_no_diagonal(rows):
    z = rows[0]
    tiles = assemble(z, z, 0.6, Tiling(4, torch.float64, triangle=True))
    full = (0.6 * z @ z.T).exp().fill_diagonal_(0)
    block = torch.arange(11) // 4
    upper = block[:, None] <= block
    torch.testing.assert_close(tiles[upper], full[upper])
    assert tiles[~upper].isnan().all()


def test_kept_tiles_stay_within_their_budget(rows):
    tile_bytes = 4 * 4 * 8
    tiling = Tiling(4, torch.float64, keep=2 * tile_bytes)
    for _ in Tiles(*rows, torch.tensor(1.0), tiling, keep=True):
        pass
    assert sorted(tiling.kept) == [(0, 0), (0, 4)]
    again = Tiles(*rows, torch.tensor(1.0), tiling)
    assert next(iter(again))[2] is tiling.kept[0, 0]


def test_narrow_tiles_are_widened_into_the_same_memory(rows):
    queries, keys = (r.float() for r in rows)
    tiles = Tiles(queries, keys, torch.tensor(0.5), Tiling(16, torch.bfloat16))
    (_, _, tile), *rest = list(tiles)
    assert not rest and tile.dtype == torch.bfloat16
    first, second = tiles.wide(tile), tiles.wide(tile)
    assert first.dtype == torch.float32 and first.data_ptr() == second.data_ptr()
