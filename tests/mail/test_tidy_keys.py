"""Mail keys are kept while an email needs them, for at most eight days."""

import pytest

from mail.test_send_due import Faulty, Recorder
from mail.world import TODAY, World
from sabal.keys.keystore import KeyMissing, mail_key_name
from sabal.mail.tidy import tidy_keys
from sabal.mail.traffic import End


def days(world: World) -> set[int]:
    names = [name for (name,) in world.database.query("SELECT name FROM keys_key")]
    return {int(name.removeprefix("mail/")) for name in names if name.startswith("mail/")}


def test_keys_are_destroyed_after_their_emails_are_sent(world: World) -> None:
    for day in range(TODAY - 3, TODAY + 1):
        world.write(day=day)
    assert tidy_keys(world.database, world.keystore, TODAY) == []
    world.send(Recorder())
    assert tidy_keys(world.database, world.keystore, TODAY) == [TODAY - 3, TODAY - 2]
    assert days(world) == {TODAY - 1, TODAY}, "a signature may still arrive just after midnight"
    with pytest.raises(KeyMissing):
        world.keystore.mail_key(world.database, TODAY - 2)


def test_other_keys_stay(world: World) -> None:
    world.keystore.make(world.database, "pepper/1/1")
    world.keystore.make(world.database, "mailing")
    tidy_keys(world.database, world.keystore, TODAY)
    assert world.keystore.find(world.database, "pepper/1/1") and world.keystore.find(
        world.database, "mailing"
    )


def test_after_eight_days_keys_and_emails_are_deleted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(450):
        world.write(f"suzie{n}@example.org", day=TODAY - 8)
    world.write("max@example.org", day=TODAY - 7)
    assert tidy_keys(world.database, world.keystore, TODAY) == [TODAY - 8]
    assert world.waiting() == 1 and days(world) == {TODAY - 7}
    assert world.traffic() == {("unknown", End.EXPIRED): 450}
    assert "so dropped: 450 emails" in caplog.text
    assert tidy_keys(world.database, world.keystore, TODAY) == []


def test_the_key_of_tomorrow_stays(world: World) -> None:
    """Another server whose clock is ahead may have made it."""
    world.keystore.make(world.database, mail_key_name(TODAY + 1))
    assert tidy_keys(world.database, world.keystore, TODAY) == []


@pytest.mark.parametrize("persisted", [False, True])
@pytest.mark.parametrize("write", [0, 1, 2])
def test_every_write_failed_or_failed_but_persisted(world: World, write: int, persisted: bool) -> None:
    """Fail at the emails (0) or at the keys of two days (1, 2): the next call finishes the work."""
    world.write(day=TODAY - 8)
    world.keystore.make(world.database, mail_key_name(TODAY - 5))
    with pytest.raises(OSError, match="the commit failed"):
        tidy_keys(Faulty(world.database, write, persisted, 1), world.keystore, TODAY)  # type: ignore[arg-type]
    tidy_keys(world.database, world.keystore, TODAY)
    assert world.waiting() == 0 and days(world) == set()
    assert world.traffic() == {("unknown", End.EXPIRED): 1}
