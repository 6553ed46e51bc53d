"""Petitions in JSON: the format of the UK Parliament's site, which ours extends, our manifest, and OSDI."""

from collections.abc import Iterator, Mapping
from typing import Any

from sabal.elsewhere.found import Arrival, Found, clean, day, line, number
from sabal.elsewhere.markup import plain

Values = Mapping[str, Any]
UK, OURS, OSDI = "UK petitions JSON", "Sabal", "OSDI"
# What becomes a part of the draft, or is shown by a name of its own.
_UK_USED = {
    "action", "background", "additional_details", "signature_count", "departments", "government_response", "debate",
    "other_parliamentary_business", "committee_note", "rejection", "texts", "recipients", "languages",
    "signatures_on_paper_and_elsewhere",
}  # fmt: skip
_OSDI_USED = {
    "title", "name", "summary", "description", "petition_text", "target", "total_signatures", "browser_url",
    "identifiers", "_links", "_embedded",
}  # fmt: skip
_PERSONAL = ("creator", "sponsor", "modified_by", "email", "person")


def petitions_in(document: Any) -> Iterator[Arrival]:
    """Yield the petitions of a JSON document; none if it is of no known form."""
    if isinstance(document, list):
        for one in document:
            yield from petitions_in(one)
    elif not isinstance(document, dict):
        return
    elif isinstance(document.get("terms"), dict) and "text" in document["terms"]:
        yield clean(_of_manifest(document["terms"]))
    elif _is_uk(document):
        yield clean(_of_uk(document["attributes"], document))
    elif isinstance(document.get("data"), list):
        yield from petitions_in(document["data"])
    elif isinstance(document.get("data"), dict):
        yield from petitions_in({"links": document.get("links"), **document["data"]})
    elif isinstance(document.get("_embedded"), dict) and "osdi:petitions" in document["_embedded"]:
        yield from petitions_in(document["_embedded"]["osdi:petitions"])
    elif _is_osdi(document):
        yield clean(_of_osdi(document))


def _is_uk(document: Values) -> bool:
    attributes = document.get("attributes")
    return isinstance(attributes, dict) and isinstance(attributes.get("action"), str)


def _is_osdi(document: Values) -> bool:
    titled = any(isinstance(document.get(name), str) for name in ("title", "name"))
    return titled and any(
        name in document for name in ("petition_text", "total_signatures", "description", "target")
    )


def _of_uk(attributes: Values, document: Values) -> Arrival:
    ours = isinstance(attributes.get("texts"), dict) and bool(attributes.get("manifest_sha256"))
    links = attributes.get("links") or document.get("links")
    address = links.get("self") if isinstance(links, dict) else ""
    return Arrival(
        source=OURS if ours else UK,
        title=line(attributes["action"]),
        summary=_text(attributes.get("background")),
        body=_text(attributes.get("additional_details")),
        recipients=tuple(line(one.get("name")) for one in _dicts(attributes.get("departments"))),
        link=str(address or "").removesuffix(".json"),
        signatures=number(attributes.get("signature_count")),
        counted_on=day(attributes.get("updated_at")),
        materials=tuple(_uk_materials(attributes)),
        rest=tuple(_rest(attributes, _UK_USED)),
        own={name: attributes.get(name) for name in ("texts", "recipients")} if ours else {},
    )


def _uk_materials(attributes: Values) -> Iterator[Found]:
    if isinstance(answer := attributes.get("government_response"), dict):
        told = "\n\n".join(filter(None, (_text(answer.get("summary")), _text(answer.get("details")))))
        yield Found("answer", "Government response", told, day(answer.get("responded_on")))
    if isinstance(debate := attributes.get("debate"), dict):
        addresses = [str(value) for name, value in debate.items() if name.endswith("_url") and value]
        told = "\n\n".join(filter(None, (_text(debate.get("overview")), "\n".join(addresses))))
        link = debate.get("debate_pack_url") or debate.get("transcript_url")
        yield Found("answer", "Debate", told, day(debate.get("debated_on")), str(link or ""))
    for one in _dicts(attributes.get("other_parliamentary_business")):
        yield Found("update", line(one.get("subject")), _text(one.get("body")), day(one.get("occurred_on")))
    if note := _text(attributes.get("committee_note")):
        yield Found("note", "Note of the committee", note)
    if isinstance(refused := attributes.get("rejection"), dict):
        yield Found("note", f"Rejected: {line(refused.get('code'))}", _text(refused.get("details")))


def _of_osdi(document: Values) -> Arrival:
    names = (document.get("title"), document.get("name"))
    bodies = [_text(document.get(name)) for name in ("petition_text", "description")]
    return Arrival(
        source="Action Network" if _is_action_network(document) else OSDI,
        title=next(filter(None, map(line, names)), ""),
        summary=_text(document.get("summary")),
        body=bodies[0] or bodies[1],
        recipients=tuple(line(one.get("name")) for one in _dicts(document.get("target"))),
        link=str(document.get("browser_url") or ""),
        signatures=number(document.get("total_signatures")),
        counted_on=day(document.get("modified_date")),
        # With a text of its own, the description is an introduction for readers.
        materials=(Found("note", "Description", bodies[1]),) if bodies[0] and bodies[1] else (),
        rest=tuple(_rest(document, _OSDI_USED)),
    )


def _is_action_network(document: Values) -> bool:
    identifiers = document.get("identifiers")
    return isinstance(identifiers, list) and any(
        str(one).startswith("action_network:") for one in identifiers
    )


def _of_manifest(terms: Values) -> Arrival:
    names = [one.get("name") for one in _dicts(terms.get("recipients"))]
    language = line(terms.get("language"))
    spoken = [one.get(language) or next(iter(one.values()), "") for one in names if isinstance(one, dict)]
    return Arrival(
        source=OURS,
        title=line(terms.get("petition")),
        recipients=tuple(map(line, spoken)),
        rest=tuple(_rest(terms, {"text", "language", "petition", "recipients"})),
        own={"file": terms["text"], "language": language, "recipients": terms.get("recipients")},
    )


def _rest(values: Values, used: set[str]) -> Iterator[tuple[str, str]]:
    """Yield what is not used, without what is empty, and without what may name a person."""
    for name, value in values.items():
        if name in used or value in (None, "", [], {}) or name.startswith("_"):
            continue
        if any(word in name for word in _PERSONAL):
            yield name, "…"
        elif isinstance(value, list):
            yield name, f"{len(value)} ×"
        elif isinstance(value, dict):
            yield name, ", ".join(map(str, value))[:300]
        else:
            yield name, str(value)[:300]


def _text(value: object) -> str:
    return plain(value) if isinstance(value, str) else ""


def _dicts(value: object) -> list[Values]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
