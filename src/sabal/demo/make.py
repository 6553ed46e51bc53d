"""Add the invented petitions to a development server, each once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from django.db import transaction

from sabal import database as raw
from sabal import settings
from sabal.accounts.models import Organisation, Ownership
from sabal.counted import counted
from sabal.demo.deeds import Deeds
from sabal.demo.history import History
from sabal.demo.letterbox import Letterbox
from sabal.demo.plans import PLANS, Life, Plan
from sabal.first_use import publish_for_development
from sabal.keys.keystore import KeyStore
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts, states
from sabal.refusal import Refusal
from sabal.run_folder import run_folder

_FOLDERS = Path(__file__).parent / "petitions"
Say = Callable[[str], None]


def make(keystore: KeyStore, say: Say, today: date | None = None, chance: Random | None = None) -> int:
    """Add the invented petitions that are missing, with their history up to the day before `today`. Return how many.

    After a crash what was begun stays as it is; the next call adds the others. Raises Refusal on a server that is not
    for development, or that runs at this moment.
    """
    _refuse_real_site()
    missing = [plan for plan in PLANS if not Petition.objects.filter(slug=plan.slug).exists()]
    if not missing:
        say("The invented petitions are here already.")
        return 0
    today, chance = today or datetime.now(UTC).date(), chance or Random()  # noqa: S311 - no secret
    database = raw.connect()
    try:
        with run_folder(settings.DATA), database.leader("ledger") as leads:
            if not leads:
                raise Refusal(
                    "A worker of this site runs on another machine. End it, and start again with --demo."
                )
            _make(database, keystore, missing, today, say, chance)
    finally:
        database.close()
    return len(missing)


def _refuse_real_site() -> None:
    """Raise Refusal if people could have signed here, or if the key of a petition is somebody's own."""
    if not settings.DEV:
        raise Refusal("Invented petitions are for development servers only: script/server --demo")
    real = Petition.objects.exclude(state=Petition.State.DRAFT).filter(key_made_by_dev=False)
    if real.exists():
        raise Refusal(
            f"{real[0].slug} has a key of its own, so this may be a real site. To see the invented petitions, choose"
            " another data folder: SABAL_DATA=/tmp/demo script/server --demo"
        )


def _make(
    database: raw.Database, keystore: KeyStore, plans: list[Plan], today: date, say: Say, chance: Random
) -> None:
    history = History(database, keystore, chance)
    lives = [
        (Life(plan, plan.per_day(chance)), Deeds(plan, database, keystore, Letterbox(chance)))
        for plan in plans
    ]
    longest = max(plan.days for plan in plans)
    say(
        f"Making {counted(len(plans), 'petition')} of a town that does not exist, with"
        f" {counted(longest, 'day')} of history:"
    )
    for ago in range(longest, 0, -1):
        day = today - timedelta(days=ago)
        for life, deeds in lives:
            if ago == life.plan.days:
                _publish(life.plan, keystore, day)
                deeds.begin()
            if ago <= life.plan.days:
                history.day(life, day)
                deeds.day(day, ago)
            if life.plan.closed_on is not None and ago == life.plan.days - life.plan.closed_on:
                states.close(life.plan.slug, day)
        if ago % 6 == 0 or ago == 1:
            say(f"  {longest - ago + 1} of {longest} days")


def _publish(plan: Plan, keystore: KeyStore, day: date) -> None:
    files = folder.read(_FOLDERS / plan.slug)
    petition = drafts.import_files(files)
    name = folder.parse(files).organiser["en"]
    with transaction.atomic():
        organisation, _ = Organisation.objects.get_or_create(key=plan.slug, defaults={"name": name})
        Ownership.objects.get_or_create(petition=petition, defaults={"organisation": organisation})
    publish_for_development(petition.slug, keystore, datetime.combine(day, time(8), UTC))
