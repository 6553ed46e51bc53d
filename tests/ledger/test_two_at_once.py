"""Two processes sequence one log at once, although leadership should prevent it: no entry is added twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

from ledger.reading import read
from sabal.ledger.log import Overtaken
from sabal.ledger.publication import WouldFork, publication
from sabal.ledger.sequencer import Sequencer
from sabal.signing import operations
from signing.steps import ask, confirmation
from sites import NOW, SiteOfTests

WEEK, SIGNERS, WITHIN = 604_800, 60, 30.0


def test_each_withdrawn_signature_is_revoked_once(site: SiteOfTests) -> None:
    petition, now = site.publish(), NOW
    for turn in range(4):
        signers = [ask(site, petition, f"suzie.{turn}.{n}@example.org") for n in range(SIGNERS)]
        site.writer.commit(site.database, [one.operation for one in signers])
        site.writer.commit(site.database, [confirmation(one) for one in signers])
        site.sequence(petition, now := now + WEEK)
        site.writer.commit(site.database, [operations.Withdraw(one.t, one.digest) for one in signers])
        now += WEEK
        gate = threading.Barrier(2)

        def sequence(all_of_it: bool, now: float = now, gate: threading.Barrier = gate) -> None:
            database, sequencer = site.connect(), Sequencer(site.keystore)
            try:
                gate.wait(WITHIN)
                (sequencer.sequence_all if all_of_it else sequencer.sequence)(database, petition, now)
            except (Overtaken, WouldFork):
                pass  # the other process did it, or published entries that this one had not read yet
            finally:
                database.close()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(sequence, (True, False), timeout=WITHIN))
    site.sequence(petition, now + WEEK)
    # `read` fails if an entry is revoked twice.
    found = read(publication(petition).folder, publication(petition).key)
    assert (found.tally.signed, found.tally.counted) == (4 * SIGNERS, 0)
    counts = site.petition().counts
    assert (counts.confirmed, counts.withdrawn) == (4 * SIGNERS, 4 * SIGNERS)
