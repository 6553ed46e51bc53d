"""The commands `sabal dossier` and `sabal sheets`."""

from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sabal import outfile
from sabal.outfile import OutFile
from sabal.publishing.commands import set_up
from sabal.refusal import Refusal

if TYPE_CHECKING:
    from sabal.dossier.files import PaperFile

_language = "en, fr, ja, ko or zh-hans."
_day = click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Its date. Default: today (UTC)."
)


@click.command()
@click.argument("slug")
@click.option("--recipient", "key", default="", help="The key of the recipient in petition.toml.")
@click.option(
    "--kind", type=click.Choice(["letter", "cover", "press"]), default="letter", help="Default: letter."
)
@click.option("--language", default="", help=f"{_language} Default: the recipient's.")
@click.option("--first", multiple=True, help="A demand that comes first, such as demand-3. Repeatable.")
@click.option("--signed-by", "signers", multiple=True, help="A line below the closing words. Repeatable.")
@click.option("--bundle-url", default="", help="The https address at which its bundle can be downloaded.")
@_day
@click.option("--out", required=True, type=outfile.FILE, help="The file to write: NAME.pdf")
@outfile.force
def dossier(
    slug: str,
    key: str,
    kind: str,
    language: str,
    first: tuple[str, ...],
    signers: tuple[str, ...],
    bundle_url: str,
    day: datetime | None,
    out: Path,
    force: bool,
) -> None:
    """Write the letter to a recipient of a published petition, with its annexes.

    With --kind, write its cover sheet, or the summary for journalists. The numbers are those that the public sees now.
    The same numbers and the same date give the same file.
    """  # fmt: skip
    if bool(key) == (kind == "press"):
        raise click.UsageError(
            "A letter and a cover sheet need --recipient; the summary for journalists has none."
        )
    if bundle_url and not bundle_url.startswith("https://"):
        raise click.UsageError("--bundle-url begins with https://.")
    target = OutFile(out, force)
    target.refuse()
    set_up()
    from sabal import database as raw
    from sabal.dossier import files
    from sabal.dossier.letter import Handover

    handover = Handover(day=_on(day), first=first, signers=signers, bundle_url=bundle_url)
    with closing(raw.connect()) as database:
        petition = files.published_petition(database, slug)
        _refuse_unknown(first, [one.anchor for one in next(iter(petition.definition.texts.values())).demands])
        if kind == "press":
            made = files.press_file(petition, handover, language)
        else:
            made = files.letter_file(database, petition, key, handover, language, kind)
    _write(target, made)


@click.command()
@click.argument("slug")
@click.option("--language", default="", help="A language of the petition. Default: the authoritative one.")
@click.option("--paper", type=click.Choice(["a4", "a3"]), default="a4", help="Default: a4.")
@click.option("--lines", type=int, default=0, help="Lines on each sheet. Default: 14 on A4, 26 on A3.")
@click.option("--number", type=int, default=1, help="How many sheets. Default: 1.")
@click.option("--first", type=int, default=1, help="The number on the first sheet. Default: 1.")
@click.option("--out", required=True, type=outfile.FILE, help="The file to write: NAME.pdf")
@outfile.force
def sheets(
    slug: str, language: str, paper: str, lines: int, number: int, first: int, out: Path, force: bool
) -> None:
    """Write numbered signature sheets for paper."""
    target = OutFile(out, force)
    target.refuse()
    set_up()
    from sabal import database as raw
    from sabal.dossier import files
    from sabal.dossier.sheets import Sheets

    with closing(raw.connect()) as database:
        petition = files.published_petition(database, slug)
    wanted = Sheets(language.lower() or petition.definition.authoritative, paper, lines, first, number)
    _write(target, files.sheets_file(petition, wanted, _on(None)))


def _on(day: datetime | None) -> date:
    return (day or datetime.now(UTC)).date()


def _refuse_unknown(first: tuple[str, ...], anchors: list[str]) -> None:
    for one in first:
        if one not in anchors:
            raise Refusal(
                "There is no demand “%(key)s”. The demands are: %(keys)s.", key=one, keys=", ".join(anchors)
            )


def _write(target: OutFile, made: "PaperFile") -> None:
    target.write([made.data])
    target.say(f"{target}: {len(made.data) / 1000:,.0f} kB, SHA-256 {made.sha256}")
