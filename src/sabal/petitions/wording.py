"""Read LANG.md: front matter, sections, the demands, which are the only list of the file, and the closing text."""

import re
from collections.abc import Iterator, Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from sabal.petitions.definition import NESTING, PARSER_NESTING, Demand, Problem, Section, Text
from sabal.petitions.frontmatter import join_lines, read_front_matter
from sabal.petitions.links import is_allowed_link

HEADING_LENGTH = 200
DEMAND_LENGTH = 3000
DEMANDS = 200
# For each bracket the parser searches for the matching one. With 200,000 brackets that took half a minute.
BRACKETS = 2000


def parse_text(language: str, source: str, problems: list[Problem]) -> tuple[Text, Mapping[str, int]]:
    """Read `source`, whose line ends are already "\\n". Return the text and the line of each demand's anchor.

    Append to `problems`, and leave wrong parts out of the text.
    """
    return _TextReader(f"{language}.md", source, problems).read(language)


def has_too_many_brackets(markdown: str) -> bool:
    """Return whether it would take the parser too long to look for the end of each bracket."""
    opening = [match for match in re.findall(r"\\.|\[", markdown) if match == "["]
    return len(opening) > BRACKETS


class _TextReader:
    def __init__(self, file: str, source: str, problems: list[Problem]) -> None:
        self.file, self.source, self.problems = file, source, problems
        self.lines = source.split("\n")
        self.demand_lines: dict[str, int] = {}

    def problem(self, line: int, sentence: str) -> None:
        self.problems.append(Problem(self.file, line, sentence))

    def read(self, language: str) -> tuple[Text, Mapping[str, int]]:
        front, self.offset = read_front_matter(self.lines, self.problem)
        sections: list[Section] = []
        heading: str = ""
        demands: tuple[Demand, ...] = ()
        closing: list[Section] = []
        body = "\n".join(self.lines[self.offset :])
        if has_too_many_brackets(body):
            self.problem(
                self.offset + 1, f"There are more than {BRACKETS} opening brackets ([) in this file."
            )
        else:
            tokens, env = _parse(body)
            if self._check_tokens(tokens, env):
                sections, heading, demands, closing = self._sections(SyntaxTreeNode(tokens).children)
        text = Text(
            language=language,
            title=front["title"],
            summary=front["summary"],
            sections=tuple(sections),
            demands_heading=heading,
            demands=demands,
            closing=tuple(closing),
            subject=front["subject"],
            sign_invitation=front["sign_invitation"],
            newsletter_invitation=front["newsletter_invitation"],
            notice=front["notice"],
            confirm_email=front["confirm_email"],
            thanks=front["thanks"],
            picture_description=front["picture_description"],
        )
        return text, self.demand_lines

    # Markdown that is refused everywhere

    def _check_tokens(
        self, tokens: Sequence[Token], env: Mapping[str, Mapping[str, Mapping[str, Sequence[int]]]]
    ) -> bool:
        """Note Markdown that a petition must not have. Return False if it is nested too deeply to continue."""
        depth, line = 0, self.offset + 1
        for token in tokens:
            if token.map:
                line = self.offset + token.map[0] + 1
            if token.type in ("bullet_list_open", "ordered_list_open", "blockquote_open"):
                depth += 1
            elif token.type in ("bullet_list_close", "ordered_list_close", "blockquote_close"):
                depth -= 1
            if depth > NESTING:
                self.problem(line, f"Lists and quotations are nested deeper than {NESTING}.")
                return False
            if token.type == "html_block":
                self.problem(
                    line, "HTML is not allowed. Write Markdown, or put a backslash before a < that is meant."
                )
            self._check_inline(token.children or (), line)
        for reference in env.get("references", {}).values():
            self.problem(
                self.offset + reference["map"][0] + 1, "Write the link where it is used: [words](https://…)."
            )
        return True

    def _check_inline(self, tokens: Sequence[Token], line: int) -> None:
        for token in tokens:
            if token.type in ("softbreak", "hardbreak"):
                line += 1
            elif token.type == "html_inline":
                self.problem(
                    line, "HTML is not allowed. Write Markdown, or put a backslash before a < that is meant."
                )
            elif token.type == "image":
                self.problem(line, "Images are not allowed.")
            elif token.type == "link_open" and not is_allowed_link(str(token.attrs.get("href", ""))):
                self.problem(line, "A link must begin with https:// or mailto: and have an address after it.")

    # Sections and demands

    def _sections(
        self, nodes: Sequence[SyntaxTreeNode]
    ) -> tuple[list[Section], str, tuple[Demand, ...], list[Section]]:
        """Return the sections before the demands, the demands with their heading, and the closing text after them."""
        sections: list[Section] = []
        closing: list[Section] = []
        demands_heading: str = ""
        demands: tuple[Demand, ...] = ()
        demands_line = 0
        for heading, inside in self._split_at_headings(nodes):
            title = self._heading(heading) if heading else ""
            lists = [node for node in inside if node.type in ("bullet_list", "ordered_list")]
            if demands_line and lists:
                self.problem(
                    self._line(lists[0]),
                    f"This is a second list: the demands in line {demands_line} are the only list of the file.",
                )
            elif lists:
                demands_line = self._line(lists[0])
                after = inside[inside.index(lists[0]) + 1 :]
                demands_heading, demands = title, self._demand_section(heading, inside, lists)
                if after and len(lists) == 1:
                    closing.append(Section("", self._source(lists[0], after)))
                    if not any(_has_words(node) for node in after):
                        self.problem(self._line(after[0]), "After the demands there is nothing to read here.")
            elif heading:
                (closing if demands_line else sections).append(Section(title, self._body(heading, inside)))
            for node in inside:
                self._refuse_inner_list(node)
        if not demands_line:
            self.problem(len(self.lines), "There is no list with the demands.")
        return sections, demands_heading, demands, closing

    def _split_at_headings(
        self, nodes: Sequence[SyntaxTreeNode]
    ) -> Iterator[tuple[SyntaxTreeNode | None, list[SyntaxTreeNode]]]:
        heading: SyntaxTreeNode | None = None
        inside: list[SyntaxTreeNode] = []
        for node in nodes:
            if node.type != "heading" or node.tag not in ("h1", "h2"):
                inside.append(node)
                continue
            if heading or inside:
                yield heading, inside
            if node.tag == "h1":
                self.problem(
                    self._line(node),
                    "Headings have two # here (##). The title is at the top of the file.",
                )
            heading, inside = node, []
        if heading or inside:
            yield heading, inside
        first = nodes[0] if nodes else None
        if first and (first.type != "heading" or first.tag not in ("h1", "h2")):
            self.problem(
                self._line(first),
                "This text is before the first heading. Begin with a line such as ## Background.",
            )

    def _heading(self, node: SyntaxTreeNode) -> str:
        pieces = [piece for inline in node.children for piece in inline.children]
        if any(piece.type not in ("text", "softbreak") for piece in pieces):
            self.problem(self._line(node), "A heading is plain text, without emphasis, code or links.")
        text = join_lines("".join(piece.content or "\n" for piece in pieces))
        if not text:
            self.problem(self._line(node), "This heading is empty.")
        elif len(text) > HEADING_LENGTH:
            self.problem(self._line(node), f"This heading is longer than {HEADING_LENGTH} characters.")
        return text

    def _body(self, heading: SyntaxTreeNode, inside: Sequence[SyntaxTreeNode]) -> str:
        if not inside or not heading.map:
            self.problem(self._line(heading), "There is nothing beneath this heading.")
            return ""
        return self._source(heading, inside)

    def _source(self, before: SyntaxTreeNode, nodes: Sequence[SyntaxTreeNode]) -> str:
        """Return the lines of `nodes`, which follow the node `before`."""
        start = self.offset + (before.map[1] if before.map else 0)
        end = self.offset + max(node.map[1] for node in nodes if node.map)
        return "\n".join(self.lines[start:end]).strip("\n")

    def _demand_section(
        self,
        heading: SyntaxTreeNode | None,
        inside: Sequence[SyntaxTreeNode],
        lists: Sequence[SyntaxTreeNode],
    ) -> tuple[Demand, ...]:
        for node in inside[: inside.index(lists[0])]:
            self.problem(
                self._line(node), "Between the heading of the demands and their list nothing is allowed."
            )
        if len(lists) > 1:
            self.problem(
                self._line(lists[1]), "This is a second list. The demands are the only list of the file."
            )
        demands = self._demands(lists[0], "demand")
        if len(self.demand_lines) > DEMANDS:
            self.problem(self._line(lists[0]), f"There are more than {DEMANDS} demands and parts.")
        return demands

    def _demands(self, node: SyntaxTreeNode, anchor: str) -> tuple[Demand, ...]:
        return tuple(self._demand(item, f"{anchor}-{n}") for n, item in enumerate(node.children, 1))

    def _demand(self, item: SyntaxTreeNode, anchor: str) -> Demand:
        self.demand_lines[anchor] = line = self._line(item)
        text = ""
        parts: tuple[Demand, ...] = ()
        first = item.children[0] if item.children else None
        if first and first.type == "paragraph":
            text = join_lines(first.children[0].content)
        if not text:
            self.problem(line, "This demand has no text.")
        elif len(text) > DEMAND_LENGTH:
            self.problem(line, f"This demand is longer than {DEMAND_LENGTH} characters.")
        for node in item.children[1:] if text else item.children:
            if node.type in ("bullet_list", "ordered_list") and not parts:
                parts = self._demands(node, anchor)
            elif node is not first or text:
                self.problem(
                    self._line(node), "A demand is one paragraph and, below it, one list of its parts."
                )
        return Demand(anchor, text, parts)

    def _refuse_inner_list(self, node: SyntaxTreeNode) -> None:
        if node.type in ("bullet_list", "ordered_list"):
            return
        for inner in node.walk(include_self=False):
            if inner.type in ("bullet_list", "ordered_list"):
                self.problem(
                    self._line(inner),
                    "This is a list in a quotation. The demands are the only list of the file.",
                )
                return

    def _line(self, node: SyntaxTreeNode) -> int:
        return self.offset + (node.map[0] if node.map else 0) + 1


def _has_words(node: SyntaxTreeNode) -> bool:
    return any(
        inner.content.strip() for inner in node.walk() if inner.type in ("inline", "code_block", "fence")
    )


def _parse(body: str) -> tuple[list[Token], Mapping[str, Mapping[str, Mapping[str, Sequence[int]]]]]:
    # Allow HTML and all links here, so that they can be reported as problems. markdown.py, which renders the pages,
    # allows neither.
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": PARSER_NESTING})
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    env: dict[str, Mapping[str, Mapping[str, Sequence[int]]]] = {}
    return parser.parse(body, env), env
