"""Fill a server's site as after years: people, drafts, history, batches, emails. Print the cookie of its owner.

It runs with the server's environment: `python -m bench.desk_site`.
"""

import time
from collections.abc import Iterable

import django

django.setup()

from allauth.account.models import EmailAddress  # noqa: E402 - Django is set up above
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: E402
from django.test import Client  # noqa: E402

from sabal import database as raw  # noqa: E402
from sabal import days  # noqa: E402
from sabal.accounts.acts import TeamRole  # noqa: E402
from sabal.accounts.models import AuditEntry, Membership, Organisation, Ownership, User  # noqa: E402
from sabal.petitions import folder  # noqa: E402
from sabal.petitions.countries import countries  # noqa: E402
from sabal.petitions.models import Petition  # noqa: E402
from sabal.publishing import drafts  # noqa: E402

PEOPLE, ORGANISATIONS, DRAFTS, LINES = 200, 50, 30, 10_000
DAYS, BATCHES = 400, 100_000
PROVIDERS = ("gmail", "outlook", "yahoo", "naver", "qq", "web.de", "orange", "other")


def main() -> None:
    """Fill, and print the cookie."""
    user = _person("owner@example.org")
    Membership.objects.create(user=user, role=TeamRole.OWNER)
    petition = Petition.objects.exclude(state=Petition.State.DRAFT).get()
    _team(petition)
    _numbers(petition)
    print(_cookie(user))


def _person(email: str) -> User:
    user = User.objects.create(email=email, name=email.partition("@")[0])
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _team(petition: Petition) -> None:
    files = drafts.export_files(petition.slug)
    organisations = [
        Organisation.objects.create(key=f"house-{n}", name=f"House {n}") for n in range(ORGANISATIONS)
    ]
    Ownership.objects.create(petition=petition, organisation=organisations[0])
    for n in range(DRAFTS):
        toml = "\n".join(
            line if not line.startswith("slug =") else f'slug = "draft-{n}"'
            for line in files["petition.toml"].splitlines()
        )
        toml = "\n".join(line for line in toml.splitlines() if not line.startswith("organiser_keys"))
        one = drafts.import_files({**files, "petition.toml": "organiser_keys = []\n" + toml})
        Ownership.objects.create(petition=one, organisation=organisations[n % ORGANISATIONS])
    people = [_person(f"max{n}@example.org") for n in range(PEOPLE)]
    for n, one in enumerate(people):
        Membership.objects.create(
            user=one, role=TeamRole.EDITOR, organisation=organisations[n % ORGANISATIONS]
        )
    AuditEntry.objects.bulk_create(
        AuditEntry(user=people[n % PEOPLE], what="paused", petition=petition.slug) for n in range(LINES)
    )
    assert folder.parse(files)


def _numbers(petition: Petition) -> None:
    """Add the rows that years of signing leave: totals by day, sums, batches, hours of email."""
    database = raw.connect()
    today, hour = days.number_at(time.time()), int(time.time()) // 3_600
    ((many, published),) = database.query(
        "SELECT t.confirmed, l.published_size FROM signing_total t JOIN ledger_log l ON l.petition_id = t.petition_id"
    )
    codes = [code for code, _ in countries("en")]
    sums: list[tuple[object, ...]] = [(petition.pk, "country", code, many // len(codes)) for code in codes]
    sums += [(petition.pk, "language", language, many // 3) for language in ("en", "ko", "zh-hans")]
    shown = ",".join(f'["{code}",{many // len(codes) // 10 * 10}]' for code in codes)
    with database.transaction():
        database.insert("signing_bucket", ("petition_id", "kind", "item", "n"), sums)
        database.insert(
            "signing_history",
            ("petition_id", "day", "confirmed", "withdrawn", "invalidated"),
            [(petition.pk, today - DAYS + n, many * n // DAYS, n, 0) for n in range(DAYS)],
            on_conflict="(petition_id, day) DO NOTHING",
        )
        for rows in _chunks((petition.pk, 10 + n, published, today, n, 0, 0) for n in range(BATCHES)):
            database.insert(
                "ledger_batch",
                ("petition_id", "number", "size", "day", "confirmed", "withdrawn", "invalidated"),
                rows,
            )
        for rows in _chunks(
            (hour - n, provider, outcome, 40)
            for n in range(24 * 365)
            for provider in PROVIDERS
            for outcome in ("accepted", "later", "never")
        ):
            database.insert("mail_traffic", ("hour", "provider", "outcome", "n"), rows)
        database.execute(
            "UPDATE signing_total SET published_countries = ?, published_languages = '[[\"en\",500000]]'",
            (f"[{shown}]",),
        )
        database.execute("UPDATE ledger_log SET batch = ?", (10 + BATCHES,))
    if database.vendor == "postgresql":
        database.execute("ANALYZE")
    database.close()


def _chunks(rows: Iterable[tuple[object, ...]], size: int = 2_000) -> Iterable[list[tuple[object, ...]]]:
    chunk: list[tuple[object, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _cookie(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    TOTP.activate(user, generate_totp_secret())
    now = time.time() + 3_600  # the factor counts as shown lately for as long as the measurement lasts
    session = browser.session
    session["account_authentication_methods"] = [
        {"method": method, "at": now, "reauthenticated": True} for method in ("password", "mfa")
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser.cookies["sabal_desk"].value


if __name__ == "__main__":
    main()
