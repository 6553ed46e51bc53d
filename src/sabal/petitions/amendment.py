"""Amendments: the terms that a published petition's new version must keep, because people signed relying on them.

Everything else may change. Each signature belongs to the version that was signed, and that version's manifest stays
public.
"""

from collections.abc import Iterator

from sabal.petitions.definition import Definition


def breaches(published: Definition, new: Definition) -> Iterator[str]:
    """Yield a sentence for each promise of the published version that the new one would break."""
    if new.profile != published.profile:
        yield (
            f"Its profile stays {published.profile}, because signers were told by it what is shown and what emails"
            " say."
        )
    if new.dedupe != published.dedupe:
        yield (
            f'Its dedupe stays "{published.dedupe}", because email addresses that have signed could not be'
            " recognised otherwise."
        )
    if new.retention > published.retention:
        yield (
            f"Signers were promised that their data are deleted by {published.retention}. `retention` may only be"
            " earlier."
        )
    for language in published.languages:
        if language not in new.languages:
            yield f"It keeps the language {language}, because emails that were sent lead to its pages."
