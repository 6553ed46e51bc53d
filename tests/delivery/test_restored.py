"""What was recorded survives a restore: rows, corrections, proofs, and that the team was reminded."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from delivery.files import pdf
from operating.test_restore import empty_database
from sabal import database as raw
from sabal.accounts.models import User
from sabal.delivery import record
from sabal.delivery.proofs import distilled
from sabal.delivery.record import Happening, Said
from sabal.delivery.rows import Reminder, Step
from sabal.operating.backup import backup
from sabal.operating.restore import restore
from sabal.petitions.deliveries import DemandState, StepKind, deliveries_of, proof_data
from sabal.petitions.models import Petition
from served import SLUG
from sites import SiteOfTests

DAY = date(2026, 3, 14)


def test_a_restored_site_has_the_whole_record(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    petition = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    step = record.add(petition, "unhcr", Happening(StepKind.ASKED, DAY, due=DAY), user=carol)
    new = record.correct(step, Happening(StepKind.ASKED, DAY, due=date(2026, 9, 1)), user=carol)
    paper = distilled(pdf())
    record.attach(new, paper, public=True, caption={"en": "The letter"}, user=carol)
    record.state(petition, "unhcr", ["demand-1-1"], Said(DemandState.MET, DAY, step=new), user=carol)
    Reminder.objects.create(step=new)
    before = deliveries_of(site.database, petition.pk)
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    restore(tmp_path / "copy")
    with closing(raw.connect()) as database:
        after = deliveries_of(database, petition.pk)
        assert (after.steps, after.statements) == (before.steps, before.statements)
        assert proof_data(database, petition.pk, paper.digest) == paper.data
    assert Reminder.objects.count() == 1
    later = record.add(
        petition, "china", Happening(StepKind.DELIVERED, DAY)
    )  # ids go on after the restored ones
    assert later.pk > new.pk and Step.objects.count() == 3
