"""The updates about a petition as files of an exported folder: `updates/NUMBER/` with a text for each language.

They are a copy for people and programs. An import leaves them out: they belong to the petition as it was published.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import tomlkit

from sabal.petitions.frontmatter import join_lines
from sabal.petitions.posts import Posts, PublicPost

FOLDER = "updates"
MOST_PICTURES = 5_000_000  # bytes of all together; an exported folder with more could not be imported again


def post_files(posts: Posts, find: Callable[[str], bytes | None]) -> dict[str, bytes]:
    """Return the files by path. `find` returns the bytes of a picture by its digest. The same posts give the same."""
    files: dict[str, bytes] = {}
    pictures: dict[str, bytes] = {}
    for post in sorted(posts, key=lambda post: post.number):
        folder = f"{FOLDER}/{post.number}"
        files[f"{folder}/update.toml"] = _facts(post).encode()
        for language, text in post.texts.items():
            lines = ["---", f"title: {join_lines(text.title)}"]
            lines += [f"picture_description: {join_lines(text.picture)}"] if text.picture else []
            files[f"{folder}/{language}.md"] = "\n".join([*lines, "---", "", text.body, ""]).encode()
        if post.picture and (data := find(post.picture.digest)):
            pictures[f"{folder}/picture.webp"] = data
    small = sum(map(len, pictures.values())) <= MOST_PICTURES
    return {**files, **pictures} if small else files


def _facts(post: PublicPost) -> str:
    document = tomlkit.document()
    document["public_from"] = _time(post.public_at)
    if post.picture:
        document["picture_sha256"] = post.picture.digest
    corrections = tomlkit.aot()
    for one in post.corrections:
        table = tomlkit.table()
        table["at"] = _time(one.at)
        if one.why:
            table["why"] = dict(one.why)
        corrections.append(table)
    if post.corrections:
        document["corrections"] = corrections
    return tomlkit.dumps(document)


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
