"""Render a petition's Markdown as HTML for a page: CommonMark without HTML and images, then sanitised.

There are two defences on purpose. The parser makes no dangerous HTML, and nh3 would remove it if the parser ever did.
"""

import nh3
from markdown_it import MarkdownIt

from sabal.petitions.definition import PARSER_NESTING
from sabal.petitions.links import is_allowed_link

_INLINE_TAGS = {"a", "br", "code", "em", "strong"}
_TAGS = _INLINE_TAGS | {"blockquote", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_ATTRIBUTES = {"*": set(), "a": {"href"}, "ol": {"start"}}
_SCHEMES = {"https", "mailto"}


def to_html(markdown: str) -> str:
    """Return the HTML of a section's body: paragraphs, quotations, headings from h3 down, https and mailto links."""
    return _sanitised(_PARSER.render(markdown), _TAGS)


def inline_html(text: str) -> str:
    """Return the HTML of one line, such as a demand: emphasis, code and links, without a paragraph."""
    return _sanitised(_PARSER.renderInline(text), _INLINE_TAGS)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": PARSER_NESTING})
    parser.disable("image")
    parser.validateLink = is_allowed_link  # type: ignore[method-assign, assignment]
    return parser


def _sanitised(html: str, tags: set[str]) -> str:
    return nh3.clean(
        html, tags=tags, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer"
    ).rstrip("\n")


_PARSER = _parser()
