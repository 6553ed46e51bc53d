"""Amendment: what a published petition's new version may not change, because people have signed on the strength of it.

Everything else may change: each signature stands under the version that it was given to, whose manifest stays public.
"""

from collections.abc import Iterator

from sabal.petitions.definition import Definition


def breaches(published: Definition, new: Definition) -> Iterator[str]:
    """A sentence for each promise of the published version that the new one would break."""
    if new.profile != published.profile:
        yield f"Its profile stays {published.profile}: signers were told by it what is shown, and what letters say."
    if new.dedupe != published.dedupe:
        yield f'Its dedupe stays "{published.dedupe}": mailboxes that have signed could not be told otherwise.'
    if new.retention > published.retention:
        yield f"Signers were promised that their data go by {published.retention}; retention may only be earlier."
    for language in published.languages:
        if language not in new.languages:
            yield f"It keeps the language {language}: there are letters out that lead to its pages."
