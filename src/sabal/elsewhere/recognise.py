"""Tell by its content what a file from another platform is: petitions, or people who signed one."""

from collections.abc import Iterable
from dataclasses import dataclass

from sabal import strict, textfile
from sabal.elsewhere import people, petitionjson, petitiontable, tables
from sabal.elsewhere.found import MOST_PETITIONS, Arrival, NotRecognised
from sabal.elsewhere.people import Numbers
from sabal.elsewhere.tables import Table

_NO_TEXT = (b"PK\3\4", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\xd0\xcf\x11\xe0", b"{\\rtf")
MOST_BYTES = 12_000_000  # of a file with petitions


@dataclass(frozen=True)
class Recognised:
    """What a file is: the petitions in it, or the numbers of a list of people."""

    petitions: tuple[Arrival, ...] = ()
    people: Numbers | None = None


def recognise(content: bytes) -> Recognised:
    """Read a file. Raises NotRecognised."""
    if len(content) > MOST_BYTES:
        raise NotRecognised("large")
    if not content.strip():
        raise NotRecognised("empty")
    if content.startswith(_NO_TEXT):
        raise NotRecognised("kind")
    if is_json(content):
        return _of_json(content)
    table = tables.read([content])
    if petitiontable.is_of_petitions(table):
        petitions = tuple(petitiontable.petitions_in(table))
        if not petitions:
            raise NotRecognised("empty")
        return Recognised(petitions)
    return Recognised(people=_count(table))


def is_json(beginning: bytes) -> bool:
    """Return whether a file begins as JSON does, in any encoding."""
    start = beginning[:1_000].decode(textfile.encoding_of(beginning[: textfile.BEGINNING]), "replace")
    return start.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def people_of(content: Iterable[bytes]) -> Table:
    """Return the people in a file as a table. Raises NotRecognised if it contains none."""
    pieces = iter(content)
    first = next(pieces, b"")
    if first.startswith(_NO_TEXT):
        raise NotRecognised("kind")
    if is_json(first):
        document = _parsed(b"".join((first, *pieces)))
        if not (found := people.people_in(document)):
            raise NotRecognised("people")
        return people.table_of(found)

    def all_pieces() -> Iterable[bytes]:
        yield first
        yield from pieces

    return _of_people(tables.read(all_pieces()))


def _of_json(content: bytes) -> Recognised:
    document = _parsed(content)
    petitions = []
    for one in petitionjson.petitions_in(document):
        petitions.append(one)
        if len(petitions) > MOST_PETITIONS:
            raise NotRecognised("large")
    if petitions:
        return Recognised(tuple(petitions))
    if found := people.people_in(document):
        return Recognised(people=_count(people.table_of(found)))
    raise NotRecognised("json")


def _parsed(content: bytes) -> object:
    if len(content) > MOST_BYTES:
        raise NotRecognised("large")
    try:
        return strict.parse(textfile.decode(content).encode())
    except (ValueError, textfile.NotText):
        raise NotRecognised("broken") from None


def _of_people(table: Table) -> Table:
    """Return a table that is a list of people. Raises NotRecognised for any other text."""
    names = {name.strip().lower() for name in table.header}
    if len(table.header) < 2 and not names & set(people.EMAIL):
        raise NotRecognised("table")
    return table


def _count(table: Table) -> Numbers:
    numbers = Numbers()
    for _ in people.invitees(_of_people(table), numbers):
        pass
    return numbers
