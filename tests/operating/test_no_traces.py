"""After a whole journey, names, addresses and tokens stand in clear nowhere but in the folder transport's letters."""

import email
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from email import policy
from pathlib import Path

from sabal.signing import token
from served import SLUG, Served

NAME = "수지 Unmistakable-Suzie"
ADDRESS = "suzie.unmistakable@example.org"
OTHER = "max.unmistakable@example.org"


def fetch(url: str, **form: str) -> str:
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.urlopen(url, data=data, timeout=15) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        return error.read().decode("utf-8", "replace")


def press(url: str) -> None:
    with urllib.request.urlopen(url, data=b"", timeout=15) as answer:
        answer.read()


def letters(served: Served, count: int) -> list[str]:
    deadline = time.monotonic() + 20
    while len(found := sorted((served.data / "mail").glob("*.eml"))) < count:
        assert time.monotonic() < deadline, "a letter is missing"
        time.sleep(0.2)
    texts = []
    for path in found:
        body = email.message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]
        texts.append(str(body.get_content()))
    return texts


def search(served: Served, needles: dict[str, bytes]) -> None:
    folded = {what: needle.lower() for what, needle in needles.items()}
    for path in [
        p for p in served.data.rglob("*") if p.is_file() and "mail" not in p.relative_to(served.data).parts
    ]:
        content = path.read_bytes().lower()
        for what, needle in folded.items():
            assert needle not in content, f"{what} stands in {path.relative_to(served.data)}"
    if served.database_dump is not None:
        content = served.database_dump().lower()
        for what, needle in folded.items():
            assert needle not in content, f"{what} stands in the database"


def test_no_trace_of_anybody(served: Served) -> None:
    page = fetch(f"{served.base}/ko/{SLUG}")
    version = re.findall(r'name="version" value="([0-9a-f]{16})"', page)[0]
    form = {
        "name": NAME,
        "email": ADDRESS,
        "country": "KR",
        "consent": "1",
        "version": version,
        "newsletter": "1",
    }
    assert NAME in fetch(f"{served.base}/ko/{SLUG}/sign", **{**form, "consent": ""})  # refused: shown again
    fetch(f"{served.base}/ko/{SLUG}/sign", **form)
    fetch(f"{served.base}/ko/newsletter", email=OTHER)
    texts = letters(served, 2)
    links = [re.findall(r"http://\S+", text)[0] for text in texts]
    tokens = [link.rsplit("/", 1)[1] for link in links]
    needles = {"the name": NAME.encode(), "an address": ADDRESS.encode(), "another address": OTHER.encode()}
    needles |= {"half a name": b"Unmistakable"}
    for text in tokens:
        raw = token.decode(text)
        assert raw
        needles |= {f"token {text}": text.encode(), f"raw {text}": raw, f"hex {text}": raw.hex().encode()}
    search(served, needles)  # while everything is pending
    for link in links:
        fetch(link)
        press(link)
    fetch(f"{served.base}/ko/confirm/{tokens[0]}x")
    fetch(f"{served.base}/ko/{ADDRESS}")
    fetch(f"{served.base}/ko/{SLUG}?name={ADDRESS}")
    fetch(f"{served.base}/ko/signature/{tokens[0]}")
    served.wait_for_count(1)
    search(served, needles)
    signed = next(t for t, link in zip(tokens, links, strict=True) if "/newsletter/" not in link)
    press(f"{served.base}/ko/signature/{signed}/withdraw")
    served.wait_for_count(0)
    search(served, needles)
    assert (served.data / "serve.log").stat().st_size > 0
    assert Path(served.data / "house.key").exists()
