"""Tiles and bundles: their paths, the new ones of a checkpoint, their bytes, and reading hashes from them."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import HashReader, Malformed, Tile, TlogError
from tlog.tiles import ENTRIES

sizes = st.integers(1, logs.LARGEST) | st.sampled_from(logs.SIZES)
every_tile = st.builds(Tile, st.integers(-1, 6), st.integers(0, 127), st.integers(1, 256)) | st.builds(
    Tile, st.sampled_from([-1, 0]), st.integers(0, 2**55 - 2), st.integers(1, 256)
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(1, 1, 17), "tile/1/001.p/17"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(2, 1234067, 255), "tile/2/x001/x234/067.p/255"),
        (Tile(0, 2**55 - 1, 255), "tile/0/x036/x028/x797/x018/x963/967.p/255"),
        (Tile(7, 0, 127), "tile/7/000.p/127"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(every_tile)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_path_is_read_back(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/x01/000",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/8/000.p/1",
        "tile/63/000.p/1",
        "tile/64/000",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/0/x036/x028/x797/x018/x963/967",
        "tile/0/x036/x028/x797/x018/x963/968.p/1",
        "tile/8/0/000",
        "/tile/0/000",
        "tile/entries",
        "tile/entries/0",
        "tile/entries/x000/000",
        "tile/Entries/000",
        "tile/data/000",
        "tile/0/٠٠٠",
        "tile/0/../000",
        "tile/0/" + "x001/" * 100_000 + "000",
        "checkpoint",
    ],
    ids=lambda path: path[:40],
)
def test_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.parse(path)


@given(
    st.text(max_size=40) | st.from_regex(r"tile/(entries|\d\d?)/(x\d\d\d/)*\d\d\d(\.p/\d+)?", fullmatch=True)
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_parsed_paths_are_canonical(path: str) -> None:
    try:
        tile = Tile.parse(path)
    except Malformed:
        return
    assert tile.path == path


def test_an_impossible_tile_has_no_path() -> None:
    for tile in (Tile(0, 0, 0), Tile(0, 0, 257), Tile(-2, 0), Tile(0, -1), Tile(8, 0, 1), Tile(0, 2**55)):
        with pytest.raises(TlogError):
            _ = tile.path


def test_the_tiles_of_70_000_leaves_are_those_of_the_standards_example() -> None:
    tiles = list(tlog.new_tiles(0, 70_000))
    assert tiles == [
        *[Tile(0, index) for index in range(273)],
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tlog.new_tiles(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tlog.new_bundles(0, 257)) == [Tile(ENTRIES, 0), Tile(ENTRIES, 1, 1)]
    assert list(tlog.new_tiles(0, 0)) == list(tlog.new_tiles(5, 5)) == list(tlog.new_bundles(5, 5)) == []


def all_tiles(size: int) -> set[Tile]:
    """Return the tiles by the definition: ⌊size ÷ 256^level⌋ hashes a level, 256 a tile, no empty tiles."""
    found = set()
    for level in range(8):
        count = size // 256**level
        found |= {Tile(level, index) for index in range(count // 256)}
        if count % 256:
            found.add(Tile(level, count // 256, count % 256))
    return found


@given(sizes, sizes)
@settings(max_examples=100, deadline=None, derandomize=True)
@example(1, 70_000)
@example(256, 257)
def test_new_tiles_are_those_missing_in_the_old_tree(one: int, other: int) -> None:
    old, new = sorted((one, other))
    tiles = list(tlog.new_tiles(old, new))
    assert len(tiles) == len(set(tiles))
    assert set(tiles) == all_tiles(new) - all_tiles(old)
    bundles = {Tile(0, tile.index, tile.width) for tile in tlog.new_bundles(old, new)}
    assert bundles == {tile for tile in tiles if tile.level == 0}


@given(st.integers(0, 1500) | st.sampled_from([65_280, 65_500, 65_536]), st.integers(0, 1100))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_log_grows_by_exactly_its_new_tiles(old: int, more: int) -> None:
    asked = []

    def fetch(tile: Tile) -> bytes:
        asked.append(tile)
        return logs.tile_bytes(tile)

    leaves = [logs.mth(index, index + 1) for index in range(old, old + more)]
    grown = list(tlog.grow(old, leaves, fetch))
    assert [tile for tile, _ in grown] == list(tlog.new_tiles(old, old + more))
    assert all(data == logs.tile_bytes(tile) for tile, data in grown)
    assert set(asked) <= all_tiles(old)
    assert all(tile.width < 256 for tile in asked) and len(asked) <= 3


@given(sizes, st.floats(0, 1, exclude_max=True))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_proofs_from_tiles(size: int, part: float) -> None:
    index = int(part * size)
    asked = []

    def fetch(tile: Tile) -> bytes:
        asked.append(tile)
        return logs.tile_bytes(tile)

    reader = HashReader(size, fetch)
    assert list(tlog.inclusion_proof(index, size, reader)) == logs.path(index, 0, size)
    assert list(tlog.consistency_proof(index, size, reader)) == logs.proof(index, size)
    assert tlog.tree_root(size, reader) == logs.mth(0, size)
    assert tlog.Frontier.read(size, reader).root() == logs.mth(0, size)
    assert len(asked) == len(set(asked)) and set(asked) <= all_tiles(size)


def test_a_full_tile_replaces_a_missing_partial_one() -> None:
    def fetch(tile: Tile) -> bytes:
        return logs.tile_bytes(Tile(tile.level, tile.index) if tile.level == 0 else tile)

    assert tlog.tree_root(300, HashReader(300, fetch)) == logs.mth(0, 300)


@given(sizes.filter(lambda size: size > 1), st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_one_flipped_bit_in_a_tile_is_detected(size: int, data: st.DataObject) -> None:
    """Flip a bit in any hash that a proof reads. Skip the hashes above the entry, which are recomputed."""
    files: dict[Tile, bytes] = {}

    def fetch(tile: Tile) -> bytes:
        return files.setdefault(tile, logs.tile_bytes(tile))

    index = data.draw(st.integers(0, size - 1))
    tlog.inclusion_proof(index, size, HashReader(size, fetch))
    victim = data.draw(st.sampled_from(sorted(files)))
    own = (index >> 8 * victim.level) - victim.index * 256
    positions = [position for position in range(victim.width) if position != own]
    bit = data.draw(st.sampled_from(positions)) * 256 + data.draw(st.integers(0, 255))
    changed = bytearray(files[victim])
    changed[bit // 8] ^= 1 << bit % 8
    files[victim] = bytes(changed)
    proof = tlog.inclusion_proof(index, size, HashReader(size, fetch))
    with pytest.raises(tlog.Unproven):
        tlog.verify_inclusion(proof, index, size, logs.mth(index, index + 1), logs.mth(0, size))


def test_a_tile_of_a_wrong_size_is_refused() -> None:
    for data in (
        b"",
        bytes(31),
        bytes(32 * 43),
        bytes(32 * 45),
        bytes(32 * 255),
        bytes(32 * 257),
        bytes(44 * 32 + 1),
    ):
        with pytest.raises(Malformed):
            tlog.tree_root(44, HashReader(44, lambda tile, data=data: data))
    with pytest.raises(Malformed):
        list(tlog.grow(44, [bytes(32)], lambda tile: bytes(32)))


def test_a_reader_refuses_hashes_outside_its_tree() -> None:
    reader = HashReader(300, logs.tile_bytes)
    for level, index in ((0, 300), (0, -1), (-1, 0), (8, 1), (9, 0), (10**6, 0)):
        with pytest.raises(TlogError):
            reader(level, index)


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=256))
@settings(max_examples=100, deadline=None, derandomize=True)
@example([b""])
@example([b"x" * 65_535])
@example([bytes(34)] * 256)
def test_a_bundle_is_read_back(entries: list[bytes]) -> None:
    data = tlog.encode_bundle(entries)
    assert list(tlog.decode_bundle(data, len(entries))) == entries
    for width in (len(entries) - 1, len(entries) + 1):
        with pytest.raises(TlogError):
            tlog.decode_bundle(data, width)
    for changed in (data[:-1], data + b"\0", data[1:]):
        with pytest.raises(TlogError):
            tlog.decode_bundle(changed, len(entries))


@given(st.binary(max_size=300), st.integers(-1, 300))
@settings(max_examples=300, deadline=None, derandomize=True)
@example(bytes(100_000), 1)
def test_arbitrary_bytes_are_a_bundle_or_refused(data: bytes, width: int) -> None:
    try:
        entries = tlog.decode_bundle(data, width)
    except TlogError:
        return
    assert tlog.encode_bundle(entries) == data and len(entries) == width


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(TlogError):
        tlog.encode_bundle([bytes(65_536)])


@given(st.integers(1, 256), st.data())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_one_flipped_bit_in_a_bundle_is_detected(width: int, data: st.DataObject) -> None:
    bundle = bytearray(logs.tile_bytes(Tile(ENTRIES, 0, width)))
    bit = data.draw(st.integers(0, len(bundle) * 8 - 1))
    bundle[bit // 8] ^= 1 << bit % 8
    try:
        root = tlog.root_of_entries(tlog.decode_bundle(bytes(bundle), width))
    except Malformed:
        return
    assert root != logs.mth(0, width)
