"""A mirror grows with its log, reports what is new, has pages without forms, and refuses a forked log."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tlog
from checking import made
from checking.web import Web, web
from ledger import reading
from sabal.checking.copiedpage import CopiedPage
from sabal.checking.copy import CannotCheck
from sabal.checking.mirror import WrongLog, mirror
from sabal.checking.reading import read

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PAGE = (
    '<!doctype html>\n<html lang="{0}"><head><meta charset="utf-8"><style>p {{ color: red }}</style></head><body>'
    '<main><p>{1}</p><form method="post" action="/{0}/trees/sign"><input name="email"><button>Sign</button></form>'
    '<a href="/ko/trees">ko</a> <a href="/{0}/privacy">p</a></main><script>steal()</script></body></html>'
)
"""A page of a petition, with a form and a script."""


def publish(
    site: Web, log: made.Made, *, checkpoint: bytes | None = None, text: str = "Plant trees."
) -> None:
    """Serve this log, its pages and its counts as a site does."""
    site.files.clear()
    prefix = "/trees/log"
    site.files[f"{prefix}/checkpoint"] = checkpoint or log.checkpoint()
    site.files[f"{prefix}/policy"] = log.policy
    for digest, data in log.manifests.items():
        site.files[f"{prefix}/manifests/{digest.hex()}.json"] = data
    for bundle in tlog.new_bundles(0, len(log.entries)):
        entries = log.entries[bundle.index * 256 :][: bundle.width]
        site.files[f"{prefix}/{bundle.path}"] = tlog.encode_bundle(entries)
    site.files["/trees.json"] = (
        b'{"data": {"attributes": {"languages": {"en": "x", "ko": "y", "../up": "z"}}}}'
    )
    site.files["/trees/count.json"] = site.files["/trees/manifest.json"] = b"{}"
    for language in ("en", "ko"):
        site.files[f"/{language}/trees"] = PAGE.format(language, text).encode()
    site.files["/en/verify"] = PAGE.format("en", "How to check us").encode()
    site.files["/en/trees/card.png"] = b"\x89PNG\r\n\x1a\n..."


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as served:
        yield served


def mirrored_log(folder: Path) -> reading.Read:
    return reading.read(folder / "trees" / "log", made.CAROL.verifier)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_it_grows_with_the_log_and_fetches_only_new_files(site: Web, tmp_path: Path) -> None:
    for size, new in ((1, 1), (300, 299), (300, 0), (515, 215), (70_000, 69_485)):
        publish(site, made.log(size))
        site.asked.clear()
        done = mirror(f"{site.url}/en/trees", tmp_path, NOW)
        assert (done.new, done.size) == (new, size)
        assert len(mirrored_log(tmp_path).entries) == size
        if size == 515:
            assert (
                "/trees/log/tile/entries/000" not in site.asked
                and "/trees/log/tile/entries/001" in site.asked
            )
    before = files(tmp_path)
    assert "nothing new" in str(mirror(f"{site.url}/trees/log", tmp_path, NOW)) and files(tmp_path) == before
    assert (
        not list(tmp_path.rglob(".*.????????"))
        and (tmp_path / "trees/log/checkpoint").stat().st_mode & 0o044 == 0o044
    )
    copy = read(str(tmp_path / "trees" / "log"))
    assert copy.size == 70_000 and not copy.flaws and set(copy.manifests) == set(made.log(300).manifests)


def test_a_folder_of_other_files_is_not_written_to(site: Web, tmp_path: Path) -> None:
    """A mirror has an `index.html` too, and so may the web site that Carol already serves from there."""
    publish(site, made.log(20))
    (tmp_path / "index.html").write_text("our own site")
    with pytest.raises(CannotCheck, match="holds other files"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    assert files(tmp_path) == {"index.html": b"our own site"}
    mirror(f"{site.url}/en/trees", tmp_path / "mirror", NOW)
    # A copy of a mirror that was made without its hidden files is a mirror, too.
    (tmp_path / "mirror" / ".lock").unlink()
    assert "nothing new" in str(mirror(f"{site.url}/en/trees", tmp_path / "mirror", NOW))


def test_pages_have_no_form_and_a_notice_that_they_are_copies(site: Web, tmp_path: Path) -> None:
    publish(site, made.log(20))
    assert mirror(f"{site.url}/en/trees", tmp_path, NOW).pages == 8
    for language, sentence in (
        ("en", "This is a copy of 2026-11-24"),
        ("ko", "2026-11-24에 만든 사본입니다"),
    ):
        page = (tmp_path / language / "trees" / "index.html").read_text()
        assert sentence in page and f'href="{site.url}/{language}/trees"' in page
        assert not re.search(r"<(form|input|button|script)|action=|steal", page)
        assert 'href="../../ko/trees/"' in page and f'href="{site.url}/{language}/privacy"' in page
        assert "form-action &#x27;none&#x27;" in page and "style-src &#x27;sha256-" in page
    assert (tmp_path / "en/verify/index.html").exists() and not (tmp_path / "ko/verify").exists()
    assert (tmp_path / "en/trees/card.png").exists() and not (tmp_path.parent / "up").exists()
    assert (
        mirror(f"{site.url}/en/trees", tmp_path, NOW.replace(day=25)).pages == 0
    )  # only the date in the copies is new
    assert "2026-11-25" in (tmp_path / "en/trees/index.html").read_text()
    publish(site, made.log(20), text="Plant many trees.")
    assert mirror(f"{site.url}/en/trees", tmp_path, NOW).pages == 2


@pytest.mark.parametrize(
    "evil",
    [
        "<main><script>x", "<iframe src=//e.example></iframe>", "<p onclick=x()>a", '<a href="javascript:x()">a</a>',
        "<img src=//e.example/x.png>", "<svg><script>x</script></svg>", "<form><form></form><input name=a>",
        '<meta http-equiv="refresh" content="0;url=//e.example">', '<base href="//e.example">',
        '<link rel="stylesheet" href="//e.example">', "<p style='background:url(//e.example)'>", "<!--><script>x-->",
        "<textarea><form action=x></textarea>", "<plaintext><script>x", "<a href='//e.example' ping=//e.example>a</a>",
        "<svg><style><script>x</script></style></svg>", "<math><style><img src=x onerror=x()></style></math>",
        "<svg><title><style><script>x</script></style></title></svg>", "<style>a<b</style>", "<svg><style>a{}</style>",
        "<head><style>@x <!-- <script>x</script></style></head>", "<svg><foreignObject><iframe src=x>",
        '<p title="<main><x-b><script>x</script>">', '<main title="></p><script>x</script>">',
        "<svg><path fill='url(//e.example)'/></svg>", '<meta name="referrer" content="no-referrer-when-downgrade">',
    ],
)  # fmt: skip
def test_active_content_is_removed(evil: str) -> None:
    page = copied(f"<!doctype html><html><head><title>t</title></head><body>{evil}</body></html>")
    assert page.startswith(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv='
    )
    assert len(re.findall(r"<(?:html|head|body|/head|/body|/html)\b", page)) == 6
    rest = page.replace("http-equiv", "", 1)
    assert not re.search(
        r"<(script|iframe|form|input|button|base|textarea|noscript|plaintext|math|foreignobject)|\son\w+=|javascript:|"
        r"<img src|ping=|style=['\"]|http-equiv|stylesheet|no-referrer-when|url\(",
        rest,
    )
    assert "<style" not in page


@pytest.mark.parametrize(
    "html",
    [
        "<b>" * 20_001,
        "<p " + "a " * 300_000,
        "<main>" + "<div>" * 19_990,
        "<main>" + "</x>" * 5_000 + "<div>" * 5_000 + "</div>" * 5_000,
        "<p " + " ".join(f"a{n}=1" for n in range(50_000)),
        '<p " a=">" ' + " ".join(f"a{n}" for n in range(60_000)),
        "<p/" + "/".join(f"a{n}" for n in range(60_000)),
        "<p " + "".join(f'a{n}="1"' for n in range(30_000)),
    ],
    ids=["tags", "characters", "open", "open and closed", "attributes", "quotes", "slashes", "no spaces"],
)
def test_a_page_that_is_too_large_is_not_copied(site: Web, tmp_path: Path, html: str) -> None:
    """Some pages of that size would take a parser minutes."""
    with pytest.raises(ValueError, match="no page"):
        copied(html)
    publish(site, made.log(20))
    site.files["/ko/trees"] = html.encode()
    with pytest.raises(
        CannotCheck,
        match=r"The log was copied. .*/ko/trees was not copied, because it cannot be read as a page",
    ):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)


@pytest.mark.parametrize("html", ["", "<![foo[", "trees", "<plaintext>", "\0"])
def test_the_copy_of_a_damaged_page_has_its_notice(html: str) -> None:
    body = copied(html).partition("<body>")[2]
    assert '<p class="notice">This is a copy of 2026-11-24.' in body and body.count("<p") == 1


def test_a_small_page_does_not_become_huge() -> None:
    """A parser reopens text formatting in each paragraph, so that 100 kB could become gigabytes."""
    html = f"<p>{''.join(f'<b id={n}>' for n in range(900))}</p>{'<p>x</p>' * 5_000}"
    assert len(copied(html)) < 5 * len(html)


def test_the_page_of_a_site_keeps_its_content() -> None:
    sheet, drawing = (
        "a > b { color: red }\n",
        '<svg viewBox="0 0 4 4" fill="none"><circle cx="2" r="1"></circle></svg>',
    )
    shown = '<progress max="9" value="3"></progress><details open=""><summary>a &amp; <b>b</b></summary></details>'
    page = copied(
        f'<!doctype html><html lang="zh-Hant" dir="ltr"><head><title>Trees &amp; us</title><style>{sheet}</style>'
        f'<meta property="og:title" content="T"></head><body><main>{shown}{drawing}</main></body></html>'
    )
    for part in (sheet, drawing, "<title>Trees &amp; us</title>", 'lang="zh-Hant" dir="ltr"'):
        assert part in page
    assert f"</p>{shown}" in page and 'content="T"' in page
    assert base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode() in page


def copied(html: str) -> str:
    page = CopiedPage("https://a.example", "en/trees", frozenset(), "trees/log/", NOW.date())
    return page.of(html.encode()).decode()


def test_a_fork_is_refused_stored_as_evidence_and_reported_each_time(site: Web, tmp_path: Path) -> None:
    publish(site, made.log(300))
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    before = files(tmp_path)
    entries = list(made.log(400).entries)
    entries[17] = tlog.entry.Sign(b"x" * 32).encode()
    fork = made.Made(tuple(entries), made.log(400).manifests)
    publish(site, fork)
    for _ in range(2):
        with pytest.raises(WrongLog, match=r"THE LOG forked: its first 300 entries"):
            mirror(f"{site.url}/en/trees", tmp_path, NOW)
    name = "trees/log/fork-20261124T120000Z.txt"
    after = files(tmp_path)
    assert {path: after[path] for path in before} == before and set(after) - set(before) == {name}
    assert fork.checkpoint() in after[name] and made.log(300).checkpoint() in after[name]


def test_a_log_that_shrinks_or_misses_its_root_or_has_another_key_is_refused(
    site: Web, tmp_path: Path
) -> None:
    publish(site, made.log(300))
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    before = files(tmp_path)
    publish(site, made.log(299))
    with pytest.raises(WrongLog, match="shrank from 300 entries to 299"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    publish(site, made.log(400), checkpoint=made.log(301).checkpoint())
    site.files["/trees/log/tile/entries/001.p/45"] = tlog.encode_bundle([b"\1\1" + b"y" * 32] * 45)
    with pytest.raises(WrongLog, match="do not lead to its own checkpoint"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    publish(site, made.log(400), checkpoint=eves_checkpoint(400))
    with pytest.raises(WrongLog, match="another key than before"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    site.files["/trees/log/policy"] = f"log {made.EVE.verifier}\nquorum none\n".encode()
    with pytest.raises(WrongLog, match="another key than before"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    after = files(tmp_path)
    assert {path: after[path] for path in before} == before
    with pytest.raises(WrongLog, match="not signed by a key of its policy"):
        publish(site, made.log(400), checkpoint=eves_checkpoint(400))
        mirror(f"{site.url}/en/trees", tmp_path / "new", NOW)


def eves_checkpoint(size: int) -> bytes:
    root = tlog.root_of_entries(made.log(size).entries)
    return tlog.Checkpoint(made.ORIGIN, size, root).sign(made.EVE)


def test_a_damaged_copy_is_repaired(site: Web, tmp_path: Path) -> None:
    publish(site, made.log(600))
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    good = files(tmp_path)
    for name in ("tile/entries/000", "tile/entries/001"):
        (tmp_path / "trees/log" / name).write_bytes(b"x" * 100)
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    assert files(tmp_path) == good


def test_a_log_or_page_that_cannot_be_read_is_reported(site: Web, tmp_path: Path) -> None:
    with pytest.raises(CannotCheck, match="https"):
        mirror("http://petition.example/en/trees", tmp_path, NOW)
    with pytest.raises(CannotCheck):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    publish(site, made.log(20))
    del site.files["/trees.json"]
    with pytest.raises(CannotCheck, match="The log was copied, but its page was not"):
        mirror(f"{site.url}/en/trees", tmp_path, NOW)
    assert len(mirrored_log(tmp_path).entries) == 20


PROOF = b"%PDF-1.7 the stamp of the council"
PROOFS = {hashlib.sha256(data).hexdigest(): data for data in (PROOF, b"RIFF....WEBP a photo")}


def list_proofs(site: Web, *digests: str) -> None:
    """Let the JSON of the petition list these proofs, one of them beneath a correction, and its page show them."""
    rows = [{"proofs": [{"url": f"https://trees.example/trees/proofs/{digest}.pdf"}]} for digest in digests]
    row = {**(rows[0] if rows else {"proofs": []}), "corrects": rows[1:]}
    attributes = {"languages": {"en": "x"}, "deliveries": [row], "responses": []}
    site.files["/trees.json"] = json.dumps({"data": {"attributes": attributes}}).encode()
    links = "".join(
        f'<a href="/trees/proofs/{one}.pdf">a</a><img src="/trees/proofs/{one}.pdf">' for one in digests
    )
    page = f'<!doctype html><html lang="en"><body><main>{links}<img src="/other.webp"></main></body></html>'
    site.files["/en/trees/progress"] = page.encode()


def test_proofs_are_copied_by_their_hash_and_go_when_they_are_hidden(site: Web, tmp_path: Path) -> None:
    publish(site, made.log(3))
    good, other = PROOFS
    list_proofs(site, good, other, "0" * 64, "../../up")
    site.files[f"/trees/proofs/{good}.pdf"] = PROOFS[good]
    site.files[f"/trees/proofs/{other}.pdf"] = b"another file"
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    there = [name for name in files(tmp_path) if "proofs" in name]
    assert there == [f"trees/proofs/{good}.pdf"]
    page = files(tmp_path)["en/trees/progress/index.html"].decode()
    assert (
        f'href="../../../trees/proofs/{good}.pdf"' in page
        and f'src="../../../trees/proofs/{good}.pdf"' in page
    )
    assert "/other.webp" not in page and f"{site.url}/other" not in page
    list_proofs(site, other)
    site.files[f"/trees/proofs/{other}.pdf"] = PROOFS[other]
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    assert [name for name in files(tmp_path) if "proofs" in name] == [f"trees/proofs/{other}.pdf"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"deliveries": None},
        {"deliveries": [1]},
        {"deliveries": [{"proofs": [{}], "corrects": []}]},
        {"deliveries": {"proofs": "x"}},
        {"responses": [{"proofs": [{"url": 7}], "corrects": [7]}]},
        {"deliveries": [{"proofs": [{"url": "/trees/proofs/../../x.pdf"}], "corrects": []}]},
    ],
)
def test_a_record_that_cannot_be_read_lists_no_proof(
    site: Web, tmp_path: Path, attributes: dict[str, object]
) -> None:
    publish(site, made.log(3))
    whole = {"data": {"attributes": {"languages": {"en": "x"}, **attributes}}}
    site.files["/trees.json"] = json.dumps(whole).encode()
    mirror(f"{site.url}/en/trees", tmp_path, NOW)
    assert not [name for name in files(tmp_path) if "proofs" in name]
