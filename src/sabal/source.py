"""Where the source of this server can be had."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from sabal import settings

_CHECKOUT = Path(__file__).parents[2] / "pyproject.toml"


def source_url() -> str:
    """Return SABAL_SOURCE_URL, or the project's own address; "" if it is no web address."""
    url = settings.SOURCE_URL or project_url()
    return url if url.startswith(("https://", "http://")) else ""


@cache
def project_url() -> str:
    """Return the `Source` of `[project.urls]` in pyproject.toml, or "" if it names none.

    A checkout is read itself, because an installation of it keeps the address of the day when it was made.
    """
    if _CHECKOUT.is_file():
        project = tomllib.loads(_CHECKOUT.read_text(encoding="utf-8"))["project"]
        return str(project.get("urls", {}).get("Source", ""))
    try:
        urls = metadata("sabal").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((str(url).partition(", ")[2] for url in urls if str(url).startswith("Source, ")), "")
