"""The pages, the machine views and the log of a running server show the same numbers, as an outsider counts them."""

import email
import json
import re
import time
import urllib.request
from email import policy
from html import unescape

import tlog
from served import SLUG, Served
from tlog import new_bundles

SIGNERS = 3


def get(served: Served, path: str) -> bytes:
    with urllib.request.urlopen(f"{served.base}{path}", timeout=10) as answer:
        return bytes(answer.read())


def post(served: Served, path: str, body: bytes = b"") -> None:
    urllib.request.urlopen(f"{served.base}{path}", data=body, timeout=10).close()


def links(served: Served, wanted: int) -> list[str]:
    """Return the path of the link in each email, once there are that many."""
    deadline = time.monotonic() + 20
    while len(files := list((served.data / "mail").glob("[0-9]*.eml"))) < wanted:
        assert time.monotonic() < deadline, f"{len(files)} emails arrived"
        time.sleep(0.2)
    found = []
    for file in files:
        body = email.message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
        assert body
        found += re.findall(r"http://[^/\s]+(/en/confirm/\S+)", body.get_content())
    return found


def tally(served: Served, note: bytes, key: tlog.Verifier) -> tuple[tlog.Checkpoint, tlog.Tally]:
    """Fetch all entries of a checkpoint's log and count them."""
    tree = tlog.checkpoint.open(note, [key]).checkpoint
    entries: list[bytes] = []
    for bundle in new_bundles(0, tree.size):
        entries += tlog.decode_bundle(get(served, f"/{SLUG}/log/{bundle.path}"), bundle.width)
    assert tlog.root_of_entries(entries) == tree.root
    found = tlog.Tally()
    found.extend(entries)
    return tree, found


def numbers_on_page(served: Served, language: str) -> list[int]:
    """Return confirmed, withdrawn, invalidated, counted and entries, from the page about checking."""
    page = unescape(get(served, f"/{language}/verify").decode())
    return [int(n.replace(",", "")) for n in re.findall(r"<dd>(?:− )?([\d,]+)</dd>", page)]


def three_sign_and_one_withdraws(served: Served) -> None:
    version = re.search(rb'name="version" value="([0-9a-f]{16})"', get(served, f"/en/{SLUG}"))
    assert version
    for n in range(SIGNERS):
        body = b"name=Suzie&email=suzie%d%%40example.org&consent=1&version=%b"
        post(served, f"/en/{SLUG}/sign", body % (n, version[1]))
    confirm = links(served, SIGNERS)
    for link in confirm:
        post(served, link)
    served.wait_for_count(SIGNERS)
    post(served, confirm[0].replace("/confirm/", "/signature/") + "/withdraw")
    served.wait_for_count(SIGNERS - 1)


def test_pages_machine_views_and_log_show_the_same_numbers(served: Served) -> None:
    three_sign_and_one_withdraws(served)
    count = json.loads(get(served, f"/{SLUG}/count.json"))
    attributes = json.loads(get(served, f"/{SLUG}.json"))["data"]["attributes"]
    manifest = json.loads(get(served, f"/{SLUG}/manifest.json"))
    key = tlog.Verifier.parse(manifest["terms"]["log"]["key"])
    tree, counted = tally(served, get(served, f"/{SLUG}/log/checkpoint"), key)
    assert [count[name] for name in ("confirmed", "withdrawn", "invalidated", "counted")] == [
        counted.signed,
        counted.revoked[tlog.entry.Reason.WITHDRAWN],
        sum(counted.revoked.values()) - counted.revoked[tlog.entry.Reason.WITHDRAWN],
        counted.counted,
    ]
    checkpoint = f"{served.base}/{SLUG}/log/checkpoint"
    expected = {
        "origin": tree.origin,
        "size": tree.size,
        "root": tree.root.hex(),
        "checkpoint": checkpoint,
        "witnessed": None,
    }
    assert count["log"] == attributes["log"] == expected
    numbers = [counted.signed, 1, 0, counted.counted, tree.size]
    for language in ("en", "ko", "zh-hans", "ja"):
        deadline = time.monotonic() + 15  # a cached page may be shown once more before it is made again
        while numbers_on_page(served, language) != numbers and time.monotonic() < deadline:
            time.sleep(0.5)
        assert numbers_on_page(served, language) == numbers
    check_page(served, key, counted)


def check_page(served: Served, key: tlog.Verifier, counted: tlog.Tally) -> None:
    """Check that the page has the log's key, the current text's hash, and a command that gives the same numbers."""
    page = unescape(get(served, "/en/verify").decode())
    assert counted.manifest_hash
    assert f">{key}</code>" in page and f">{counted.manifest_hash.hex()}</code>" in page
    command = re.search(rf"<code [^>]*>sabal (verify) (\S+/en/{SLUG})</code>", page)
    assert command
    done = served.sabal(*command.groups())
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 2 signatures count (3 confirmed, 1 withdrawn)" in done.stdout
    assert str(key) in done.stdout
