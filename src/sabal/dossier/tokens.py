"""Texts that people wrote, as the tree that the templates of papers walk: strings, and dictionaries with a kind `t`.

No text ever becomes Typst source. A kind that a template does not know is left out there, so this module gives only
those that paper.typ has.
"""

from markdown_it.tree import SyntaxTreeNode

from sabal.dossier.languages import Node, part
from sabal.petitions import markdown

_LISTS = {"bullet_list": "list", "ordered_list": "enum"}


def blocks(text: str) -> list[Node]:
    """Return the Markdown of a section as paragraphs, lists, quotations and headings."""
    return [_block(node) for node in markdown.tree(text)]


def inline(text: str) -> list[Node]:
    """Return one line of Markdown, such as a demand."""
    return _inline(markdown.inline_tree(text))


def link(url: str) -> Node:
    """Return a link that shows its own address."""
    return {"t": "link", "href": url, "c": [url]}


def spoken(words: str, language: str) -> Node:
    """Return words in another language than the sentence around them."""
    return {"t": "spoken", "part": part(language), "c": [words]}


def code(words: str) -> Node:
    """Return words that are copied by hand, such as a hash: in letters of one width."""
    return {"t": "code", "s": words}


def _block(node: SyntaxTreeNode) -> Node:
    if node.type == "heading":
        return {"t": "heading", "c": _inline(node.children)}
    if node.type == "paragraph":
        return {"t": "p", "c": _inline(node.children)}
    if node.type in ("fence", "code_block"):
        return {"t": "code", "s": node.content}
    if node.type == "hr":
        return {"t": "rule"}
    if node.type in _LISTS:
        items = [[_block(inner) for inner in item.children] for item in node.children]
        return {"t": _LISTS[node.type], "start": int(node.attrs.get("start", 1)), "c": items}
    return {"t": "quote", "c": [_block(inner) for inner in node.children]}


def _inline(nodes: list[SyntaxTreeNode]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        if node.type == "inline":
            found += _inline(node.children)
        elif node.type == "text":
            found += [node.content] if node.content else []
        elif node.type == "softbreak":
            found.append(" ")
        elif node.type == "hardbreak":
            found.append({"t": "break"})
        elif node.type == "code_inline":
            found.append(code(node.content))
        elif node.type == "link":
            found.append({"t": "link", "href": str(node.attrs["href"]), "c": _inline(node.children)})
        else:
            found.append({"t": node.type, "c": _inline(node.children)})  # strong, em
    return found
