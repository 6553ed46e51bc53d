"""Rules of a petition that its moderators change while people sign: email domains, networks, and how strict limits are.

Public processes look once a second whether a rule changed. Applying them reads memory only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from enum import StrEnum

from sabal.database import Database, Row
from sabal.limits.networks import packed
from sabal.refusal import Refusal

MOST = 1_000  # rules of one petition
DOMAIN, NETWORK = "domain", "network"
NARROWEST = {4: 24, 6: 64}  # bits of a network: no rule stores the address of one person
WIDEST = {4: 8, 6: 16}
STRICTNESS = (0.1, 1.0, 10.0)  # by what a network's number of attempts is multiplied: wide, usual, strict


class Effect(StrEnum):
    """What happens to a signature that a rule matches."""

    ALLOW = "allow"  # it is never held or slowed for its number
    HOLD = "hold"  # it is held for review
    REFUSE = "refuse"  # nothing is stored


class NoNetwork(ValueError):
    """The text is no network, or a network that is too wide."""


class TooManyRules(Refusal):
    """A petition has the most rules that it may have."""


class Rules:
    """The rules of one petition. The narrowest network decides, and the longest domain."""

    def __init__(self, revision: int = 0, strictness: float = 1.0, rows: Iterable[Row] = ()) -> None:
        """Take rows of kind, value and effect."""
        self.revision, self.strictness = revision, strictness
        self._domains: dict[str, Effect] = {}
        self._networks: dict[
            tuple[int, int], dict[int, Effect]
        ] = {}  # (bytes of an address, bits) → prefixes
        for kind, value, effect in rows:
            if kind == DOMAIN:
                self._domains[value] = Effect(effect)
                continue
            network = ipaddress.ip_network(value)
            size = network.max_prefixlen // 8
            prefix = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            self._networks.setdefault((size, network.prefixlen), {})[prefix] = Effect(effect)
        self._widths = sorted(self._networks, key=lambda width: -width[1])

    def of_domain(self, domain: str) -> Effect | None:
        """Return the effect on an email domain, or on one that it belongs to; None if no rule names it."""
        while domain and self._domains:
            if (effect := self._domains.get(domain)) is not None:
                return effect
            domain = domain.partition(".")[2]
        return None

    def of_address(self, address: str) -> Effect | None:
        """Return the effect on the network of a client's address; None if no rule names it."""
        if not self._widths:
            return None
        data = packed(address)
        number, size = int.from_bytes(data), len(data)
        for width in self._widths:
            if width[0] == size:
                effect = self._networks[width].get(number >> (8 * size - width[1]))
                if effect is not None:
                    return effect
        return None


NO_RULES = Rules()


class RuleBook:
    """The rules of all petitions that one process knows. `refresh` runs in one thread; any thread may read."""

    def __init__(self) -> None:
        self._by_slug: Mapping[str, Rules] = {}

    def of(self, slug: str) -> Rules:
        """Return the rules of a petition."""
        return self._by_slug.get(slug, NO_RULES)

    def refresh(self, database: Database) -> None:
        """Load what changed. Raises the database driver's OperationalError; the old rules then stay."""
        rows = database.query(
            "SELECT p.slug, l.petition_id, l.revision, l.strictness FROM limits_petition l"
            " JOIN petitions_petition p ON p.id = l.petition_id"
        )
        known, fresh = self._by_slug, dict[str, Rules]()
        for slug, petition_id, revision, strictness in rows:
            old = known.get(slug)
            if old is not None and old.revision == revision:
                fresh[slug] = old
            else:
                fresh[slug] = Rules(revision, strictness, rules(database, petition_id))
        self._by_slug = fresh


def rules(database: Database, petition_id: int) -> list[Row]:
    """Return the rules of a petition as kind, value and effect."""
    return database.query(
        "SELECT kind, value, effect FROM limits_rule WHERE petition_id = ? ORDER BY kind, value",
        (petition_id,),
    )


def strictness(database: Database, petition_id: int) -> float:
    """Return by what a network's number of attempts is multiplied."""
    rows = database.query("SELECT strictness FROM limits_petition WHERE petition_id = ?", (petition_id,))
    return float(rows[0][0]) if rows else 1.0


def add(database: Database, petition_id: int, kind: str, values: Iterable[str], effect: Effect) -> int:
    """Add rules, and return their number. A value that has a rule gets this effect. Raises TooManyRules."""
    rows = [(petition_id, kind, value, effect.value) for value in sorted(set(values))]
    with database.transaction():
        _touch(database, petition_id)
        database.insert(
            "limits_rule",
            ("petition_id", "kind", "value", "effect"),
            rows,
            on_conflict="(petition_id, kind, value) DO UPDATE SET effect = excluded.effect",
        )
        sql = "SELECT COUNT(*) FROM limits_rule WHERE petition_id = ?"
        if database.query(sql, (petition_id,))[0][0] > MOST:
            raise TooManyRules(f"A petition has at most {MOST:,} rules.")
    return len(rows)


def remove(database: Database, petition_id: int, kind: str, value: str) -> bool:
    """Remove a rule. Return whether there was one."""
    with database.transaction():
        removed = database.execute(
            "DELETE FROM limits_rule WHERE petition_id = ? AND kind = ? AND value = ?",
            (petition_id, kind, value),
        )
        if removed:
            _touch(database, petition_id)
    return bool(removed)


def set_strictness(database: Database, petition_id: int, factor: float) -> None:
    """Set by what a network's number of attempts is multiplied."""
    if factor not in STRICTNESS:
        raise ValueError("no such strictness")
    with database.transaction():
        _touch(database, petition_id)
        database.execute(
            "UPDATE limits_petition SET strictness = ? WHERE petition_id = ?", (factor, petition_id)
        )


def network_of(text: str) -> str:
    """Return a network as it is stored: an address becomes its /24 or /64. Raises NoNetwork."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise NoNetwork(text) from None
    if network.prefixlen < WIDEST[network.version]:
        raise NoNetwork(text)
    narrowest = NARROWEST[network.version]
    return str(network.supernet(new_prefix=narrowest) if network.prefixlen > narrowest else network)


def _touch(database: Database, petition_id: int) -> None:
    """Let public processes load the rules again."""
    database.insert(
        "limits_petition",
        ("petition_id", "revision", "strictness"),
        [(petition_id, 1, 1.0)],
        on_conflict="(petition_id) DO UPDATE SET revision = limits_petition.revision + 1",
    )
