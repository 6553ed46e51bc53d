"""What the organisers of invented petitions did: deliveries, answers, updates, a newsletter and a count from paper.

`happenings/` says what and when, in the languages of each petition; the verbs of the desk do it. They note the moment
by the server's clock, so it is set back afterwards.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib import resources
from typing import Any

from django.db.models import Max, Model

from sabal import pictures, settings
from sabal.accounts import audit
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Membership, Organisation, User
from sabal.database import Database
from sabal.delivery import record
from sabal.delivery.contact import Contact
from sabal.delivery.proofs import distilled
from sabal.delivery.record import Happening, Said
from sabal.delivery.rows import Proof, Statement, Step
from sabal.demo.drawings import DRAWINGS
from sabal.demo.letterbox import Letterbox
from sabal.demo.plans import Plan
from sabal.elsewhere import counting
from sabal.elsewhere.counting import Counted
from sabal.elsewhere.models import OtherCount
from sabal.keys.keystore import KeyStore
from sabal.mail.emails import Site
from sabal.mailings import control
from sabal.mailings.models import Mailing, Newsletter
from sabal.mailings.rendering import MailingWords
from sabal.mailings.sending import MailingSender
from sabal.petitions.deliveries import DemandState, StepKind, Way
from sabal.petitions.models import Petition
from sabal.petitions.posts import PostText
from sabal.petitions.snapshots import Snapshots
from sabal.updates import emailing, writing
from sabal.updates.writing import WrittenPost

HOUR = 11  # of the day on which something is done
# Seconds after an email's first try: some servers ask to come back later, and some of these ask again.
TRIES = (0, 1_800, 10_000, 40_000)
_DATED: Mapping[type[Model], str] = {
    Step: "made_at",
    Statement: "made_at",
    Proof: "made_at",
    OtherCount: "entered_at",
    AuditEntry: "at",
}


@dataclass
class Deeds:
    """The deeds for one petition. `day` does those of one day; Carol and Olga do them."""

    plan: Plan
    database: Database
    keystore: KeyStore
    letterbox: Letterbox
    _todo: Mapping[str, list[dict[str, Any]]] = field(init=False)

    def __post_init__(self) -> None:
        file = resources.files("sabal.demo") / "happenings" / f"{self.plan.slug}.toml"
        self._todo = tomllib.loads(file.read_text(encoding="utf-8"))

    def begin(self) -> None:
        """Enter how the recipients are reached, on the day on which the petition is published."""
        for contact in self._todo["contact"]:
            Contact.objects.create(
                petition=self._petition, **contact | {"postal": contact.get("postal", "").strip()}
            )

    def day(self, today: date, ago: int) -> None:
        """Do what is due on a day, so many days before the server starts. Then the emails of that day go."""
        now = int(datetime.combine(today, time(HOUR), UTC).timestamp())
        at = self.plan.days - ago
        verbs: Mapping[str, Callable[[dict[str, Any], date, int], None]] = {
            "step": self._step,
            "state": self._state,
            "count": self._count,
            "update": self._update,
            "newsletter": self._newsletter,
        }
        with _on(now):
            for kind, do in verbs.items():
                for one in self._todo.get(kind, ()):
                    if round(one["at"] * self.plan.days / 100) == at:
                        do(one, today, now)
        if Mailing.objects.filter(organisation=self.plan.slug, begun_at=now).exists():
            self._send(now)

    @property
    def _petition(self) -> Petition:
        return Petition.objects.get(slug=self.plan.slug)

    @property
    def _carol(self) -> User:
        return _person("Carol", self.plan.slug)

    def _step(self, one: dict[str, Any], today: date, _now: int) -> None:
        happened = Happening(
            StepKind(one["kind"]),
            today,
            way=Way(one["way"]) if "way" in one else None,
            by=one.get("by", ""),
            reference=one.get("reference", ""),
            due=today + timedelta(days=one["due_after"]) if "due_after" in one else None,
            language=one.get("language", ""),
            words={language: text.strip() for language, text in one.get("words", {}).items()},
        )
        step = record.add(self._petition, one["recipient"], happened, user=self._carol)
        if "proof" in one:
            file = distilled(DRAWINGS[one["proof"]]())
            record.attach(step, file, public=True, caption=one["caption"], user=self._carol)

    def _state(self, one: dict[str, Any], today: date, _now: int) -> None:
        """Say where demands are. The source is what the recipient said last."""
        step = Step.objects.filter(petition=self._petition, recipient=one["recipient"]).order_by("pk").last()
        said = Said(DemandState(one["state"]), today, step=step, notes=one.get("notes", {}))
        record.state(self._petition, one["recipient"], one["anchors"], said, user=self._carol)

    def _count(self, one: dict[str, Any], today: date, _now: int) -> None:
        """Enter a count from paper; a second person agrees."""
        counted = Counted(one["kind"], one["place"], one["signatures"], today, note=one["note"])
        count = counting.enter(self._carol, self._petition, counted)
        counting.decide(_person("Olga", self.plan.slug), count, agreed=True)

    def _update(self, one: dict[str, Any], _today: date, now: int) -> None:
        texts = {language: PostText(**text) for language, text in one["texts"].items()}
        drawn = pictures.encoded(DRAWINGS[one["picture"]](), pictures.PICTURE) if "picture" in one else None
        post = writing.begin(self._petition, WrittenPost(texts, drawn), user=self._carol, now=now)
        writing.publish(post, revision=post.revision, user=self._carol, now=now)
        emailing.email_due(now)

    def _newsletter(self, one: dict[str, Any], _today: date, now: int) -> None:
        Newsletter.objects.update_or_create(
            organisation=self.plan.slug, defaults={"how_often": one["how_often"]}
        )
        texts = {
            language: MailingWords(language, text["subject"], text["body"])
            for language, text in one["texts"].items()
        }
        carol = self._carol
        mailing = Mailing.objects.create(
            organisation=self.plan.slug, fallback=next(iter(texts)), made_at=now, made_by=carol
        )
        control.store_texts(mailing, texts)
        control.begin(mailing, now, carol.pk)
        owner = Organisation.objects.get(key=self.plan.slug)
        audit.record(carol, "mailing-begun", organisation=owner, details=texts[mailing.fallback].subject)

    def _send(self, begun: int) -> None:
        """Let the worker's own sender send the emails of the day."""
        snapshots, site = Snapshots(), Site(settings.BASE_URL, settings.MAIL_FROM)
        snapshots.refresh(self.database, self.keystore)
        for later in TRIES:
            sender = MailingSender([self.letterbox], settings.DATA, clock=partial(float, begun + later))
            while not sender.round(self.database, self.keystore, snapshots, site):
                pass
            sender.close()
        self.letterbox.taken()


def _person(name: str, organisation: str) -> User:
    """Return one of the people who work at an organisation. They have no password, so nobody signs in as them."""
    user, _ = User.objects.get_or_create(
        email=f"{name.lower()}@example.org", defaults={"name": name, "password": "!"}
    )
    owner = Organisation.objects.get(key=organisation)
    Membership.objects.get_or_create(user=user, organisation=owner, defaults={"role": TeamRole.OWNER.value})
    return user


@contextmanager
def _on(now: int) -> Iterator[None]:
    """Set the moment of the rows that are made inside, which the models take from the server's clock."""
    last = {model: _newest(model) for model in _DATED}
    yield
    moment = datetime.fromtimestamp(now, UTC)
    for model, column in _DATED.items():
        model._default_manager.filter(pk__gt=last[model]).update(**{column: moment})
    OtherCount.objects.filter(pk__gt=last[OtherCount]).exclude(decided_at=None).update(decided_at=moment)


def _newest(model: type[Model]) -> int:
    return int(model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0)
