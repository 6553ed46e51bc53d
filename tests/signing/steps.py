"""Shorthands of the signing tests: what the door does between a form and an answer."""

from dataclasses import dataclass
from datetime import date

from houses import TODAY, HouseOfTests
from sabal import token
from sabal.mail.address import EmailAddress
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.signing import confirm, operations, writer
from sabal.signing.form import Submission
from sabal.signing.sign import Circumstances, sign

SUZIE = "suzie@example.org"


@dataclass
class Signed:
    """A form that was sent: its operation, and the token that the letter would carry."""

    operation: operations.Sign
    t: bytes

    @property
    def digest(self) -> bytes:
        return self.operation.token_hash


def ask(
    house: HouseOfTests, petition: PetitionSnapshot, email: str = SUZIE, *, name: str = "Suzie", country: str = "KR",
    subscribe: tuple[str, ...] = (), held: int = 0, display: str = "",
) -> Signed:  # fmt: skip
    """Send the form; nothing is committed yet."""
    drawn = token.new()
    original = token.new
    token.new = lambda: drawn
    try:
        how = Circumstances("ko", held=held)
        submission = Submission(
            name, EmailAddress.parse(email), country, subscribe=subscribe, display=display
        )
        return Signed(sign(submission, petition, house.ring, TODAY, how), drawn)
    finally:
        token.new = original


def signed(house: HouseOfTests, petition: PetitionSnapshot, email: str = SUZIE, **kwargs: object) -> Signed:
    """Send the form and commit it."""
    result = ask(house, petition, email, **kwargs)  # type: ignore[arg-type]
    assert writer.commit(house.database, [result.operation]) == [operations.Outcome.DONE]
    return result


def confirmation(
    house: HouseOfTests, petition: PetitionSnapshot, of: Signed, today: date = TODAY
) -> operations.Confirm:
    return confirm.confirm(of.t, knowing(petition), house.ring, today)


def knowing(*petitions: PetitionSnapshot) -> Snapshots:
    """What a process knows that has looked at these petitions."""
    known = Snapshots()
    known.know(petitions)
    return known


def confirmed(
    house: HouseOfTests, petition: PetitionSnapshot, email: str = SUZIE, **kwargs: object
) -> Signed:
    """The whole way: sent, and confirmed by the mailed link."""
    result = signed(house, petition, email, **kwargs)
    assert writer.commit(house.database, [confirmation(house, petition, result)]) == [operations.Outcome.DONE]
    return result
