"""The title of a petition in the language of the reader, and what its newest and its public files say."""

import json
from functools import lru_cache

from django.utils.translation import get_language

from sabal.petitions import folder
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.models import Petition
from sabal.publishing.drafts import newest


def definition_of(petition: Petition) -> Definition | None:
    """Return what the newest files say; None if this version of Sabal refuses them."""
    return _parsed(newest(petition).files)


def public_definition_of(petition: Petition) -> Definition | None:
    """Return what the public reads, or would read of a draft; None if this version of Sabal refuses the files."""
    return _parsed(petition.version.files) if petition.version else None


@lru_cache(maxsize=256)  # reading one takes 15 ms, and a list shows many
def _parsed(files: str) -> Definition | None:
    try:
        return folder.parse(json.loads(files))
    except FolderError:
        return None


def title_of(petition: Petition) -> str:
    """Return the title in the reader's language, else in the authoritative one, else the slug."""
    definition = public_definition_of(petition)
    if definition is None:
        return petition.slug
    language = get_language() or ""
    text = definition.texts.get(language) or definition.texts[definition.authoritative]
    return text.title
