"""Helpers of the mail tests: Carol's petition, a server with an outbox, and an SMTP server that shows sent emails."""

import base64
import importlib
import json
import subprocess
from dataclasses import dataclass, field, replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import tlog
from sabal import hot_tables, token
from sabal.configuration.mail_url import MailUrl
from sabal.configuration.sender import Sender
from sabal.database import Database, connect
from sabal.keys.keystore import KeyStore, mail_key_name, seal
from sabal.mail import emails, outbox
from sabal.mail.ids import CONFIRM_NEWSLETTER, CONFIRM_SIGNATURE, NORMAL, email_id
from sabal.mail.smtp import SmtpTransport
from sabal.petitions.definition import Controller, Definition, Demand, Section, Text
from sabal.signing import reminder

TODAY = 20_781  # days since 1970
FROM_SIGNING = TODAY + 7  # the expiry of a signature from yesterday
NOON = TODAY * 86_400 + 43_200.0
SITE = emails.Site("https://petition.example", Sender("Petitions", "mail@petition.example"))
PACKAGES = ("keys", "signing", "mail", "newsletter")


def definition(profile: str = "guarded") -> Definition:
    """Return the definition of Carol's petition. Its name must not leak."""
    texts = {
        language: Text(
            language,
            title,
            "Keep the river.",
            (Section("Background", "Water."),),
            "What we ask",
            (Demand("demand-1", "Stop."),),
        )
        for language, title in (
            ("en", "Save the Blue River"),
            ("ko", "푸른 강을 지켜 주십시오"),
            ("zh-hans", "保护蓝河"),
            ("ja", "青い川を守ってください"),
        )
    }
    return Definition(
        slug="save-the-blue-river",
        languages=("en", "ko", "zh-hans", "ja"),
        authoritative="en",
        organiser={
            "en": "Friends of the Blue River",
            "ko": "푸른 강의 벗",
            "zh-hans": "蓝河之友",
            "ja": "青い川の会",
        },
        profile=profile,
        dedupe="pepper",
        hint="lantern",
        controller=Controller(
            {"en": "Friends of the Blue River"}, {"en": "1 Bank Road"}, "privacy@petition.example"
        ),
        retention=date(2028, 1, 1),
        purpose={"en": "to hand it over"},
        recipients=(),
        texts=texts,
    )


LOG = tlog.Signer("petition.example/abcdefgh/log", bytes(32))
CHECKPOINT = tlog.Checkpoint(LOG.verifier.name, 1, tlog.leaf_hash(b"opened")).sign(LOG)


@dataclass
class Counts:
    """The counts of a petition whose log was opened."""

    checkpoint: bytes = CHECKPOINT


@dataclass
class Petition:
    """The parts of a snapshot that the outbox uses."""

    definition: Definition
    counts: Counts = field(default_factory=Counts)


class Petitions:
    """Petition 1 is guarded, and petition 2 is open."""

    def by_id(self, petition_id: int) -> Petition | None:
        return {1: Petition(definition()), 2: Petition(definition("open"))}.get(petition_id)


@dataclass
class World:
    """A server at noon: its database, its keys, a clock that the test moves, and its outbox."""

    url: str
    database: Database
    keystore: KeyStore
    now: float = NOON
    keys: dict[int, bytes] = field(default_factory=dict)

    def another_connection(self) -> Database:
        return connect(self.url)

    def write(self, to: str = "suzie@example.org", **changed: Any) -> bytes:
        """Queue a pending row and an email as signing does, and return the token."""
        row: dict[str, Any] = {
            "kind": CONFIRM_SIGNATURE,
            "petition": 1,
            "day": TODAY,
            "lane": NORMAL,
            "network": 0,
            "lang": "en",
        } | changed
        raw = token.new()
        day = row["day"]
        if day not in self.keys:
            self.keys[day] = self.keystore.make(self.database, mail_key_name(day))
        content = {"to": to, "lang": row["lang"], "token": token.encode(raw), **row.get("more", {})}
        sealed = seal(self.keys[day], json.dumps(content).encode(), b"letter")
        self.insert(row, row.get("sealed", sealed))
        if row["kind"] != CONFIRM_NEWSLETTER:
            self.database.insert(
                "signing_pending",
                (
                    "token_hash",
                    "petition_id",
                    "version_id",
                    "pepper_epoch",
                    "commitment",
                    "w",
                    "sealed_id",
                    "pending_payload",
                    "mailbox",
                    "expires",
                ),
                [
                    (
                        token.digest(raw),
                        row["petition"],
                        1,
                        1,
                        b"C",
                        b"w",
                        1,
                        b"payload",
                        bytes(32),
                        FROM_SIGNING,
                    )
                ],
            )
        return raw

    def insert(self, row: dict[str, Any], sealed: bytes) -> None:
        self.database.insert(
            "mail_email",
            ("id", "petition_id", "kind", "mail_key", "sealed", "network"),
            [
                (
                    row.get("id") or email_id(row["lane"], row["day"]),
                    row["petition"],
                    row["kind"],
                    row["day"],
                    sealed,
                    row["network"],
                )
            ],
        )

    def send(self, transport: Any, **options: Any) -> outbox.SendReport:
        database = options.pop("database", self.database)
        fixed: dict[str, Any] = {
            "petitions": Petitions(),
            "accepted": reminder.note_accepted,
            "site": SITE,
            "chance": lambda: 0.5,
            "pause": lambda _: None,
        }
        return outbox.send_due(database, self.keystore, transport, lambda: self.now, **fixed | options)

    def waiting(self) -> int:
        return int(self.database.query("SELECT count(*) FROM mail_email")[0][0])

    def expiry(self, raw: bytes) -> int:
        rows = self.database.query(
            "SELECT expires FROM signing_pending WHERE token_hash = ?", (token.digest(raw),)
        )
        return rows[0][0]  # type: ignore[no-any-return]

    def traffic(self) -> dict[tuple[str, str], int]:
        return {(p, o): n for p, o, n in self.database.query("SELECT provider, outcome, n FROM mail_traffic")}


def create_tables(database: Database) -> None:
    """Create the tables as the migrations do."""
    for package in PACKAGES:
        sql = importlib.import_module(f"sabal.{package}.migrations.0001_initial").SQL
        for statement in hot_tables._statements(sql, database.vendor):
            database.execute(statement.replace("%", "%%") if database.vendor == "postgresql" else statement)


@dataclass
class Sink:
    """A running `smtp_sink.py`, with its port and the file that it writes."""

    port: int
    file: Path
    process: subprocess.Popen[str]
    transports: list[SmtpTransport] = field(default_factory=list)

    def transport(self, timeout: float = 5.0, **changed: Any) -> SmtpTransport:
        url = replace(MailUrl("smtp", "127.0.0.1", self.port), **changed)
        self.transports.append(SmtpTransport(url, "petition.example", timeout=timeout))
        return self.transports[-1]

    def lines(self) -> list[dict[str, Any]]:
        """Read the whole lines; the server may be in the middle of writing the last one."""
        if not self.file.exists():
            return []
        lines = self.file.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def emails(self) -> list[EmailMessage]:
        return [
            message_from_bytes(base64.b64decode(line["content"]), policy=policy.default)  # type: ignore[misc]
            for line in self.lines()
        ]
