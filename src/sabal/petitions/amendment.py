"""Amendment: what a published petition's new version may not change, because people have signed on the strength of it.

Everything else may change: each signature stands under the version that it was given to, whose manifest stays public.
"""

from collections.abc import Iterator

from sabal.petitions.definition import Definition


def breaches(published: Definition, new: Definition) -> Iterator[str]:
    """A sentence for each promise of the published version that the new one would break."""
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
