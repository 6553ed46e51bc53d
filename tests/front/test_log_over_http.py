"""The public log through the real front end: cache lifetimes, and refusals before a page is made."""

import hashlib
import re

import pytest

import tlog
from front.visitor import Answer, visit
from front_end import HOST, Client, open_client
from sabal.front.front import Front
from sabal.http import Response
from sabal.ledger import tables
from sabal.petitions.snapshot import PetitionSnapshot
from signing.steps import confirmed
from sites import NOW, SiteOfTests

WEEK = 604_800
SLUG = "stop-forced-repatriation"
LOG = f"/{SLUG}/log"
SIZE = 300
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    """A petition with 300 entries in its log."""
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    log = tables.find(site.database, petition.id)
    assert log is not None
    key = tables.key_of(site.database, site.keystore, petition.id, petition.origin)
    with site.database.transaction():
        new = [tlog.entry.Sign(n.to_bytes(32)).encode() for n in range(log.size, SIZE)]
        tables.sign(site.database, tables.append(site.database, log, new), key, 20_000)
    site.sequence(petition, NOW + WEEK)
    return site.petition()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of the paths whose pages are made."""
    asked: list[str] = []
    make = Front.page

    async def noting(front: Front, path: str) -> Response:
        asked.append(path)
        return await make(front, path)

    monkeypatch.setattr(Front, "page", noting)
    return asked


def ask(client: Client, method: str, path: str, *headers: tuple[bytes, bytes]) -> Answer:
    return client._runner.run(visit(client.front, method, path, *headers, host=[HOST]))


def test_each_file_has_its_cache_lifetime_and_headers(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, digest = "text/plain; charset=utf-8", petition.manifest_hash.hex()
    newest, binary = "public, max-age=1, stale-if-error=600", "application/octet-stream"
    with open_client(site, monkeypatch) as client:
        for path, cached, kind in (
            ("checkpoint", newest, text),
            ("policy", newest, text),
            (f"manifests/{digest}.json", FOR_EVER, "application/json; charset=utf-8"),
            ("tile/0/000", FOR_EVER, binary),
            ("tile/0/001.p/44", FOR_EVER, binary),
            ("tile/1/000.p/1", FOR_EVER, binary),
            ("tile/entries/000", FOR_EVER, binary),
            ("tile/entries/001.p/44", FOR_EVER, binary),
        ):
            whole = client.get(f"{LOG}/{path}", (b"origin", b"https://press.example"), (b"cookie", b"a=b"))
            assert (whole.status, whole["cache-control"], whole["content-type"]) == (200, cached, kind), path
            assert whole["access-control-allow-origin"] == "*" and whole["set-cookie"] is None
            assert whole["x-content-type-options"] == "nosniff"
            file = site.data / "public" / SLUG / "log" / path
            assert whole.body == file.read_bytes()
            assert whole["etag"] and whole["content-length"] == str(len(whole.body))
            head = ask(client, "HEAD", f"{LOG}/{path}")
            assert (head.status, head.body) == (200, b"")
            for name in ("etag", "content-length", "content-type", "cache-control"):
                assert head[name] == whole[name], (path, name)
            same = client.get(f"{LOG}/{path}", (b"if-none-match", whole["etag"].encode()))
            assert (same.status, same.body, same["access-control-allow-origin"]) == (304, b"", "*")
            assert client.post_raw(f"{LOG}/{path}", b"").status == 405


def test_the_served_files_are_the_log(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_client(site, monkeypatch) as client:
        policy = tlog.Policy.parse(client.get(f"{LOG}/policy").body)
        published = policy.open(client.get(f"{LOG}/checkpoint").body).checkpoint
        entries = [
            entry
            for bundle in tlog.new_bundles(0, published.size)
            for entry in tlog.decode_bundle(client.get(f"{LOG}/{bundle.path}").body, bundle.width)
        ]
        assert tlog.root_of_entries(entries) == published.root and published.size == SIZE
        for tile, data in tlog.grow(0, tlog.leaf_hashes(entries), lambda _: b""):
            assert client.get(f"{LOG}/{tile.path}").body == data
        first = tlog.entry.parse(entries[0])
        assert isinstance(first, tlog.entry.Open)
        manifest = client.get(f"{LOG}/manifests/{first.manifest_hash.hex()}.json").body
        assert hashlib.sha256(manifest).digest() == first.manifest_hash


OUTSIDE = (
    "tile/0/002", "tile/0/001", "tile/0/001.p/45", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/07",
    "tile/1/000", "tile/1/000.p/2", "tile/1/001.p/1", "tile/2/000.p/1", "tile/62/000.p/1", "tile/64/000",
    "tile/entries/001", "tile/entries/002.p/1", "tile/entries/x001/000", "tile/00/000", "tile/0/0", "tile/0/0000",
    "tile/0/x000/000", "tile/0", "tile/", "tile", "tile/-1/000", "tile/0/000/", "tile/data/000", "tile/0/000.p",
    "tile/0/000.P/1", "manifests/" + "0" * 63 + ".json", "manifests/" + "A" * 64 + ".json", "manifests/", "",
    "checkpoint/", "checkpoint.txt", "Checkpoint", "policy/x", "entries", ".lock",
)  # fmt: skip
MISSPELT = (
    f"{LOG}//checkpoint", f"/{SLUG}//log/checkpoint", f"/{SLUG}/./log/checkpoint", f"{LOG}/tile/../checkpoint",
    f"{LOG}/%63heckpoint", f"{LOG}/tile/0/000%2Ep/1", f"{LOG}/tile/0/%30%30%30", f"/{SLUG}/log\\checkpoint",
    f"{LOG}/checkpoint;x", f"{LOG}/" + "tile/" * 200,
)  # fmt: skip


def test_a_path_outside_the_log_is_not_found_without_making_a_page(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    with open_client(site, monkeypatch) as client:
        for path in OUTSIDE:
            before = [p for p in made if "/log" in p]
            for method in ("GET", "HEAD"):
                answer = ask(client, method, f"{LOG}/{path}")
                pasted = path.endswith("/") and answer["location"] == f"{LOG}/{path[:-1]}"
                assert answer.status in (400, 404) or pasted, (path, method, answer)
                assert "immutable" not in (answer["cache-control"] or ""), (path, method)
            assert [p for p in made if "/log" in p] == before, path


def test_another_spelling_of_a_path_is_refused(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    with open_client(site, monkeypatch) as client:
        for path in MISSPELT:
            answer = client.get(path)
            assert answer.status in (400, 404) and not [p for p in made if "/log" in p], path
            assert not re.search(rb"[A-Za-z0-9+/]{43}=", answer.body), path


def test_a_tile_is_made_once(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    with open_client(site, monkeypatch) as client:
        answers = client.at_once([client.getting(f"{LOG}/tile/0/000") for _ in range(20)])
        assert {answer.status for answer in answers} == {200} and made.count(f"{LOG}/tile/0/000") == 1
        assert client.get(f"{LOG}/tile/0/000").status == 200 and made.count(f"{LOG}/tile/0/000") == 1


def test_an_unknown_manifest_is_not_found(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_client(site, monkeypatch) as client:
        assert client.get(f"{LOG}/manifests/{'0' * 64}.json").status == 404
        assert client.get(f"/another/log/manifests/{petition.manifest_hash.hex()}.json").status == 404
        assert client.get("/another/log/checkpoint").status == 404
