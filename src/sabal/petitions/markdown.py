"""Render a petition's Markdown as HTML for a page: CommonMark without HTML and images, then sanitised.

There are two defences on purpose. The parser makes no dangerous HTML, and nh3 would remove it if the parser ever did.
"""

import re
from collections.abc import Iterator

import nh3
from django.utils.html import escape, linebreaks
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from sabal.petitions.definition import PARSER_NESTING
from sabal.petitions.links import is_allowed_link

_INLINE_TAGS = {"a", "br", "code", "em", "strong"}
_TAGS = _INLINE_TAGS | {"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_ATTRIBUTES = {"*": set(), "a": {"href"}, "ol": {"start"}}
_SCHEMES = {"https", "mailto"}
# ASCII alone, so that a Korean particle or a Chinese full stop right behind it is no part of an address.
_BARE = re.compile(r"https://[!-~]{1,2000}", re.IGNORECASE)
_NEVER = re.compile(r"[<>\"`\\^{|}]")  # characters that no address has: it ends before them
_ENDS = ".,:;!?'*_~"  # punctuation of the sentence around an address


def to_html(markdown: str) -> str:
    """Return the HTML of a section's body: paragraphs, quotations, headings from h3 down, https and mailto links.

    An https address that somebody typed as it is becomes a link too.
    """
    return _sanitised(_PARSER.render(markdown), _TAGS)


def inline_html(text: str) -> str:
    """Return the HTML of one line, such as a demand: emphasis, code and links, without a paragraph."""
    return _sanitised(_PARSER.renderInline(text), _INLINE_TAGS)


def plain_html(text: str) -> str:
    """Return text that is no Markdown as HTML: paragraphs, ends of lines, and links where an https address is typed."""
    pieces: list[str] = []
    done = 0
    for start, address in _bare(text):
        pieces.append(escape(text[done:start]))
        pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        done = start + len(address)
    pieces.append(escape(text[done:]))
    return _sanitised(linebreaks("".join(pieces)), _INLINE_TAGS | {"p"})


def tree(markdown: str) -> list[SyntaxTreeNode]:
    """Return the parsed body of a section, for what is not HTML. It has the nodes that `to_html` renders."""
    return SyntaxTreeNode(_PARSER.parse(markdown)).children


def inline_tree(text: str) -> list[SyntaxTreeNode]:
    """Return one parsed line, for what is not HTML."""
    return SyntaxTreeNode(_PARSER.parseInline(text)).children


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": PARSER_NESTING})
    parser.disable("image")
    parser.core.ruler.push("bare_links", _link_bare)
    parser.validateLink = is_allowed_link  # type: ignore[method-assign, assignment]
    return parser


def _link_bare(state: StateCore) -> None:
    """Make links of addresses that were typed as they are.

    A demand is rendered inline and gets no links, so it stays as it was signed.
    """
    if state.inlineMode:
        return
    for block in state.tokens:
        if block.type == "inline" and block.children and "https://" in block.content.lower():
            inside = 0
            children: list[Token] = []
            for token in block.children:
                inside += token.nesting if token.type in ("link_open", "link_close") else 0
                children += [token] if inside or token.type != "text" else _with_links(token)
            block.children = children


def _with_links(token: Token) -> Iterator[Token]:
    """Yield the tokens of a text: the addresses in it as links, and what is between them."""
    text, done = token.content, 0
    for start, address in _bare(text):
        if before := text[done:start]:
            yield Token("text", "", 0, content=before, level=token.level)
        yield Token("link_open", "a", 1, attrs={"href": address}, level=token.level, info="auto")
        yield Token("text", "", 0, content=address, level=token.level + 1)
        yield Token("link_close", "a", -1, level=token.level, info="auto")
        done = start + len(address)
    if rest := text[done:]:
        yield Token("text", "", 0, content=rest, level=token.level)


def _bare(text: str) -> Iterator[tuple[int, str]]:
    """Yield where each address in a text begins, and the address."""
    for found in _BARE.finditer(text):
        address = _without_its_end(found.group())
        if is_allowed_link(address):
            yield found.start(), address


def _without_its_end(address: str) -> str:
    """Return an address without the punctuation that belongs to the sentence around it."""
    address = _NEVER.split(address, maxsplit=1)[0]
    while address:
        opened = {")": "(", "]": "["}.get(address[-1])
        unpaired = opened is not None and address.count(address[-1]) > address.count(opened)
        if address[-1] not in _ENDS and not unpaired:
            break
        address = address[:-1]
    return address


def _sanitised(html: str, tags: set[str]) -> str:
    return nh3.clean(
        html, tags=tags, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer"
    ).rstrip("\n")


_PARSER = _parser()
