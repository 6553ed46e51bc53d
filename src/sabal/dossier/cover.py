"""The cover sheet of what is handed over: what it holds, and a part that the recipient fills in and returns."""

from sabal.dossier import numbers
from sabal.dossier.languages import words_in
from sabal.dossier.letter import Handover, addressee, reference_of
from sabal.dossier.paper import Paper, common, text_language
from sabal.petitions.definition import Recipient
from sabal.petitions.snapshot import PetitionSnapshot


def cover(petition: PetitionSnapshot, recipient: Recipient, language: str, handover: Handover) -> Paper:
    """Return the cover sheet for one recipient, in one of `LANGUAGES`."""
    words, definition = words_in(language), petition.definition
    reference = reference_of(petition, recipient, handover)
    title = definition.texts[text_language(petition, words)].title
    enclosed = [words["cover_letter"]]
    if handover.bundle:
        bundle = handover.bundle
        enclosed.append(words.say("cover_bundle", name=bundle.name, sha256=bundle.sha256))
    data = common(petition, words, handover.day, title=f"{words['cover']}: {title}", reference=reference)
    data |= {
        "recipient": addressee(recipient, words, definition.authoritative, handover),
        "subject": title,
        "meta": [(words["date"], words.day(handover.day)), (words["reference"], reference)],
        "sentence": numbers.count_sentence(petition, words, handover.day),
        "enclosed": [*enclosed, words["cover_other"]],
        "fields": [words[key] for key in ("receipt_on", "receipt_by", "receipt_file", "receipt_stamp")],
    }
    return Paper("cover", data)
