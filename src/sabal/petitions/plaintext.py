"""Markdown as plain text, as a person would have typed it into an email: paragraphs, lists, quotations, whole links."""

from collections.abc import Iterable, Iterator

from markdown_it.tree import SyntaxTreeNode

from sabal.petitions.markdown import tree


def to_plain(markdown: str) -> str:
    """Return the text, without a line end at its end. Lines are as long as their paragraphs."""
    return _blocks(tree(markdown))


def _blocks(nodes: Iterable[SyntaxTreeNode], between: str = "\n\n") -> str:
    return between.join(_block(node) for node in nodes)


def _block(node: SyntaxTreeNode) -> str:
    if node.type in ("bullet_list", "ordered_list"):
        return _list(node)
    if node.type == "blockquote":
        return _before_each("> ", "> ", _blocks(node.children))
    if node.type in ("fence", "code_block"):
        return _before_each("    ", "    ", node.content.rstrip("\n"))
    if node.type == "hr":
        return "* * *"
    return "".join(_words(node.children))  # a paragraph or a heading


def _list(node: SyntaxTreeNode) -> str:
    """Return a list. Its items have empty lines between them if they have in the source."""
    first = int(node.attrs.get("start", 1))
    items = []
    is_tight = all(one.hidden for item in node.children for one in item.children if one.type == "paragraph")
    between = "\n" if is_tight else "\n\n"
    for place, item in enumerate(node.children):
        mark = "- " if node.type == "bullet_list" else f"{first + place}. "
        items.append(_before_each(mark, " " * len(mark), _blocks(item.children, between)))
    return between.join(items)


def _before_each(first: str, others: str, text: str) -> str:
    """Put `first` before the first line of a text, and `others` before all others."""
    return "\n".join((others if place else first) + line for place, line in enumerate(text.split("\n")))


def _words(nodes: Iterable[SyntaxTreeNode]) -> Iterator[str]:
    """Yield the words of a line. After those of a link comes its address, unless they are the address."""
    for node in nodes:
        inside = "".join(_words(node.children)) if node.children else ""
        if node.type == "link":
            address = str(node.attrs.get("href", "")).removeprefix("mailto:")
            yield inside if inside.strip() == address else f"{inside} ({address})"
        elif node.type == "strong":
            yield f"*{inside}*"
        elif node.type in ("softbreak", "hardbreak"):
            yield "\n"
        else:
            yield inside or node.content
