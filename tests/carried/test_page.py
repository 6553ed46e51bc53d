"""`check.html` in a real browser, opened from a file as a recipient opens it."""

import argparse
import base64
import hashlib
import random
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import tlog
from carried import bundles, jsons, kept_files, mutants, zips
from carried.bundles import CAROL, COSIGNED, KINDS, email_with, judged
from carried.checkers import NOTHING_KEPT, NUMBERS, PAGE, load
from sabal.checking import bundle
from sabal.checking.copy import MOST_MANIFEST, MOST_MANIFESTS
from sabal.checking.records import MOST_LINE
from served import CHROMIUM

LANGUAGES = {"en": "en-GB", "ko": "ko-KR", "zh-Hans": "zh-CN", "ja": "ja-JP"}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: check.html was not opened in a browser"),
]


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open the page. Afterwards assert that it had no error and made no request."""
    contexts, wrong = [], []

    def opened(language: str = "en", *, width: int = 1200, scheme: str = "light", init: str = "") -> Any:
        context = browser.new_context(
            locale=LANGUAGES[language], viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.on(
            "request", lambda request: wrong.append(request.url) if request.url != PAGE.as_uri() else None
        )
        if init:
            page.add_init_script(init)
        page.goto(PAGE.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def script() -> str:
    found = re.search(r"<script>(.*?)</script>", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


CHECK = """async ([zip, others, now]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const kept = others.map(({ name, data }) => ({ name, data: bytes(data) }));
  try { return await sabal.checkBundle(bytes(zip), kept, { now }); }
  catch (error) { return { ok: false, key: error.key, stack: error.key ? null : String(error.stack) }; }
}"""


def check(page: Any, zip_: bytes, *others: bytes, now: int = COSIGNED) -> dict[str, Any]:
    kept = [{"name": f"kept {at}", "data": base64.b64encode(data).decode()} for at, data in enumerate(others)]
    found: dict[str, Any] = page.evaluate(CHECK, [base64.b64encode(zip_).decode(), kept, now])
    assert not found.get("stack"), found["stack"]
    return found


def show(page: Any, folder: Path, **files: bytes) -> None:
    """Choose files with the button, and wait for the result."""
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    page.set_input_files("#files", [str(folder / name.replace("_", ".")) for name in files])
    page.wait_for_selector(".verdict", timeout=60_000)


def test_the_policy_names_the_hashes_of_script_and_style() -> None:
    text = PAGE.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy and "default-src 'none'" in policy[1] and "connect-src 'none'" in policy[1]
    for kind in ("script", "style"):
        (body,) = re.findall(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1], f"{kind}-src should be 'sha256-{digest}'"
    assert not re.search(r"(?:src|href)=|https?://(?!www\.w3\.org/2000/svg)|innerHTML|\sstyle=", text)


def test_every_language_has_every_sentence(open_page: Any) -> None:
    words = open_page().evaluate("WORDS")
    slots = {
        language: {key: set(re.findall(r"\{(\w+)", text)) for key, text in texts.items()}
        for language, texts in words.items()
    }
    assert slots["en"] == slots["ko"] == slots["zh-Hans"] == slots["ja"]
    used = set(re.findall(r'"((?:p|u|w|d|s|f|in)_?\w+)"', script())) & set(words["en"])
    assert {key for key in words["en"] if key[:2] in ("p_", "u_")} - used == set()
    for text in [text for texts in words.values() for text in texts.values()]:
        assert not re.search(
            r"anonym|hack|zero-knowledge|verified sig|cannot be faked|익명|匿名", text, re.IGNORECASE
        )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_valid_bundles_are_ok_with_the_sentence_of_verify_py(method: int, open_page: Any) -> None:
    page = open_page()
    for name, files in bundles.good().items():
        found = check(page, bundles.zipped(files, method=method))
        assert found["ok"], (name, found)
        assert {key: found[key] for key in NUMBERS} == bundles.judge(files)
        theirs = load().check(files.get, argparse.Namespace(**{**vars(NOTHING_KEPT), "at": COSIGNED}))
        assert [found[key] for key in ("sentence", "witnesses")] == [
            theirs[key] for key in ("sentence", "witnesses")
        ]


def test_a_seed_has_at_most_a_thousand_characters(open_page: Any) -> None:
    page, log = open_page(), bundles.log(60)
    for seed, ok in (("7" * 1_000, True), ("🂡" * 1_000, True), ("7" * 1_001, False), ("🂡" * 1_001, False)):
        assert check(page, bundles.zipped(bundles.files(log, sample=(seed, 5))))["ok"] is ok


def test_large_logs_are_ok(open_page: Any) -> None:
    page = open_page()
    for size in (65_536, 65_537):
        log = bundles.log(2)
        entries = [*log.entries, *(tlog.entry.Sign(index.to_bytes(32)).encode() for index in range(2, size))]
        found = check(page, bundles.zipped(bundles.resigned(bundles.files(log), entries)))
        assert (found["ok"], found["size"], found["counted"]) == (True, size, size - 1)


def test_changed_bundles_get_the_expected_result(open_page: Any) -> None:
    """Test every kind of change once. Every second one is tested without the browser's own Ed25519."""
    pages = [open_page(), open_page(init="delete SubtleCrypto.prototype.importKey")]
    refused = 0
    for number, mutant in enumerate(mutants.mutants(seed=60, number=len(mutants.CHANGES))):
        expected = judged(mutant.zip)
        found = check(pages[number % 2], mutant.zip)
        answer = {key: found[key] for key in NUMBERS} if found["ok"] else None
        if mutant.name.startswith("zip_") and answer is None:
            expected = None  # it may be stricter than Python's zipfile, but never laxer
        assert answer == expected, (mutant.name, found)
        refused += expected is None
    assert 60 < refused < len(mutants.CHANGES)


def test_a_zip_that_two_programs_could_read_differently_is_refused(open_page: Any) -> None:
    page, files = open_page(), bundles.good()["some fields"]
    for name, data in zips.packed_again(files).items():
        assert check(page, data).get("ok"), name
    for name, data in zips.strange(files).items():
        assert "key" in (found := check(page, data)), (name, found)


def test_files_over_the_limits_are_not_read(open_page: Any, tmp_path: Path) -> None:
    """The limits are those of `sabal`."""
    page, files = open_page(), bundles.good()["bare"]
    assert page.evaluate("LIMITS") == bundle.LIMITS
    assert page.evaluate("[MOST_MANIFEST, MOST_MANIFESTS]") == [MOST_MANIFEST, MOST_MANIFESTS]
    for name, data in zips.bombs(files).items():
        assert check(page, data).get("key") == "u_limit", name
    log = bundles.log(40)
    zip_, kept = bundles.zipped(bundles.files(log)), zips.NESTED_MAIL + log.checkpoint(5)
    assert check(page, zip_, kept)["checkpoints"] == [{"size": 5, "consistent": True}]
    assert check(page, zip_, kept + bytes(16 << 20))["key"] == "u_limit"
    show(page, tmp_path, b_zip=zip_, long_txt=kept + bytes(16 << 20))
    assert "long.txt is larger than the limit" in page.locator(".verdict").inner_text()


def test_an_unreadable_promise_key_is_skipped(open_page: Any) -> None:
    log = bundles.with_another_promise_key("nonsense")
    found = check(open_page(), bundles.zipped(bundles.files(log)), log.promise(3, 5))
    assert (found["ok"], found["promises"]) == (True, [{"include_by": 5, "state": "kept", "revoked": None}])


def test_the_page_accepts_the_same_json(open_page: Any) -> None:
    page = open_page()
    for values, alike in ((jsons.ALIKE, True), (jsons.DIFFERENTLY, False)):
        for name, value in values.items():
            found = check(page, bundles.zipped(bundles.files(bundles.with_json(value))))
            assert found["ok"] == alike, (name, found)
    files = bundles.good()["bare"]
    (line, *_) = files["records.jsonl"].splitlines(keepends=True)
    for spaces, holds in ((MOST_LINE + 1 - len(line), True), (MOST_LINE + 2 - len(line), False)):
        longer = {**files, "records.jsonl": b" " * spaces + line}
        assert check(page, bundles.zipped(longer))["ok"] == holds


def test_a_repeated_commitment_is_reported(open_page: Any) -> None:
    """The sentence is that of the other two checkers. Entries whose leaf hashes begin alike are compared in full."""
    page, log = open_page(), bundles.log(300)
    for first in (1, 150, 299):
        entries = [*log.entries, tlog.entry.Sign(bytes(32)).encode(), log.entries[first]]
        found = check(page, bundles.zipped(bundles.resigned(bundles.files(log), entries)))
        assert found["problems"] == [
            f"Entry 301: its commitment is that of entry {first}, and each may be in the log only once."
        ]
    alike = """([entries, leaves]) => firstRepeat(unhex(entries), unhex(leaves))"""
    entries = b"".join(tlog.entry.Sign(bytes([n]) * 32).encode() for n in (7, 8, 9, 8))
    same = b"".join(b"h" * 31 + bytes([n]) for n in (7, 8, 9, 8))
    assert page.evaluate(alike, [entries.hex(), same.hex()]) == {"i": 3, "first": 1}
    assert page.evaluate(alike, [entries[:102].hex(), same[:96].hex()]) is None


def test_both_ed25519_agree_with_openssl_on_good_and_bad_signatures(open_page: Any) -> None:
    page, chance = open_page(), random.Random(8032)
    order = 2**252 + 27742317777372353535851937790883648493
    cases: list[tuple[bytes, bytes, bytes]] = []
    for length in (0, 1, 2, 63, 64, 127, 128, 200, 1023):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), chance.randbytes(length)
        signature = key.sign(message)
        s = int.from_bytes(signature[32:], "little")
        cases += [
            (public, message, signature),
            (public, message + b"x", signature),
            (public, message, mutants.flip(signature, chance)),
            (mutants.flip(public, chance), message, signature),
            (
                public,
                message,
                signature[:32] + (s + order).to_bytes(32, "little"),
            ),  # S must be below the order
            (public, message, bytes(64)),
        ]
    p = 2**255 - 19
    for y in (0, 1, 2, p - 1, p, p + 1, 2**255 - 1):  # points of small order, and encodings of no point
        for sign in (0, 1 << 255):
            cases.append(
                ((y | sign).to_bytes(32, "little"), b"m", (y | sign).to_bytes(32, "little") + bytes(32))
            )
    work = """async (cases) => {
      const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
      const answers = [];
      for (const [key, message, signature] of cases) {
        const args = [bytes(key), bytes(message), bytes(signature)];
        answers.push([sabal.ed25519Own(...args), await sabal.ed25519Browser(...args)]);
      }
      return answers;
    }"""
    answers = page.evaluate(work, [[part.hex() for part in case] for case in cases])
    assert any(browsers is not None for _, browsers in answers), "this Chromium has no Ed25519 of its own"
    for case, (own, browsers) in zip(cases, answers, strict=True):
        canonical = int.from_bytes(case[0], "little") % 2**255 < p
        if (
            canonical
        ):  # openssl and browsers accept other encodings of a key; the page's own code refuses them
            assert own == accepts(*case), case
            assert browsers in (None, own), case
        else:
            assert own is False


def accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def test_its_own_hashes_are_those_of_python(open_page: Any) -> None:
    data = [
        random.Random(length).randbytes(length)
        for length in (*range(0, 300, 7), 55, 56, 63, 64, 111, 112, 100_000)
    ]
    work = """(all) => all.map((text) => {
      const bytes = unhex(text);
      return [hex(sabal.sha256(bytes)), bytes.length < 1000 ? hex(sabal.sha512(bytes)) : null];
    })"""
    for one, (short, long) in zip(data, open_page().evaluate(work, [one.hex() for one in data]), strict=True):
        assert short == hashlib.sha256(one).hexdigest()
        assert long in (None, hashlib.sha512(one).hexdigest())


@pytest.mark.parametrize("kind", KINDS)
def test_kept_files_are_compared_with_the_copy(kind: str, open_page: Any) -> None:
    page, log = open_page(), bundles.log(40, revoke=True, quorum="two", cosigners=("first", "second"))
    zip_, later = bundles.zipped(bundles.files(log)), bundles.log(50, revoke=True)
    kept = [email_with(log.checkpoint(17), kind), email_with(log.promise(3, 5), kind), log.proof(9, 30)]
    found = check(page, zip_, *kept)
    assert found["ok"], found
    assert found["checkpoints"] == [{"size": 17, "consistent": True}, {"size": 30, "consistent": True}]
    assert found["promises"] == [{"include_by": 5, "state": "kept", "revoked": None}]
    for include_by, state in ((COSIGNED, "overdue"), (COSIGNED + 1, "waiting")):
        found = check(page, zip_, email_with(later.promise(45, include_by), kind))
        assert (found["promises"], found["ok"]) == (
            [{"include_by": include_by, "state": state, "revoked": None}],
            state == "waiting",
        )
    assert found["proofs"] == []
    gone = next(int.from_bytes(one[2:10]) for one in log.entries if one[1] == tlog.entry.Type.REVOKE)
    found = check(page, zip_, email_with(log.promise(gone, 5), kind), log.proof(gone), log.proof(3))
    reason = log.entries[[one[1:10] for one in log.entries].index(b"\2" + gone.to_bytes(8))][10]
    assert found["promises"] == [{"include_by": 5, "state": "kept", "revoked": reason}]
    assert found["proofs"] == [{"index": gone, "revoked": reason}, {"index": 3, "revoked": None}]
    older = bundles.zipped(bundles.resigned(bundles.files(log), log.entries[:30], log.cosigners))
    assert "older than what was seen" in check(page, older, email_with(log.checkpoint(), kind))["problems"][0]
    forked = bundles.signed(tlog.Checkpoint(bundles.ORIGIN, 30, b"x" * 32))
    assert "the log was changed" in check(page, zip_, email_with(forked, kind))["problems"][0]


def test_the_checkpoints_of_a_file_that_this_log_signed_are_compared(open_page: Any) -> None:
    page = open_page()
    for name, case in kept_files.CASES.items():
        found = check(page, bundles.zipped(case.files), case.kept)
        assert case.agrees_with(found), (name, found)


def test_proofs_of_every_entry_hold_and_altered_ones_do_not(open_page: Any) -> None:
    page, log = open_page(), bundles.log(19, quorum="third", cosigners=("third",))
    zip_ = bundles.zipped(bundles.files(log))
    for size in (1, 7, 19):
        for index in range(size):
            proof = log.proof(index, size)
            assert check(page, zip_, proof)["ok"]
            assert not check(page, zip_, proof.replace(b"index %d\n" % index, b"index %d\n" % (index + 1)))[
                "ok"
            ]


# What the page shows.


def test_the_page_shows_the_sentence_the_table_and_the_records(open_page: Any, tmp_path: Path) -> None:
    page = open_page()
    log = bundles.log(257, amend=True, revoke=True, quorum="two", cosigners=("first", "third"))
    show(page, tmp_path, orchard_zip=bundles.zipped(bundles.files(log, show=log.counting[:150])))
    verdict = page.locator(".verdict").inner_text()
    assert (
        verdict.startswith("OK")
        and "183 signatures count (219 confirmed, 9 withdrawn, 27 invalidated)" in verdict
    )
    assert page.evaluate("document.activeElement.id") == "verdict"
    text = page.locator("main").inner_text()
    assert (
        "The log shows that nothing was taken out or changed. That signers are people rests on confirmed"
        in text
    )
    keys = [str(CAROL.verifier), *(str(bundles.WITNESSES[name].verifier) for name in ("first", "third"))]
    assert page.locator("code.key").all_inner_texts() == keys
    assert "The witnesses’ keys, to compare in the same way:" in text
    assert page.locator(".steps .yes").count() == 5 and page.locator(".steps .no").count() == 0
    assert page.locator("#records tbody tr").count() == 100
    assert (
        "<b>Eve</b> &amp;" in page.locator("#records").inner_text()
        and page.locator("#records b").count() == 0
    )
    assert page.locator("#records td:nth-child(2) > bdi").count() == 100
    page.get_by_role("button", name="Next").click()
    assert page.locator("#records tbody tr").count() == 50
    assert "101–150 of 150" in page.locator(".pages").inner_text()
    assert page.evaluate("document.activeElement.id") == "previous"


def test_the_language_is_that_of_the_browser_and_can_be_changed(open_page: Any, tmp_path: Path) -> None:
    zip_ = bundles.zipped(bundles.good()["everything"])
    for language, word in (("ko", "이상 없음"), ("zh-Hans", "核对无误"), ("ja", "問題なし"), ("en", "OK")):
        page = open_page(language)
        show(page, tmp_path, b_zip=zip_)
        assert page.locator(".verdict h1").inner_text() == word
        assert page.evaluate("document.documentElement.lang") == language
    page.get_by_role("button", name="한국어").click()
    assert "집계된 서명 37건" in page.locator(".verdict").inner_text()


def test_not_ok_is_shown_with_every_reason(open_page: Any, tmp_path: Path) -> None:
    page, files = open_page(), bundles.good()["some fields"]
    lines = files["records.jsonl"].replace(b'"value": "KR"', b'"value": "DE"')
    show(page, tmp_path, b_zip=bundles.zipped({**files, "records.jsonl": lines}))
    assert page.locator(".verdict.bad h1").inner_text() == "NOT OK"
    assert "is not the one that was signed as entry" in page.locator(".verdict").inner_text()
    assert page.locator(".more li").count() > 1
    assert page.locator("#records .state.no").count() == page.locator(".more li").count()


def test_what_cannot_be_read_is_reported(open_page: Any, tmp_path: Path) -> None:
    page = open_page()
    for name, data, words in (
        ("text_txt", b"Dear Suzie", "No bundle is among these files"),
        ("b_zip", b"PK\3\4 and nothing more", "cut off or damaged"),
        ("b_age", b"age-encryption.org/v1", "still encrypted"),
        ("c_zip", bundles.zipped({"policy": bundles.policy("bare")}), "checkpoint is missing"),
    ):
        show(page, tmp_path, **{name: data})
        assert words in page.locator(".verdict").inner_text()
    show(page, tmp_path, d_zip=bundles.zipped(bundles.good()["bare"]), text_txt=b"Dear Suzie")
    assert page.locator(".verdict h1").inner_text() == "NOT CHECKED"
    assert "text.txt holds no checkpoint" in page.locator(".verdict").inner_text()


def test_emails_can_be_added_later_and_an_unpacked_folder_is_read(open_page: Any, tmp_path: Path) -> None:
    page, log = open_page(), bundles.log(40)
    show(page, tmp_path, b_zip=bundles.zipped(bundles.files(log)))
    show(page, tmp_path, email_eml=email_with(log.checkpoint(17), "quoted-printable"))
    assert page.locator(".verdict h1").inner_text() == "OK"
    assert "1 checkpoint" in page.locator(".steps").inner_text()
    files = [
        [f"unpacked/{name}", base64.b64encode(data).decode()]
        for name, data in bundles.good()["sample"].items()
    ]
    page.evaluate(
        """(files) => take(files.map(([path, data]) =>
          ({ path, file: new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], path.split("/").pop()) })))""",
        files,
    )
    page.wait_for_selector(".verdict")
    assert "25 shown and matched" in page.locator(".verdict").inner_text()


def test_a_dropped_file_is_read(open_page: Any) -> None:
    page = open_page()
    zip_ = base64.b64encode(bundles.zipped(bundles.good()["bare"])).decode()
    transfer = page.evaluate_handle(
        """(zip) => { const t = new DataTransfer();
          t.items.add(new File([Uint8Array.from(atob(zip), (c) => c.charCodeAt(0))], "bundle.zip")); return t; }""",
        zip_,
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    page.wait_for_selector(".verdict")
    assert page.locator(".verdict h1").inner_text() == "OK"


def test_a_million_entries_do_not_freeze_the_page(open_page: Any, tmp_path: Path) -> None:
    size, page = 1_000_000, open_page()
    entries = bundles.log(1).entries[0] + b"".join(b"\1\1" + index.to_bytes(32) for index in range(1, size))
    leaves = tlog.leaf_hashes(entries[at : at + 34] for at in range(0, len(entries), 34))
    note = bundles.signed(tlog.Checkpoint(bundles.ORIGIN, size, tlog.root(leaves)))
    bundle = tmp_path / "million.zip"
    bundle.write_bytes(bundles.zipped({**bundles.good()["size 2"], "checkpoint": note, "entries": entries}))
    page.evaluate(
        """() => { window.longest = 0; window.said = new Set(); let last = performance.now();
          const tick = () => { const now = performance.now(); longest = Math.max(longest, now - last); last = now;
            said.add(document.getElementById("doing").textContent); setTimeout(tick); }; tick(); }"""
    )
    begun = time.monotonic()
    page.set_input_files("#files", str(bundle))
    page.wait_for_selector(".verdict", timeout=60_000)
    assert time.monotonic() - begun < 30
    assert "999,999 signatures count" in page.locator(".verdict").inner_text()
    assert page.evaluate("longest") < 1_000 and page.evaluate("said.size") > 3


@pytest.mark.parametrize(
    ("language", "scheme"),
    [("en", "light"), ("en", "dark"), ("ko", "dark"), ("zh-Hans", "light"), ("ja", "dark")],
)
def test_it_fits_a_phone_and_is_accessible(
    language: str, scheme: str, open_page: Any, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(language, width=320, scheme=scheme)
    files = bundles.good()["bare"]
    broken = {**files, "records.jsonl": files["records.jsonl"].replace(b'"value": "', b'"value": "X')}
    for zip_ in (b"", bundles.zipped(files), bundles.zipped(broken), b"no zip"):
        if zip_:
            show(page, tmp_path, b_zip=zip_)
        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        results = Axe().run(page, options={"resultTypes": ["violations"]})
        assert results.violations_count == 0, results.generate_report()
        page.set_viewport_size({"width": 320, "height": 800})


def test_the_sentence_on_the_limits_is_that_of_verify_py(open_page: Any) -> None:
    assert open_page().evaluate("WORDS.en.limits").replace("’", "'") == load().LIMITS.replace("\n", " ")
