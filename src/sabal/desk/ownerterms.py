"""What a new petition says of its organisation from the beginning: name, address and contact."""

from collections.abc import Mapping

from sabal.accounts.models import Organisation
from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE, Definition, FolderError
from sabal.petitions.editing import with_terms
from sabal.petitions.links import is_email_address


def with_owner(files: Mapping[str, str], organisation: Organisation) -> dict[str, str]:
    """Return the files with what is known of the organisation where they say nothing yet.

    What the terms cannot have, such as an imprint that is too long, is left out.
    """
    found = dict(files)
    for path, value in _known(folder.parse(files), organisation).items():
        tried = with_terms(found, {path: value})
        try:
            folder.parse(tried)
        except FolderError:
            continue
        found = tried
    return found


def _known(definition: Definition, organisation: Organisation) -> dict[tuple[str, ...], str]:
    """Return the values by their path, of those that are still to be completed."""
    controller, known = definition.controller, dict[tuple[str, ...], str]()
    for language in definition.languages:
        name = organisation.names.get(language) or organisation.name
        address = organisation.imprint.get(language, "")
        for path, text, now in (
            (("organiser", language), name, definition.organiser),
            (("controller", "name", language), name, controller.name),
            (("controller", "address", language), address, controller.address),
        ):
            if text and TO_COMPLETE in now.get(language, TO_COMPLETE):
                known[path] = text
    contact = organisation.contact.strip()
    if TO_COMPLETE in controller.privacy_contact and (
        is_email_address(contact) or contact.startswith("https://")
    ):
        known["controller", "privacy_contact"] = contact
    return known
