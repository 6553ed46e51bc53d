"""Two processes sequence one log at once, which leadership should prevent: nothing enters it twice all the same."""

import threading
from concurrent.futures import ThreadPoolExecutor

from houses import NOW, HouseOfTests
from ledger.reading import read
from sabal.ledger.publication import WouldFork, publication
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.tables import Overtaken
from sabal.signing import operations
from signing.steps import ask, confirmation

WEEK, SIGNERS, WITHIN = 604_800, 60, 30.0


def test_what_was_withdrawn_is_revoked_once(house: HouseOfTests) -> None:
    petition, now = house.publish(), NOW
    for turn in range(4):
        signers = [ask(house, petition, f"suzie.{turn}.{n}@example.org") for n in range(SIGNERS)]
        house.writer.commit(house.database, [one.operation for one in signers])
        house.writer.commit(house.database, [confirmation(one) for one in signers])
        house.sequence(petition, now := now + WEEK)
        house.writer.commit(house.database, [operations.Withdraw(one.t, one.digest) for one in signers])
        now += WEEK
        gate = threading.Barrier(2)

        def sequence(all_of_it: bool, now: float = now, gate: threading.Barrier = gate) -> None:
            database, sequencer = house.connect(), Sequencer(house.house)
            try:
                gate.wait(WITHIN)
                (sequencer.sequence_all if all_of_it else sequencer.sequence)(database, petition, now)
            except (Overtaken, WouldFork):
                pass  # the other one has done it, or has published what this one did not know of yet
            finally:
                database.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(sequence, (True, False), timeout=WITHIN))
    house.sequence(petition, now + WEEK)
    found = read(
        publication(petition).folder, publication(petition).key
    )  # refuses a second revocation of one entry
    assert (found.tally.signed, found.tally.counted) == (4 * SIGNERS, 0)
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn) == (4 * SIGNERS, 4 * SIGNERS)
