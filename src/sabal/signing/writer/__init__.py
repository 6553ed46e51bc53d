"""The writer: all SQL of signers' requests on the hot tables, one module for each verb.

`Writer.commit` takes a batch of operations and makes them durable in one transaction; each gets an Outcome. No row
that two signers share is written here. Every step works on sets of rows, so a batch of any size needs few statements.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sabal.database import Database
from sabal.keys.keyring import Keyring
from sabal.petitions.snapshots import Snapshots
from sabal.signing.operations import Confirm, NotMe, Operation, Outcome, Sign, Withdraw
from sabal.signing.writer import confirm, sign, withdraw

Op = TypeVar("Op", Sign, Confirm, NotMe, Withdraw)


@dataclass(frozen=True, slots=True)
class Writer:
    """The writer of one process, with the petitions and keys that the process knows.

    Confirming needs both, because the petition of a click and the ticked boxes are read inside the commit.
    """

    snapshots: Snapshots
    keyring: Keyring

    def commit(self, database: Database, operations: Sequence[Operation]) -> list[Outcome]:
        """Make all operations durable in one transaction, in the order sign, confirm, not me, withdraw."""
        outcomes: dict[int, Outcome] = {}
        confirming = partial(confirm.confirm, snapshots=self.snapshots, keyring=self.keyring)
        with database.transaction():
            _each(Sign, sign.sign, database, operations, outcomes)
            _each(Confirm, confirming, database, operations, outcomes)
            _each(NotMe, withdraw.not_me, database, operations, outcomes)
            _each(Withdraw, withdraw.withdraw, database, operations, outcomes)
        return [outcomes[i] for i in range(len(operations))]


def _each(
    kind: type[Op],
    verb: Callable[[Database, list[Op]], list[Outcome]],
    database: Database,
    operations: Sequence[Operation],
    outcomes: dict[int, Outcome],
) -> None:
    chosen = [(i, op) for i, op in enumerate(operations) if isinstance(op, kind)]
    if chosen:
        results = verb(database, [op for _, op in chosen])
        outcomes.update(zip((i for i, _ in chosen), results, strict=True))
