"""The organisations of a site: whose petition it is, how they are told apart, and what they are called.

An organisation has a key, which is stored beside each of its published petitions. Petitions with one key share one
newsletter list, so a wrong match would give subscribers to an organisation that they did not choose. Two lists of one
organisation are only inconvenient.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sabal.petitions.definition import Definition
from sabal.petitions.issues import PublicNewsletter
from sabal.petitions.slugs import free_key
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal


@dataclass(frozen=True, slots=True)
class PublicOrganisation:
    """One organisation and its published petitions, the newest first. There is at least one."""

    key: str
    petitions: tuple[PetitionSnapshot, ...]

    @property
    def offers_newsletter(self) -> bool:
        """Return whether one of its petitions offers the newsletter."""
        return any(petition.definition.newsletter for petition in self.petitions)

    @property
    def newsletter(self) -> PublicNewsletter:
        """Return what the public sees of its newsletter."""
        return self.petitions[0].newsletter

    @property
    def definition(self) -> Definition:
        """Return the definition that names it: of its newest petition that offers the newsletter, else the newest."""
        offers = (petition for petition in self.petitions if petition.definition.newsletter)
        return next(offers, self.petitions[0]).definition


def organisations(published: Iterable[PetitionSnapshot]) -> list[PublicOrganisation]:
    """Return the organisations of these petitions, in the same order."""
    by_key: dict[str, list[PetitionSnapshot]] = {}
    for petition in published:
        by_key.setdefault(petition.organisation, []).append(petition)
    return [PublicOrganisation(key, tuple(petitions)) for key, petitions in by_key.items()]


def newsletters(published: Iterable[PetitionSnapshot]) -> list[PublicOrganisation]:
    """Return the organisations that offer a newsletter."""
    return [organisation for organisation in organisations(published) if organisation.offers_newsletter]


def language_of_names(definition: Definition, language: str) -> str:
    """Return the language of `organiser_name` and `controller_name`: the authoritative one if it lacks the reader's."""
    return language if language in definition.organiser else definition.authoritative


def organiser_name(definition: Definition, language: str) -> str:
    """Return the name under which the organisation asks, in the authoritative language if it lacks the reader's."""
    name = definition.organiser.get(language) or definition.organiser[definition.authoritative]
    return " ".join(name.split())


def controller_name(definition: Definition, language: str) -> str:
    """Return the legal name of the controller, in the authoritative language if it lacks the reader's."""
    names = definition.controller.name
    return " ".join((names.get(language) or names.get(definition.authoritative, "")).split())


def same_organisation(one: Definition, other: Definition) -> bool:
    """Return whether two petitions without keys are of one organisation: every name that both have is the same.

    Names and the privacy contact must be equal, also the organiser's name in each language of both.
    """
    shared = set(one.organiser) & set(other.organiser)
    return (
        bool(shared)
        and all(organiser_name(one, language) == organiser_name(other, language) for language in shared)
        and all(controller_name(one, language) == controller_name(other, language) for language in shared)
        and one.controller.privacy_contact == other.controller.privacy_contact
    )


def choose_key(
    definition: Definition,
    own: tuple[str, Definition] | None,
    others: Sequence[tuple[str, Definition]],
    taken: Collection[str],
    *,
    given_away: bool = False,
) -> str:
    """Return the organisation's key of a petition that is being published.

    `own` is its key and definition as published before. If it was given away since, the key goes on only while the
    text names the same organisation: those who subscribe from then on would agree to the new one. `others` are those
    of the site's other published petitions. `taken` are all keys that were ever in use. Raises Refusal if its
    `controller.key` is another organisation's.
    """
    wanted = definition.controller.key
    continues = same_organisation if given_away else _continues
    if own and wanted in ("", own[0]) and continues(definition, own[1]):
        return own[0]
    if wanted:
        if wanted in taken and not any(
            key == wanted and _one_contact(definition, other) for key, other in others
        ):
            raise Refusal(
                f"`controller.key` is {wanted}, which is the key of another organisation on this site. Its newsletter"
                " list must not be shared. If it is the same organisation, give both petitions the same"
                " `privacy_contact`. Otherwise choose another key, or leave `key` out."
            )
        return wanted
    for key, other in others:
        if same_organisation(definition, other):
            return key
    return free_key(definition.slug, taken)


def _continues(definition: Definition, before: Definition) -> bool:
    """Return whether an amended petition is still of the organisation that published it before.

    One that changes its name keeps its contact, and one that changes its contact keeps its name.
    """
    languages = set(definition.organiser) & set(before.organiser)
    return _one_contact(definition, before) or any(
        controller_name(definition, language) == controller_name(before, language)
        and organiser_name(definition, language) == organiser_name(before, language)
        for language in languages
    )


def _one_contact(one: Definition, other: Definition) -> bool:
    return one.controller.privacy_contact == other.controller.privacy_contact
