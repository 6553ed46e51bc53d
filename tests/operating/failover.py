"""A site on a PostgreSQL primary with a standby, for the drills of a failover."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clusters import Cluster, follow, wait_for_replay
from operating.drill import Drill
from sabal import database as raw
from sabal import settings
from sabal.petitions.snapshots import Snapshots
from sites import point_django_at
from templates import migrate

NAME, ROLE = "petition", "operator"  # the role is no superuser, as docs/operating.md says


@dataclass(frozen=True)
class OnPrimary:
    """A template (tests/templates.py) that is used once: a new database on the primary."""

    primary: Cluster
    example: Path

    @contextmanager
    def copy(self, _folder: Path) -> Iterator[str]:
        with self.primary.connect() as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")
            connection.execute(f"CREATE DATABASE {NAME} OWNER {ROLE}")
        url = self.primary.url(NAME, ROLE)
        migrate(url)
        yield url


class Failover(Drill):
    """A drill on a primary whose standby can take over, with or without what was committed last."""

    primary: Cluster
    standby: Cluster

    def follow(self) -> None:
        """Start the standby, with everything that was committed until now."""
        follow(self.primary, self.standby)
        wait_for_replay(self.primary, self.standby)

    def cut_off(self) -> None:
        """End the replication: the standby lacks what is committed from now on."""
        wait_for_replay(self.primary, self.standby)
        self.standby.stop("fast")

    def fail_over(self, *, cleanly: bool = False) -> None:
        """Stop the primary, and promote the standby. `cleanly`: the standby has everything."""
        self.site.database.close()
        self.primary.stop("fast" if cleanly else "immediate")
        if not self.standby.running:
            self.standby.start()
        self.standby.promote()
        self.use(self.standby)

    def use(self, cluster: Cluster) -> None:
        """Connect to this server from now on, as a load balancer or a DNS name would."""
        url = cluster.url(NAME, ROLE)
        self.patch.setattr(settings, "DATABASE_URL", url)
        self.site.url = url
        point_django_at(url)
        self.site.database = raw.connect()
        self.site.snapshots = Snapshots()
        self.petition = self.site.petition()

    def move_to_empty_folder(self) -> Path:
        """Continue on a machine that has the server key and nothing else. Return the old folder."""
        old = self.site.data
        new = old.with_name(f"{old.name}-new")
        new.mkdir(mode=0o700)
        shutil.copy(old / "server.key", new / "server.key")
        self.move_to(new)
        return old

    def move_to(self, folder: Path) -> None:
        """Use this data folder from now on."""
        self.patch.setattr(settings, "DATA", folder)
        self.patch.setattr(settings, "SERVER_KEY_FILE", folder / "server.key")
        self.site.data = folder
