"""`table`: every path that this site answers, with its page or handlers. Any other path is refused.

`{language}` is a language of the petition, or of the site if the path names no petition. `{any_language}` is any of
these, because a link has the language of its email. `{organisation}` is the key of an organisation that offers a
newsletter, `{issue}` the number of one that was sent. `paths.py` finds the row of a path.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sabal.api import feeds, newsletterfeed
from sabal.api import views as api
from sabal.front.handlers import Handlers
from sabal.front.newsletter import NewsletterHandlers
from sabal.front.signature import SignatureHandlers
from sabal.front.subscriber import SubscriberHandlers
from sabal.http import Refused, Request, Response, StoredFile
from sabal.ledger import files as log
from sabal.limits.networks import Limits, Network, Verdict
from sabal.pages import (
    dev,
    elsewhere,
    files,
    growth,
    issues,
    newsletter,
    petition,
    progress,
    site,
    updates,
    versions,
)
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots

Handler = Callable[[Request], Awaitable[Response]]
PART = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `page` makes the answer to GET on the pool. Its arguments are the parts that the path names: the petition (or all
    published ones if the path names only a language), the language, the organisation, the file. `get` and `post` answer
    in the event loop. `stored` finds a large file, which the server sends from the disk; it is never cached in memory.
    """

    path: str
    page: Callable[..., Response] | None = None
    get: Handler | None = None
    post: Handler | None = None
    stored: Callable[[PetitionSnapshot, str], StoredFile] | None = None
    cached: bool = False  # the answer to GET is the same for everyone
    has_file: Callable[[PetitionSnapshot, str], bool] | None = None  # asked before the page of a file is made
    limit: Callable[[Limits, Network | None, float, float], Verdict] | None = None  # counts a POST
    any_origin: bool = False  # a form of another site reaches the handler, marked so; otherwise it is refused
    any_type: bool = False  # a form may have any type: email programs may send multipart (RFC 8058)
    any_host: bool = False  # load balancers send an address as Host
    only: str = ""  # "newsletter": only while a petition offers one; "dev": only on a development server
    allow: tuple[str, ...] = field(init=False)  # the methods that are answered

    def __post_init__(self) -> None:
        get = ("GET", "HEAD") if self.page or self.get or self.stored else ()
        object.__setattr__(self, "allow", (*get, "POST") if self.post else get)

    @property
    def is_open(self) -> bool:
        """Return whether the paths of this row cannot be listed."""
        return not {"token", "digest", "tile", "email", "post"}.isdisjoint(PART.findall(self.path))


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is answered: its row, and the parts that it names."""

    row: Row
    path: str
    language: str = ""
    slug: str = ""
    token: str = ""
    file: str = ""
    organisation: str = ""

    def page(self, snapshots: Snapshots) -> Response:
        """Return the page of this path. Raises Refused if the path names no published petition."""
        if self.row.page is None:
            raise Refused(404, "not-found")
        names: list[object] = []
        if self.slug:
            names.append(self.petition(snapshots))
        elif self.language:
            names.append(snapshots.published())
        names += [name for name in (self.language, self.organisation, self.file) if name]
        return self.row.page(*names)

    def petition(self, snapshots: Snapshots) -> PetitionSnapshot:
        """Return the petition that the path names. Raises Refused if it is not published."""
        found = snapshots.by_slug(self.slug)
        if found is None or found.state == "draft":
            raise Refused(404, "not-found")
        return found


def table(
    handlers: Handlers,
    signatures: SignatureHandlers,
    subscriptions: NewsletterHandlers,
    subscribers: SubscriberHandlers,
) -> tuple[Row, ...]:
    """Return the table of contents of the site."""
    return (
        # ---- the site
        Row("/", get=handlers.home),
        Row("/healthz", get=handlers.health, any_host=True),
        Row("/robots.txt", files.robots_txt, cached=True),
        Row("/favicon.svg", files.favicon, cached=True),
        Row("/source.tar.gz", files.source, cached=True),
        Row("/.well-known/security.txt", files.security_txt, cached=True),
        Row("/{language}", site.index, cached=True),
        Row("/{language}/imprint", site.imprint, cached=True),
        Row("/{language}/privacy", site.privacy, cached=True),
        Row("/{language}/verify", site.verify, cached=True),
        # ---- a petition
        Row("/{language}/{slug}", petition.petition, cached=True),
        Row("/{language}/{slug}/sign", post=handlers.sign, limit=Limits.sign, any_origin=True),
        Row("/{language}/{slug}/sent", petition.sent, cached=True),
        Row("/{language}/{slug}/withdrawn", petition.withdrawn, cached=True),
        Row("/{language}/{slug}/versions", versions.versions, cached=True),
        Row("/{language}/{slug}/growth", growth.growth, cached=True),
        Row("/{language}/{slug}/elsewhere", elsewhere.elsewhere, cached=True),
        Row("/{language}/{slug}/progress", progress.progress, cached=True),
        Row("/{language}/{slug}/progress.atom", feeds.progress_atom, cached=True),
        Row("/{language}/{slug}/progress.json", feeds.progress_json, cached=True),
        Row("/{language}/{slug}/updates", updates.updates, cached=True),
        Row("/{language}/{slug}/updates/{post}", updates.update, cached=True, has_file=updates.has_post),
        Row("/{slug}/pictures/{digest}.webp", updates.picture, cached=True, has_file=updates.has_picture),
        Row("/{language}/{slug}/updates.atom", feeds.atom, cached=True),
        Row("/{language}/{slug}/updates.json", feeds.json_feed, cached=True),
        Row("/{slug}/proofs/{digest}.pdf", progress.proof, cached=True, has_file=progress.has_paper),
        Row("/{slug}/proofs/{digest}.webp", progress.proof, cached=True, has_file=progress.has_photo),
        Row("/{language}/{slug}/card.png", petition.card, cached=True),
        Row("/{language}/{slug}/logo.webp", petition.logo, cached=True),
        Row("/{language}/{slug}/picture.webp", petition.picture, cached=True),
        # ---- a signature, found by the link of an email
        Row("/{any_language}/confirm/{token}", get=signatures.confirm_page, post=signatures.confirm),
        Row("/{any_language}/confirm/{token}/not-me", get=signatures.not_me_page, post=signatures.not_me),
        Row("/{any_language}/confirm/not-me", get=signatures.not_me_done),
        Row("/{any_language}/signature/{token}", get=signatures.receipt),
        Row("/{any_language}/signature/{token}.promise", get=signatures.promise),
        Row("/{any_language}/signature/{token}.tlog-proof", get=signatures.proof),
        Row(
            "/{any_language}/signature/{token}/newsletter",
            get=signatures.newsletter_page,
            post=signatures.end_newsletter,
        ),
        Row("/{any_language}/signature/newsletter-ended", get=signatures.newsletter_ended),
        Row(
            "/{any_language}/signature/{token}/withdraw",
            get=signatures.withdraw_page,
            post=signatures.withdraw,
        ),
        Row("/{any_language}/signature/withdrawn", get=signatures.withdrawn),
        # ---- the newsletter; the links of its emails work even if no petition offers it now
        Row("/{language}/newsletter", newsletter.choose, cached=True, only="newsletter"),
        Row(
            "/{language}/newsletter/{organisation}",
            newsletter.subscribe,
            post=subscriptions.subscribe,
            cached=True,
            limit=Limits.ask,
        ),
        Row("/{language}/newsletter/{organisation}/asked", newsletter.asked, cached=True),
        Row("/{language}/newsletter/{organisation}/issues", issues.issues, cached=True),
        Row("/{language}/newsletter/{organisation}/issues.atom", newsletterfeed.atom, cached=True),
        Row("/{language}/newsletter/{organisation}/issues/{issue}", issues.issue, cached=True),
        Row(
            "/{any_language}/newsletter/confirm/{token}",
            get=subscriptions.confirm_page,
            post=subscriptions.confirm,
        ),
        Row(
            "/{any_language}/newsletter/unsubscribe/{token}",
            get=subscriptions.unsubscribe_page,
            post=subscriptions.unsubscribe,
            any_origin=True,
            any_type=True,
        ),
        Row("/{any_language}/newsletter/subscription/{token}", get=subscribers.page, post=subscribers.change),
        Row("/{any_language}/newsletter/news/{token}", get=subscriptions.news),
        Row(
            "/{any_language}/invitation/{token}",
            get=subscriptions.refuse_page,
            post=subscriptions.refuse,
            any_origin=True,
            any_type=True,
        ),
        # ---- for machines
        Row("/{slug}.json", api.petition, cached=True),
        Row("/{slug}/count.json", api.count, cached=True),
        Row("/{slug}/growth.json", api.growth, cached=True),
        Row("/{slug}/manifest.json", api.manifest, cached=True),
        # ---- the public log
        Row("/{slug}/log/checkpoint", log.checkpoint, cached=True),
        Row("/{slug}/log/policy", log.policy, cached=True),
        Row("/{slug}/log/manifests/{digest}.json", log.manifest, cached=True, has_file=log.has_manifest),
        Row("/{slug}/log/tile/{tile}", log.tile, cached=True, has_file=log.has_tile),
        Row("/{slug}/bundles/{digest}.zip", stored=log.bundle),
        # ---- development
        Row("/dev/mail/", dev.emails, only="dev"),
        Row("/dev/mail/{email}", dev.email, only="dev"),
        Row("/dev/mail/{email}/html", dev.email_html, only="dev"),
    )
