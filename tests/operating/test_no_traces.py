"""After a whole journey, names, addresses and tokens are in clear text only in the emails of the folder transport."""

import base64
import email
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from email import policy
from pathlib import Path

import psycopg
import pytest

from newsletter.asking import filled
from sabal import token
from served import SLUG, Served

NAME = "수지옥란 Unmistakable-Suzie"
ADDRESS = "suzie.unmistakable@example.org"
EVE = "eve.unmistakable@example.org"
MAX = "max.unmistakable@example.org"
COMMENT = "Unmistakable words of hers"


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


def links(served: Served, count: int) -> dict[str, str]:
    """Wait for `count` emails, and return the first link of each by its recipient."""
    deadline = time.monotonic() + 20
    while len(found := list((served.data / "mail").glob("[0-9]*.eml"))) < count:
        assert time.monotonic() < deadline, "a character is missing"
        time.sleep(0.2)
    result = {}
    for path in found:
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))  # type: ignore[attr-defined]
        result[str(message["To"])] = re.findall(r"http://\S+", str(body.get_content()))[0]
    return result


def forms(what: str, secret: bytes) -> dict[str, bytes]:
    """Return a secret as raw bytes, in hexadecimal, and in base64 at each of the three offsets."""
    result = {what: secret, f"{what} in hexadecimal": secret.hex().encode()}
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + secret)
        result[f"{what} in base64, offset {offset}"] = text[4 if offset else 0 : -4]
    return result


def search(served: Served, needles: dict[str, bytes]) -> None:
    """Assert that no needle, in any case, is in the files and the database of the site, except its emails."""
    lowered = {what: needle.lower() for what, needle in needles.items()}
    files = [path for path in served.data.rglob("*") if path.is_file()]
    contents = [
        (str(path.relative_to(served.data)), path.read_bytes())
        for path in files
        if path.relative_to(served.data).parts[0] != "mail"
    ]
    if served.database_dump is not None:
        contents.append(("the database", served.database_dump()))
        contents += files_of_postgresql(served.environment["SABAL_DATABASE_URL"])
    for where, content in contents:
        content = content.lower()
        for what, needle in lowered.items():
            assert needle not in content, f"{what} is in {where}"


def files_of_postgresql(url: str) -> list[tuple[str, bytes]]:
    """Return PostgreSQL's journal, write-ahead log and files of this database, which hold deleted rows for a time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        top, number = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        ).fetchall()[0]
    result = []
    for path in [
        *Path(top).glob("*log*"),
        *Path(top, "pg_wal").iterdir(),
        *Path(top, f"base/{number}").iterdir(),
    ]:
        try:
            if path.is_file():
                result.append((f"PostgreSQL's {path.relative_to(top)}", path.read_bytes()))
        except FileNotFoundError:
            continue  # PostgreSQL reused a segment of the write-ahead log
    return result


def test_the_search_finds_every_form(tmp_path: Path) -> None:
    served = Served("http://127.0.0.1:9", tmp_path, {})
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1.eml").write_text(ADDRESS)
    needles = forms("an address", ADDRESS.encode())
    search(served, needles)
    for text in (
        ADDRESS.upper().encode(),
        ADDRESS.encode().hex().encode(),
        base64.b64encode(b"ab" + ADDRESS.encode() + b"c"),
    ):
        (tmp_path / "sabal.sqlite3-wal").write_bytes(b"\0" + text + b"\0")
        with pytest.raises(AssertionError, match=r"is in sabal\.sqlite3-wal"):
            search(served, needles)


def test_no_name_address_or_token_is_left(served: Served) -> None:
    petition = f"{served.base}/ko/{SLUG}"
    version = re.findall(r'name="version" value="([0-9a-f]{16})"', fetch(petition))[0]
    form = {"name": NAME, "email": ADDRESS, "country": "KR", "consent": "1", "version": version}
    form["newsletter"] = "1"
    assert NAME in fetch(f"{petition}/sign", **{**form, "consent": ""})  # the form is refused and shown again
    fetch(
        f"{petition}/sign", **form, comment=COMMENT
    )  # this form has no such field, so it must not be stored
    fetch(f"{petition}/sign", **{**form, "email": EVE})
    page = f"{served.base}/ko/newsletter/stop-forced-repatriation"
    fetch(page, **filled(fetch(page), MAX))
    found = links(served, 3)
    assert set(found) == {ADDRESS, EVE, MAX}
    tokens = [link.rsplit("/", 1)[1] for link in found.values()]
    needles = {"half of each": b"Unmistakable", "her name's other half": NAME.split()[0].encode()}
    for what, words in (("a name", NAME), ("Suzie's", ADDRESS), ("Eve's", EVE), ("Max's", MAX)):
        needles |= forms(what, words.encode())
    for text in tokens:
        raw = token.decode(text)
        assert raw
        needles |= {f"token {text}": text.encode(), **forms(f"token {text}, raw", raw)}
    search(served, needles)  # while everything is pending
    with pytest.raises(AssertionError):  # the public slug is found, so the search reads the right files
        search(served, {"the petition": SLUG.encode()})
    if served.database_dump is not None:
        files = files_of_postgresql(served.environment["SABAL_DATABASE_URL"])
        assert any(SLUG.encode() in content for _, content in files)
    for link in found.values():
        fetch(link)
    press(found[ADDRESS])
    press(found[MAX])
    press(f"{found[EVE]}/not-me")
    for path in (
        f"confirm/{tokens[0]}x",
        ADDRESS,
        urllib.parse.quote(NAME),
        f"{SLUG}?name={ADDRESS}",
        f"{SLUG}/{tokens[0]}",
        f"newsletter/confirm/{tokens[0]}",
        f"signature/{found[EVE].rsplit('/', 1)[1]}",
    ):
        fetch(f"{served.base}/ko/{path}")
    fetch(f"{served.base}/ko/{ADDRESS}/sign", **form)
    signed = found[ADDRESS].rsplit("/", 1)[1]
    assert NAME not in fetch(f"{served.base}/ko/signature/{signed}")
    served.wait_for_count(1)
    search(served, needles)
    press(f"{served.base}/ko/signature/{signed}/withdraw")
    served.wait_for_count(0)
    search(served, needles)
    assert (served.data / "serve.log").stat().st_size > 0
    assert (served.data / "erasure-journal.jsonl").stat().st_size > 0
    assert (served.data / "server.key").exists()
