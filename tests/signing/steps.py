"""Helpers of the signing tests. They do the work of the front end between a form and its answer."""

from dataclasses import dataclass
from datetime import date

from sabal import days, token
from sabal.mail.address import EmailAddress
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import operations
from sabal.signing.form import Submission
from sabal.signing.pending_payload import PendingPayload
from sabal.signing.sign import Circumstances, sign
from sites import TODAY, SiteOfTests

SUZIE = "suzie@example.org"


@dataclass
class Signed:
    """A submitted form: its operation, and the token of the email's link."""

    operation: operations.Sign
    t: bytes

    @property
    def digest(self) -> bytes:
        return self.operation.token_hash


def ask(
    site: SiteOfTests, petition: PetitionSnapshot, email: str = SUZIE, *, name: str = "Suzie", country: str = "KR",
    subscribe: tuple[str, ...] = (), held: int = 0, display: str = "",
    language: str = "ko",
) -> Signed:  # fmt: skip
    """Submit the form without committing it."""
    t = token.new()
    original = token.new
    token.new = lambda *_: t
    try:
        how = Circumstances(language, held=held)
        submission = Submission(
            name, EmailAddress.parse(email), country, subscribe=subscribe, display=display
        )
        return Signed(sign(submission, petition, site.keyring, TODAY, how), t)
    finally:
        token.new = original


def signed(site: SiteOfTests, petition: PetitionSnapshot, email: str = SUZIE, **kwargs: object) -> Signed:
    """Submit the form and commit it."""
    result = ask(site, petition, email, **kwargs)  # type: ignore[arg-type]
    assert site.writer.commit(site.database, [result.operation]) == [operations.Outcome.DONE]
    return result


def confirmation(of: Signed, today: date = TODAY) -> operations.Confirm:
    """Return the click on the emailed link."""
    return operations.Confirm(of.t, of.digest, days.number(today))


def refusal(of: Signed, petition: PetitionSnapshot) -> operations.NotMe:
    """Return the click on "this was not me"."""
    pending_payload = PendingPayload.open(of.t, of.operation.pending_payload)
    return operations.NotMe(petition.id, of.digest, pending_payload.suppression)


def confirmed(site: SiteOfTests, petition: PetitionSnapshot, email: str = SUZIE, **kwargs: object) -> Signed:
    """Submit the form and confirm it by the emailed link."""
    result = signed(site, petition, email, **kwargs)
    assert site.writer.commit(site.database, [confirmation(result)]) == [operations.Outcome.DONE]
    return result
