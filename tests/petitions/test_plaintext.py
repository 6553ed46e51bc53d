"""Markdown as plain text: what a reader of the email's plain part sees."""

import pytest

from sabal.petitions.plaintext import to_plain


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("One\ntwo\n\nthree", "One\ntwo\n\nthree"),
        ("### News\n\n*slow* and **fast** `code`", "News\n\nslow and *fast* code"),
        ("Read [the *answer*](https://example.org/a).", "Read the answer (https://example.org/a)."),
        ("<https://example.org/a>", "https://example.org/a"),
        ("[carol@example.org](mailto:carol@example.org)", "carol@example.org"),
        ("- one\n- two\n  - three", "- one\n- two\n  - three"),
        ("3. one\n4. two", "3. one\n4. two"),
        ("- one\n\n- two", "- one\n\n- two"),
        ("> said\n>\n> again", "> said\n> \n> again"),
        ("    code <b>", "    code <b>"),
        ("one\n\n---\n\ntwo", "one\n\n* * *\n\ntwo"),
        ("<b>no HTML</b> & more", "<b>no HTML</b> & more"),
        ("![picture](https://example.org/p.png)", "!picture (https://example.org/p.png)"),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("", ""),
    ],
)
def test_it_reads_like_an_email(markdown: str, plain: str) -> None:
    assert to_plain(markdown) == plain
