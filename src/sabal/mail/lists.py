"""The headers of emails to a list, by which email programs sort, unsubscribe and report.

An email about a guarded petition names neither the petition nor the organisation, whose key may be the petition's slug.
"""

from hashlib import sha256

from sabal.petitions.definition import Definition


def list_id(organisation: str, petition: Definition | None, domain: str) -> str:
    """Return the List-Id (RFC 2919), by which email programs sort.

    `petition` is None for the newsletter of the organisation. An organisation's key is shown as a hash only.
    """
    if petition is None:
        name = f"{_hashed(organisation)}.newsletter"
    else:
        name = "updates" if petition.profile == "guarded" else f"{petition.slug}.updates"
    return f"<{name}.{domain}>"


def unsubscribe_headers(url: str) -> dict[str, str]:
    """Return the headers with which an email program's own button unsubscribes at `url` (RFC 2369, RFC 8058)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def mailing_headers(
    organisation: str, petition: Definition | None, domain: str, occasion: int
) -> dict[str, str]:
    """Return the headers that all emails of one mailing share. `occasion` is its number.

    Providers count complaints by the parts of Feedback-ID, from the mailing to the site. `Precedence: bulk` keeps
    automatic replies away.
    """
    if petition is None:
        about = _hashed(organisation), "newsletter"
    else:
        about = ("" if petition.profile == "guarded" else _hashed(organisation)), "updates"
    return {
        "List-Id": list_id(organisation, petition, domain),
        "Feedback-ID": ":".join((str(occasion), *about, _hashed(domain))),
        "Precedence": "bulk",
    }


def _hashed(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:8]
