"""A copy of a petition as a new draft: the same text, without its key, its dates and the promises that go with them."""

from collections.abc import Mapping

from sabal.petitions import folder
from sabal.petitions.definition import NO_DATE
from sabal.petitions.editing import with_terms
from sabal.petitions.letters.letter import neutral_word
from sabal.petitions.letters.words import own_words
from sabal.publishing.drafts import with_free_slug


def copied(files: Mapping[str, str], taken: set[str], *, same_organisation: bool) -> dict[str, str]:
    """Return the files of a copy, with a slug that is not in `taken`.

    For another organisation it does not say any more who is responsible. Otherwise the copy would promise things in
    the name of the first one, and would share its newsletter list.
    """
    definition = folder.parse(files)
    hint = neutral_word("".join(files.values()))
    changes: dict[tuple[str, ...], object] = {
        ("organiser_keys",): [],
        ("retention",): NO_DATE,
        ("closes",): None,
        ("endorsers",): None,  # they support the first one
        ("hint",): hint if definition.hint else None,
    }
    if not same_organisation:
        changes[("controller", "key")] = None
        changes[("controller", "privacy_contact")] = own_words(definition.authoritative)["complete"]
        for language in definition.languages:
            for path in (("organiser",), ("controller", "name"), ("controller", "address")):
                changes[*path, language] = own_words(language)["complete"]
    return with_free_slug(with_terms(files, changes), taken)
