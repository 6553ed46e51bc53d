"""Markdown of petitions as HTML, and attacks that Eve tries through it."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal.petitions.markdown import inline_html, plain_html, to_html

ALLOWED = {
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "ul",
}


class Tags(HTMLParser):
    """Collect the tags and their attributes as a browser sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_plain_text_becomes_paragraphs() -> None:
    assert to_html("One *and* **two**.\n\n> three\n\n### Four") == (
        "<p>One <em>and</em> <strong>two</strong>.</p>\n"
        "<blockquote>\n<p>three</p>\n</blockquote>\n<h3>Four</h3>"
    )


def test_a_demand_is_one_line_without_a_paragraph() -> None:
    assert inline_html("Recognise *sur place* & more") == "Recognise <em>sur place</em> &amp; more"
    assert inline_html("# no heading") == "# no heading"


def test_links_lead_only_to_https_and_mailto() -> None:
    rel = 'rel="noopener noreferrer"'
    assert inline_html("[a](https://example.org/?a=1&b=2)") == (
        f'<a href="https://example.org/?a=1&amp;b=2" {rel}>a</a>'
    )
    assert (
        inline_html("<https://example.org>") == f'<a href="https://example.org" {rel}>https://example.org</a>'
    )
    assert inline_html("<max@example.org>") == f'<a href="mailto:max@example.org" {rel}>max@example.org</a>'
    assert "<a" not in inline_html("https://example.org is no link by itself")


@pytest.mark.parametrize(
    ("text", "address", "rest"),
    [
        ("Read https://ours.example/answer, today.", "https://ours.example/answer", ", today."),
        (
            "자세한 내용은 https://ours.example/answer에서 보십시오.",
            "https://ours.example/answer",
            "에서 보십시오.",
        ),
        ("见 https://ours.example/a。", "https://ours.example/a", "。"),
        ("(see https://ours.example/a_(b)?x=1&y=2).", "https://ours.example/a_(b)?x=1&amp;y=2", ")."),
        ("It is “https://ours.example”!", "https://ours.example", "”!"),
        ("See https://ours.example/a...", "https://ours.example/a", "..."),
    ],
)
def test_an_address_in_a_text_is_a_link(text: str, address: str, rest: str) -> None:
    link = f'<a href="{address}" rel="noopener noreferrer">{address}</a>'
    assert f"{link}{rest}</p>" in to_html(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org is not encrypted",
        "https:// has no host",
        "https://max@example.org has a user",
        "`https://example.org` is code",
        "javascript:alert(1)//https:",
    ],
)
def test_what_is_no_address_to_open_is_no_link(text: str) -> None:
    assert "<a" not in to_html(text)


def test_an_address_inside_a_link_is_no_second_link() -> None:
    html = to_html("[https://a.example](https://b.example) and <https://c.example>")
    assert html.count("<a") == 2
    assert "https://a.example</a>" in html and 'href="https://b.example"' in html


def test_plain_text_has_paragraphs_and_links_and_nothing_else() -> None:
    text = 'Thank you & *bye*.\nSee https://ours.example/?a=1&b=2.\n\n<script>alert(1)</script> https://a.example/"><b>'
    assert plain_html(text) == (
        "<p>Thank you &amp; *bye*.<br>"
        'See <a href="https://ours.example/?a=1&amp;b=2" rel="noopener noreferrer">https://ours.example/?a=1&amp;b=2</a>.'
        '</p>\n\n<p>&lt;script&gt;alert(1)&lt;/script&gt; <a href="https://a.example/" rel="noopener noreferrer">'
        'https://a.example/</a>"&gt;&lt;b&gt;</p>'
    )


def test_an_address_with_html_in_it_ends_before_it() -> None:
    assert to_html('https://a.example/"><script>alert(1)</script>') == (
        '<p><a href="https://a.example/" rel="noopener noreferrer">https://a.example/</a>'
        '"&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>'
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<!-- --><iframe src=https://evil.example>",
        "![x](https://evil.example/pixel.png)",
        "![x](data:image/svg+xml;base64,AAAA)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](http://evil.example)",
        "[x](//evil.example)",
        "[x](/en/api)",
        "[x](https:evil.example)",
        "[x](https://user:password@evil.example)",
        "[x](https://bank.example@evil.example)",
        '[x](https://example.org "t\\" onmouseover=\\"alert(1)")',
        "[x][1]\n\n[1]: javascript:alert(1)",
        "<javascript:alert(1)>",
        "<ftp://evil.example>",
        "`<script>`",
        "```html onload=x\n<script>alert(1)</script>\n```",
        "    <script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<a href='https://example.org' onclick='x'>y</a>",
        "<style>*{display:none}</style>",
        "<form action=https://evil.example><input name=email>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        '[x](<https://example.org/\n"onload=1>)',
    ],
)
def test_eve_cannot_put_code_into_the_page(attack: str) -> None:
    for html in (to_html(attack), inline_html(attack)):
        assert_harmless(html)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "[", "]", "(", ")", "!", '"', "'", "&", ";", "javascript:", "https://a.example", "\n", "`",
             "\\", "script", "img src=x ", "onerror=", "a href=", "&#106;", "*", "-", " ",
             "mailto:a@b.example", "\0"]
        )
        | st.text(max_size=3),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_arbitrary_text_gives_harmless_html(text: str) -> None:
    assert_harmless(to_html(text))
    assert_harmless(inline_html(text))


def assert_harmless(html: str) -> None:
    for tag, attributes in Tags(html).found:
        assert tag in ALLOWED
        assert set(attributes) <= ({"href", "rel"} if tag == "a" else {"start"} if tag == "ol" else set())
        if "href" in attributes:
            target = urlsplit(attributes["href"] or "")
            assert target.scheme in ("https", "mailto")
            assert "@" not in target.netloc
            assert target.netloc or target.scheme == "mailto"
