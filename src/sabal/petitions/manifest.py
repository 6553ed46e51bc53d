"""The manifest: the exact bytes that a signer signs. Every signature commits to their SHA-256.

The bytes are made once, at publishing. They are stored, and served as stored.
"""

import hashlib
import json
from collections.abc import Mapping

from sabal.petitions.amendment import Amendment, AmendmentKind
from sabal.petitions.definition import Definition, Recipient
from sabal.records.record import RECORD_FIELDS


def render(
    definition: Definition,
    files: Mapping[str, str],
    consent: Mapping[str, str],
    *,
    origin: str,
    log_vkey: str,
    promise_vkey: str,
    amendment: Amendment | None = None,
) -> bytes:
    """Return the manifest of a petition as UTF-8 JSON.

    `terms` are the signed terms, in the authoritative language. `translations` has the SHA-256 of each other language's
    file, so that readers can distinguish a corrected translation from a changed meaning. `picture` is the SHA-256 of
    the picture, if there is one. `amendment` says why the text before it was changed; a first version has none.
    """
    document: dict[str, object] = {
        "v": 1,
        "terms": {
            **_terms(definition, files[f"{definition.authoritative}.md"]),
            "consent": {language: consent[language] for language in definition.languages},
            "log": {"origin": origin, "key": log_vkey, "promise_key": promise_vkey},
        },
        "translations": {
            language: hashlib.sha256(files[f"{language}.md"].encode()).hexdigest()
            for language in definition.languages
            if language != definition.authoritative
        },
    }
    if definition.picture is not None:
        document["picture"] = hashlib.sha256(definition.picture.data).hexdigest()
    if amendment is not None:
        document["amendment"] = {"kind": amendment.kind.value, "why": dict(amendment.why)}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def consent_of(manifest: bytes) -> dict[str, str]:
    """Return the consent sentences of a published manifest, by language."""
    consent: dict[str, str] = json.loads(manifest)["terms"]["consent"]
    return consent


def amendment_of(manifest: bytes) -> Amendment | None:
    """Return why a published manifest replaced the one before, if it says so."""
    said = json.loads(manifest).get("amendment")
    return Amendment(AmendmentKind(said["kind"]), said["why"]) if said else None


def organiser_keys_of(manifest: bytes) -> tuple[str, ...]:
    """Return the organiser's keys (age recipients) of a published manifest."""
    return tuple(json.loads(manifest)["terms"]["organiser_keys"])


def _terms(definition: Definition, text: str) -> dict[str, object]:
    """Return the terms from the folder, in the authoritative language. `text` is that language's file."""
    return {
        "petition": definition.slug,
        "language": definition.authoritative,
        "text": text,
        "organiser": definition.organiser[definition.authoritative],
        "recipients": [_recipient(r) for r in definition.recipients],
        "recipients_get": definition.recipients_get,
        "sample_audit": definition.sample_audit,
        "controller": {
            "name": definition.controller.name[definition.authoritative],
            "address": definition.controller.address[definition.authoritative],
            "privacy_contact": definition.controller.privacy_contact,
        },
        "purpose": definition.purpose[definition.authoritative],
        "retention": definition.retention.isoformat(),
        "profile": definition.profile,
        "warn_residents": list(definition.warn_residents),
        "fields": list(RECORD_FIELDS),
        "form": {
            "country": definition.fields.country,
            "comment": definition.fields.comment,
            "display": definition.fields.display,
        },
        "organiser_keys": list(definition.organiser_keys),
    }


def _recipient(recipient: Recipient) -> dict[str, object]:
    # The members of a council change, so they are not in the manifest. That it is a group is part of the signed terms.
    return {"key": recipient.key, "name": dict(sorted(recipient.name.items())), "group": recipient.group}
