"""Sign: which rows are stored, and which facts the answers do not reveal."""

import dataclasses

import pytest

from sabal.keys.keystore import pepper_name, unseal
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_SIGNATURE
from sabal.publishing import states
from sabal.signing import operations
from sabal.signing.operations import Outcome
from sabal.signing.sign import NotReady
from sabal.signing.writer.find import Found, find
from signing.steps import SUZIE, ask, confirmed, refusal, signed
from sites import DAY_NUMBER, TODAY, SiteOfTests


def test_the_email_has_address_and_token_sealed_under_the_key_of_the_day(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    day, sealed = site.database.query("SELECT mail_key, sealed FROM mail_email")[0]
    plain = unseal(site.keystore.mail_key(site.database, day), bytes(sealed), b"letter")
    from sabal import token

    assert SUZIE.encode() in plain and token.encode(suzie.t).encode() in plain


def test_the_database_has_no_readable_address(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition, subscribe=("newsletter",))
    signed(site, petition, "suzie.two@example.org")
    for table in (
        "signing_pending",
        "signing_signature",
        "signing_sealed",
        "mail_email",
        "newsletter_subscription",
    ):
        for row in site.database.query(f"SELECT * FROM {table}"):
            text = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
            assert b"suzie" not in text.lower()


def test_an_address_has_at_most_three_pending_signatures(site: SiteOfTests) -> None:
    petition = site.publish()
    asks = [ask(site, petition) for _ in range(5)]
    outcomes = site.writer.commit(site.database, [a.operation for a in asks])
    assert outcomes == [Outcome.DONE] * 3 + [Outcome.IGNORED] * 2
    assert (site.rows("signing_pending"), site.rows("mail_email"), site.rows("signing_sealed")) == (
        3,
        3,
        3,
    )


def test_rows_of_an_address_that_used_its_quota_are_inserted_and_deleted(site: SiteOfTests) -> None:
    petition = site.publish()
    quota_used = dataclasses.replace(ask(site, petition).operation, quota_used=True)
    written: list[str] = []
    insert = site.database.insert
    site.database.insert = lambda table, *a, **k: (written.append(table), insert(table, *a, **k))[1]  # type: ignore[method-assign]
    assert site.writer.commit(site.database, [quota_used]) == [Outcome.IGNORED]
    assert {"signing_sealed", "signing_pending", "mail_email"} <= set(written)
    assert (site.rows("signing_pending"), site.rows("signing_sealed"), site.rows("mail_email")) == (
        0,
        0,
        0,
    )


def test_an_address_that_answered_not_me_gets_no_more_emails(site: SiteOfTests) -> None:
    petition = site.publish()
    eve_typed = signed(site, petition)
    assert site.writer.commit(site.database, [refusal(eve_typed, petition)]) == [Outcome.DONE]
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (0, 0)
    again = ask(site, petition, "SUZIE@example.org")
    assert site.writer.commit(site.database, [again.operation]) == [Outcome.IGNORED]
    assert site.rows("signing_pending") == 0


@pytest.mark.parametrize("verb", [states.pause, lambda slug: states.close(slug, TODAY)])
def test_a_petition_that_closes_meanwhile_stores_no_signature(site: SiteOfTests, verb: object) -> None:
    petition = site.publish()
    late = ask(site, petition)
    verb(petition.slug)  # type: ignore[operator]
    assert site.writer.commit(site.database, [late.operation]) == [Outcome.NOT_OPEN]
    assert (site.rows("signing_pending"), site.rows("mail_email")) == (0, 0)


def test_a_petition_without_its_pepper_refuses_and_loses_nothing(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    site.keystore.destroy(site.database, pepper_name(petition.id, petition.pepper_epoch))
    site.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    petition = site.petition()
    assert petition.pepper is None
    with pytest.raises(NotReady):
        ask(site, petition, "max@example.org")
    assert find(site.database, [suzie.digest])[0] is not None
    from sabal.signing.epochs import renew_pepper

    renew_pepper(site.database, site.keystore, petition, DAY_NUMBER)
    signed(site, site.petition(), "max@example.org")


def test_without_the_mail_key_nothing_is_stored(site: SiteOfTests) -> None:
    petition = site.publish()
    site.keyring.mail = None
    with pytest.raises(NotReady):
        ask(site, petition)


def test_an_open_petition_says_already_in_the_email_and_gives_access_at_once(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    first = confirmed(site, petition)
    again = signed(site, petition)
    kinds = sorted(row[0] for row in site.database.query("SELECT kind FROM mail_email"))
    assert kinds == [CONFIRM_SIGNATURE, ALREADY_SIGNED]
    assert site.rows("signing_pending") == 0
    mine = first.operation
    found = find(site.database, [again.digest, first.digest])
    assert [one and dataclasses.replace(one, mailbox=b"") for one in found] == [
        Found(petition.id),
        Found(petition.id, commitment=mine.commitment, w=mine.w),
    ]


def test_a_guarded_petition_treats_an_address_that_has_signed_like_any_other(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    signed(site, petition)
    assert [row[0] for row in site.database.query("SELECT DISTINCT kind FROM mail_email")] == [
        CONFIRM_SIGNATURE
    ]
    assert site.rows("signing_pending") == 1


def test_one_bad_operation_does_not_fail_the_others(site: SiteOfTests) -> None:
    import asyncio

    from sabal.signing.group import Batcher, Unavailable

    petition = site.publish()
    asks = [ask(site, petition, f"suzie{i}@example.org") for i in range(20)]
    asks[7].operation = dataclasses.replace(asks[7].operation, sealed_id=asks[3].operation.sealed_id)

    async def all_at_once() -> list[object]:
        group: Batcher[operations.Operation, Outcome] = Batcher(
            "writer", site.connect, lambda d, ops: site.writer.commit(d, ops)
        )
        results = await asyncio.gather(*(group.ask(a.operation) for a in asks), return_exceptions=True)
        await group.close()
        return list(results)

    results = asyncio.run(all_at_once())
    assert sum(r is Outcome.DONE for r in results) == 19
    assert sum(isinstance(r, Unavailable) for r in results) == 1
    assert site.rows("signing_pending") == 19
