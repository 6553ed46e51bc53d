"""The letter to one recipient: what is asked, then the text as signed, the numbers, and how to check them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sabal.dossier import numbers, tokens
from sabal.dossier.bundle import BundleFile
from sabal.dossier.languages import Node, PaperWords, language_for, part, words_in
from sabal.dossier.paper import Paper, code_of, common, page_url, text_language, verify_url
from sabal.dossier.verdict import verdict
from sabal.ledger.policy import log_key
from sabal.petitions.definition import Demand, Recipient, Section
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal
from tlog import checkpoint

MOST_PARTS = (
    15  # demands with their parts on the first pages; if there are more, the annex alone has the parts
)


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What one letter says beyond the petition.

    `first` are anchors of the demands that come first, such as "demand-3". `name` is that of a member of a group, whose
    `member` key is then in the reference. `address` are the lines below the name of the recipient, and `signers` those
    below the closing words. `bundle_url` is where the bundle can be downloaded.
    """

    day: date
    first: Sequence[str] = ()
    name: str = ""
    member: str = ""
    address: Sequence[str] = ()
    signers: Sequence[str] = ()
    bundle: BundleFile | None = None
    bundle_url: str = ""


def recipient_of(petition: PetitionSnapshot, key: str) -> Recipient:
    """Return the recipient of that key. Raises Refusal, which names the keys that there are."""
    recipients = petition.definition.recipients
    found = next((one for one in recipients if one.key == key), None)
    if found is None:
        keys = ", ".join(one.key for one in recipients)
        raise Refusal("There is no recipient “%(key)s”. The recipients are: %(keys)s.", key=key, keys=keys)
    return found


def language_to(petition: PetitionSnapshot, recipient: Recipient, wanted: str = "") -> str:
    """Return the language of a letter: the one that is wanted, else the recipient's, else the authoritative one."""
    return language_for(wanted or recipient.language, petition.definition.authoritative)


def reference_of(petition: PetitionSnapshot, recipient: Recipient, handover: Handover) -> str:
    """Return what an answer can refer to. The same letter always has the same."""
    whom = f"{recipient.key}/{handover.member}" if handover.member else recipient.key
    return f"{petition.slug} / {whom} / {handover.day:%Y%m%d}"


def letter(petition: PetitionSnapshot, recipient: Recipient, language: str, handover: Handover) -> Paper:
    """Return the letter to a recipient, in one of `LANGUAGES`. The same arguments always give the same paper."""
    words, definition = words_in(language), petition.definition
    spoken = text_language(petition, words)
    reference = reference_of(petition, recipient, handover)
    title = definition.texts[spoken].title
    data = common(petition, words, handover.day, title=title, reference=reference)
    data |= {
        "recipient": addressee(recipient, words, definition.authoritative, handover),
        "date": words.day(handover.day),
        "opening": _opening(petition, words, handover.day, title, spoken),
        "asked": _asked(definition.texts[spoken].demands, words, handover.first),
        "after": [words.nodes("answer", url=tokens.link(page_url(petition, words)))],
        "signers": list(handover.signers) or [str(data["organisation"])],
        "annex_text": _text(petition, words, spoken),
        "annex_numbers": _numbers(petition, words, handover.day),
        "annex_check": _check(petition, words, handover),
        "qr": code_of(verify_url(words)),
        "qr_alt": words.say("qr_alt", url=verify_url(words)),
    }
    return Paper("letter", data)


def addressee(
    recipient: Recipient, words: PaperWords, authoritative: str, handover: Handover
) -> dict[str, object]:
    """Return the name of a recipient in the language of the paper, or else in the authoritative one, and its lines."""
    language = words.language if handover.name or words.language in recipient.name else authoritative
    name = handover.name or recipient.name[language]
    return {"name": words.say("addressee", name=name), "lines": list(handover.address)} | part(language)


def _opening(
    petition: PetitionSnapshot, words: PaperWords, day: date, title: str, spoken: str
) -> list[list[Node]]:
    named: Node = title if spoken == words.language else tokens.spoken(title, spoken)
    first = [
        *words.nodes("submit", title=named),
        words["between"],
        numbers.count_sentence(petition, words, day),
    ]
    return [first, [words["no_names"]]] if petition.definition.recipients_get == "count" else [first]


def _asked(demands: Sequence[Demand], words: PaperWords, first: Sequence[str]) -> list[dict[str, object]]:
    """Return the demands in one group, or in two if some come first."""
    chosen = [one for one in demands if one.anchor in first]
    if not chosen or len(chosen) == len(demands):
        in_full = sum(1 + len(one.parts) for one in demands) <= MOST_PARTS
        return [{"lead": words["asks"], "demands": shown(demands, parts=in_full)}]
    others = [one for one in demands if one not in chosen]
    return [
        {"lead": words["asks_first"], "demands": shown(chosen)},
        {"lead": words["also_asks"], "demands": shown(others, parts=False)},
    ]


def shown(demands: Sequence[Demand], *, parts: bool = True) -> list[dict[str, object]]:
    """Return demands with the numbers that they have on the petition's page."""
    return [
        {
            "number": ".".join(one.anchor.split("-")[1:]),
            "text": tokens.inline(one.text),
            "parts": shown(one.parts) if parts else [],
        }
        for one in demands
    ]


def _text(petition: PetitionSnapshot, words: PaperWords, spoken: str) -> dict[str, object]:
    """Return the text as it was signed, and which text it is."""
    definition = petition.definition
    text = definition.texts[spoken]
    notes = []
    if spoken != words.language:
        names = words.name_of(words.language), words.name_of(spoken)
        notes.append(words.say("authoritative", wanted=names[0], language=names[1]))
    elif spoken != definition.authoritative:
        notes.append(words.say("translation", language=words.name_of(definition.authoritative)))
    if petition.amended_on:
        notes.append(words.say("amended", date=words.day(petition.amended_on)))
    return {
        "notes": notes,
        "fingerprint": words.nodes("fingerprint", hash=tokens.code(petition.manifest_hash.hex())),
        "title": text.title,
        "recipients": [one.name[spoken] for one in definition.recipients],
        "subject": text.subject,
        "sections": _sections(text.sections),
        "demands_heading": text.demands_heading,
        "demands": shown(text.demands),
        "closing": _sections(text.closing),
        "endorsers": list(definition.endorsers),
    }


def _sections(sections: Sequence[Section]) -> list[dict[str, object]]:
    return [{"heading": one.heading, "body": tokens.blocks(one.body)} for one in sections]


def _numbers(petition: PetitionSnapshot, words: PaperWords, day: date) -> dict[str, object]:
    chart = numbers.growth(petition, words, day)
    kept = not petition.profile.public_history and not petition.gathering
    return {
        "day": words.say("counted_on", date=words.day(day)),
        "sentence": numbers.count_sentence(petition, words, day),
        "totals": numbers.totals(petition, words),
        "chart": chart,
        "no_chart": words["growth_kept"] if kept else "",
        "countries": numbers.countries(petition, words),
    }


def _check(petition: PetitionSnapshot, words: PaperWords, handover: Handover) -> dict[str, object]:
    """Return how the number is checked. Without a checkpoint there is nothing to check yet."""
    url = tokens.link(verify_url(words))
    if not petition.counts.checkpoint:
        return {"without": words.nodes("check_without", url=tokens.link(page_url(petition, words)))}
    root = checkpoint.peek(petition.counts.checkpoint)
    bundle = handover.bundle
    name = bundle.name if bundle else f"{petition.slug}-log.zip"
    steps: list[list[Node]] = []
    if bundle:
        file, sha = tokens.code(name), tokens.code(bundle.sha256)
        steps.append(words.nodes("check_bundle", name=file, sha256=sha))
        steps[-1] += _download(words, handover.bundle_url, bundle)
    else:
        steps.append(words.nodes("check_ask", name=tokens.code(name)))
    steps.append([words["check_open"]])
    return {
        "steps": steps,
        "qr": code_of(bundle.url) if bundle and bundle.url and not handover.bundle_url else None,
        "qr_alt": words["qr_file_alt"],
        "says": words["check_says"],
        "verdict": None if petition.gathering else verdict(petition, words),
        "page": words.nodes("check_page", url=url),
        "limits": words["limits"],
        "key": words.nodes("key", key=tokens.code(str(log_key(petition.manifest)))),
        "root": words.nodes("root", size=words.number(root.size), root=tokens.code(root.root.hex()))
        if not petition.gathering
        else None,
    }


def _download(words: PaperWords, own_url: str, bundle: BundleFile) -> list[Node]:
    """Return where the bundle can be downloaded: from the organiser's address, or else from this site."""
    if own_url:
        return [words["between"], *words.nodes("check_bundle_link", url=tokens.link(own_url))]
    if bundle.url and bundle.until:
        until = words.day(bundle.until)
        return [words["between"], *words.nodes("check_bundle_until", date=until, url=tokens.link(bundle.url))]
    return []
