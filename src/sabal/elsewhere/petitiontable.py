"""Petitions in tables: the staff's export of the UK Parliament's software, and its public list."""

from collections.abc import Iterator, Mapping

from sabal.elsewhere.found import (
    MOST_PETITIONS,
    Arrival,
    Found,
    NotRecognised,
    clean,
    day,
    line,
    number,
    text,
)
from sabal.elsewhere.tables import Table

STAFF = {"action", "background", "additional_details"}
PUBLIC = {"petition", "url", "signatures count"}
SOURCE = "e-petitions"
_USED = {
    *STAFF, "public_url", "signature_count", "updated_at", "government_response_summary", "government_response_details",
    "government_response_at", "debate_overview", "debate_date", "debate_pack_url", "notes",
}  # fmt: skip


def is_of_petitions(table: Table) -> bool:
    """Return whether each row of a table is a petition."""
    names = {name.lower() for name in table.header}
    return names >= STAFF or names >= PUBLIC


def petitions_in(table: Table) -> Iterator[Arrival]:
    """Yield the petition of each row. Raises NotRecognised if they are more than a person can choose from."""
    header = [name.lower() for name in table.header]
    for count, row in enumerate(row for row in table.rows if not row.broken):
        if count >= MOST_PETITIONS:
            raise NotRecognised("large")
        values = dict(zip(header, row.cells, strict=True))
        yield clean(_of_staff(values) if values.keys() >= STAFF else _of_list(values))


def _of_staff(values: Mapping[str, str]) -> Arrival:
    return Arrival(
        source=SOURCE,
        title=line(values["action"]),
        summary=text(values["background"]),
        body=text(values["additional_details"]),
        link=values.get("public_url", ""),
        signatures=number(values.get("signature_count")),
        counted_on=day(values.get("updated_at")),
        materials=tuple(_materials(values)),
        # The notes of the staff and the name of its author are not for another site.
        rest=tuple(
            (name, "…" if "creator" in name else value[:300])
            for name, value in values.items()
            if value and name not in _USED
        ),
    )


def _materials(values: Mapping[str, str]) -> Iterator[Found]:
    said = (values.get(f"government_response_{name}", "") for name in ("summary", "details"))
    if told := "\n\n".join(filter(None, said)):
        yield Found("answer", "Government response", told, day(values.get("government_response_at")))
    if overview := values.get("debate_overview"):
        yield Found(
            "answer", "Debate", overview, day(values.get("debate_date")), values.get("debate_pack_url", "")
        )


def _of_list(values: Mapping[str, str]) -> Arrival:
    return Arrival(
        source=SOURCE,
        title=line(values["petition"]),
        link=values["url"],
        signatures=number(values["signatures count"]),
        rest=tuple((name, value) for name, value in values.items() if name == "state" and value),
    )
