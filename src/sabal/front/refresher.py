"""Keep the petitions, the keys and the remaining capacity of a public process up to date."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from sabal import days
from sabal.database import Database, OperationalError, connect
from sabal.front.app import App
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.mail import relay

CAPACITY_EVERY = 5.0  # seconds
ASKED_EVERY = 10.0  # seconds; a process that is killed loses the number of forms of so long


class Refresher:
    """Refresh an App, on its own connection and thread."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="refresher")
        self._database: Database | None = None
        self._keystore: KeyStore | None = None
        self._capacity_refreshed = -CAPACITY_EVERY
        self._asked_stored = time.monotonic()

    async def refresh(self) -> None:
        """Refresh once. Let an error through; the App keeps what it knew before."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._refresh)

    async def store_asked(self) -> None:
        """Store how many forms were sent, at the end of the process."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store_asked)

    def close(self) -> None:
        """End the thread, without waiting for it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _refresh(self) -> None:
        app = self._app
        try:
            if self._database is None:
                self._database = connect()
            if self._keystore is None:
                self._keystore = open_keystore()
            app.snapshots.refresh(self._database, self._keystore)
            app.rules.refresh(self._database)
            app.keyring.refresh(self._database, self._keystore, days.number_at(time.time()))
            if time.monotonic() - self._capacity_refreshed >= CAPACITY_EVERY:
                app.capacity.refresh(self._database, app.snapshots.published())
                app.takes_international = relay.takes_international(self._database)
                self._capacity_refreshed = time.monotonic()
            if time.monotonic() - self._asked_stored >= ASKED_EVERY:
                self._store_asked()
        except BaseException:
            # The connection or the key may be the cause: the next refresh opens both again.
            if self._database is not None:
                self._database.close()
            self._database = self._keystore = None
            raise

    def _store_asked(self) -> None:
        """Store how many forms were sent. If the database refuses, try again later, on another connection."""
        self._asked_stored = time.monotonic()
        if self._database is None:
            return
        try:
            self._app.asked.store(self._database)
        except OperationalError:
            self._database.close()
            self._database = None
