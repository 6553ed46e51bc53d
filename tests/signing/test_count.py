"""Count: batches follow the profile's rules, count nothing twice, and are published only when complete."""

import os

import pytest

from sabal.ledger.sequencer import Sequencer
from sabal.petitions.profile import PROFILES
from sabal.publishing import drafts, states
from sabal.signing import held, operations
from sabal.signing.writer import log_index
from signing.steps import confirmed
from sites import NOW, SiteOfTests

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


@pytest.mark.parametrize(
    ("waited", "waiting", "due"),
    [
        (HOUR, 32, True), (HOUR, 31, False), (HOUR - 1, 1_000, False), (DAY, 5, True), (DAY, 4, False),
        (WEEK, 1, True), (WEEK - 1, 4, False), (WEEK, 0, False),
    ],
)  # fmt: skip
def test_a_guarded_batch_waits_for_more_signatures(waited: float, waiting: int, due: bool) -> None:
    assert PROFILES["guarded"].batch_is_due(waited, waiting) is due


def test_one_signature_is_counted_after_a_week_and_not_before(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    assert site.sequence(petition, NOW + WEEK - 1) == 0
    assert site.sequence(petition, NOW + WEEK) == 1
    assert site.sequence(petition, NOW + 2 * WEEK) == 0
    assert site.petition().counts.confirmed == 1


def test_development_counts_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    assert site.sequence(petition, NOW + 3, every=2.0) == 1


def test_sums_are_separate_and_complete(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, "max@example.org", country="")
    site.sequence(petition, NOW + WEEK)
    buckets = site.database.query("SELECT kind, item, n FROM signing_bucket ORDER BY kind")
    assert sorted(buckets) == [
        ("country", "", 1), ("country", "KR", 1), ("day", "2026-12-01", 2), ("language", "ko", 2),
    ]  # fmt: skip
    assert site.rows("signing_waiting") == 0


def test_a_commitment_in_the_log_gets_no_second_index(site: SiteOfTests) -> None:
    """A waiting row that comes back with a restored database is not counted again; new rows in its batch are."""
    petition = site.publish()
    first = confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    row = (petition.id, first.operation.commitment)
    site.database.insert("signing_waiting", ("petition_id", "commitment"), [row])
    others = [confirmed(site, petition, f"max{i}@example.org") for i in range(3)]
    assert site.sequence(petition, NOW + 2 * WEEK) == 3
    assert site.petition().counts.confirmed == 4 and site.rows("signing_waiting") == 0
    indexes = dict(site.database.query("SELECT commitment, idx FROM signing_log_index"))
    assert {bytes(c): index for c, index in indexes.items()} == {
        first.operation.commitment: 1,
        **{c: index for index, c in enumerate(sorted(one.operation.commitment for one in others), 2)},
    }


def test_a_transaction_takes_rows_in_the_order_of_commitments_with_every_plan(site: SiteOfTests) -> None:
    """PostgreSQL may choose rows again for each row that it deletes, and skip some."""
    petition = site.publish()
    rows = [(petition.id, os.urandom(32)) for _ in range(230)]
    site.database.insert("signing_waiting", ("petition_id", "commitment"), rows)
    if site.vendor == "postgresql":
        site.database.execute("ANALYZE signing_waiting")
        for kind in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            site.database.execute(f"SET enable_{kind} = off")
    with pytest.MonkeyPatch.context() as patch, site.database.transaction():
        patch.setattr(log_index, "CHUNK", 200)
        taken = log_index.take(site.database, petition.id, "commitment > ?", (b"",))
    assert [row[0] for row in taken] == sorted(commitment for _, commitment in rows)[:200]


def test_the_next_run_finishes_a_batch_after_a_crash(site: SiteOfTests) -> None:
    petition = site.publish()
    for i in range(3):
        confirmed(site, petition, f"suzie{i}@example.org")
    Sequencer(site.keystore)._take_signatures(site.database, petition, NOW + WEEK)  # then a power failure
    assert site.petition().counts.confirmed == 0
    assert site.sequence(petition, NOW + WEEK + 1) == 0  # no new signature, but the batch is finished
    assert site.petition().counts.confirmed == 3


def test_after_a_clock_is_set_back_signatures_are_counted_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    for i in range(40):
        confirmed(site, petition, f"suzie{i}@example.org")
    site.sequence(petition, NOW)
    assert site.petition().counts.confirmed == 41


def test_countries_are_published_from_ten_on_in_tens_and_change_once_a_day(site: SiteOfTests) -> None:
    petition = site.publish()
    for i in range(13):
        confirmed(site, petition, f"suzie{i}@example.org", country="KR" if i else "DE")
    site.sequence(petition, NOW + WEEK)
    assert site.petition().counts.countries == (("KR", 10),)
    for i in range(32):
        confirmed(site, petition, f"max{i}@example.org", country="KR")
    site.sequence(petition, NOW + WEEK + HOUR)
    assert site.petition().counts.countries == (("KR", 10),)
    for i in range(5):
        confirmed(site, petition, f"carol{i}@example.org", country="JP")
    site.sequence(petition, NOW + WEEK + HOUR + DAY)
    assert site.petition().counts.countries == (("KR", 40),)


def test_a_held_signature_counts_after_seven_days_at_the_latest(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    confirmed(site, petition, held=1)
    assert site.sequence(petition, NOW + 6 * DAY) == 0
    assert site.sequence(petition, NOW + 7 * DAY) == 1


def test_max_releases_and_drops(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    confirmed(site, petition, held=1)
    assert held.overview(site.database, petition.id) == [(held.WHY[1], 1)]
    assert held.release(site.database, petition.id) == 1
    assert site.sequence(petition, NOW + 60) == 1
    confirmed(site, petition, "eve@example.org", held=2)
    assert held.drop(site.database, petition.id, held.REASONS["automated"]) == 1
    confirmed(site, petition, "carol@example.org")
    site.sequence(petition, NOW + 120)
    counts = site.petition().counts
    assert (counts.confirmed, counts.invalidated, counts.counted) == (3, 1, 2)


def test_only_one_worker_counts_at_a_time(site: SiteOfTests) -> None:
    with site.database.leader("ledger") as first:
        other = site.connect()
        with other.leader("ledger") as second:
            assert (first, second) == (True, False)
        other.close()
    with site.database.leader("ledger") as again:
        assert again


def test_an_open_petition_shows_chosen_names_until_they_are_withdrawn(
    site: SiteOfTests,
) -> None:
    petition = site.publish(show_names=True, profile='"open"')
    suzie = confirmed(site, petition, display="Suzie")
    confirmed(site, petition, "max@example.org", display="M.")
    confirmed(site, petition, "carol@example.org")
    site.sequence(petition, NOW + 60)
    assert site.petition().counts.names == ("M.", "Suzie")
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    confirmed(site, petition, "later@example.org")
    site.sequence(petition, NOW + 120)
    assert site.petition().counts.names == ("M.",)


def test_a_name_is_shown_only_once_its_signature_counts(site: SiteOfTests) -> None:
    """What is held for review is confirmed too, and may be an advertisement."""
    petition = site.publish(show_names=True, profile='"open"')
    confirmed(site, petition, display="Suzie")
    confirmed(site, petition, "eve@example.org", display="Cheap pills", held=1)
    site.sequence(petition, NOW + 60)
    assert site.petition().counts.names == ("Suzie",)
    held.release(site.database, petition.id)
    site.sequence(petition, NOW + 120)
    assert site.petition().counts.names == ("Cheap pills", "Suzie")


def test_an_amendment_without_the_field_shows_no_names_any_more(site: SiteOfTests) -> None:
    """They stayed on the page, and a name whose signer had withdrawn stayed with them."""
    petition = site.publish(show_names=True, profile='"open"')
    suzie = confirmed(site, petition, display="Suzie")
    confirmed(site, petition, "max@example.org", display="Max")
    site.sequence(petition, NOW + 60)
    assert site.petition().counts.names == ("Max", "Suzie")
    states.pause(petition.slug)
    files = drafts.export_files(petition.slug)
    files["petition.toml"] = files["petition.toml"].replace("display = true", "display = false")
    drafts.import_files(files)
    site.publish_again(petition.slug)
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    site.sequence(site.petition(), NOW + 120)
    assert site.petition().counts.names == ()
