"""The summary for journalists, on one page: who asks what of whom, the number, and what it rests on."""

from sabal.dossier import numbers, tokens
from sabal.dossier.languages import words_in
from sabal.dossier.letter import Handover, shown
from sabal.dossier.paper import Paper, code_of, common, page_url, text_language, verify_url
from sabal.petitions.snapshot import PetitionSnapshot

MOST_DEMANDS, MOST_RECIPIENTS, MOST_COUNTRIES = 8, 12, 6


def press(petition: PetitionSnapshot, language: str, handover: Handover) -> Paper:
    """Return the summary, in one of `LANGUAGES`. It names no recipient in particular."""
    words, definition = words_in(language), petition.definition
    spoken = text_language(petition, words)
    text = definition.texts[spoken]
    url, verify = page_url(petition, words), verify_url(words)
    is_counted = not petition.gathering and petition.counts.confirmed > 0
    found = numbers.countries(petition, words, MOST_COUNTRIES)
    reference = f"{petition.slug} / {handover.day:%Y%m%d}"
    data = common(petition, words, handover.day, title=f"{words['press']}: {text.title}", reference=reference)
    data |= {
        "date": words.day(handover.day),
        "subject": text.title,
        "lead": text.summary,
        "number": words.count("number", petition.counts.counted) if is_counted else "",
        "counted_on": words.say("counted_on", date=words.day(handover.day)),
        "sentence": "" if is_counted else numbers.count_sentence(petition, words, handover.day),
        "checked": words.nodes("press_count", url=tokens.link(verify)),
        "recipients": [one.name[spoken] for one in definition.recipients[:MOST_RECIPIENTS]],
        "more_recipients": len(definition.recipients) > MOST_RECIPIENTS,
        "demands": shown(text.demands[:MOST_DEMANDS], parts=False),
        "more_demands": len(text.demands) > MOST_DEMANDS,
        "chart": numbers.growth(petition, words, handover.day),
        "countries": found,
        "whole_text": words.nodes("sheet_text", url=tokens.link(url)),
        "qr": code_of(url),
        "qr_alt": words.say("qr_alt", url=url),
    }
    return Paper("press", data)
