"""Run the benchmarks: `script/bench [--quick] [--database sqlite|postgresql] [--against COMMIT] [names…]`.

A full run is written to bench/RESULTS.md. A quick run, or a run of some names only, is just printed.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

from bench import (
    against,
    batch,
    desk,
    flushes,
    journeys,
    kill,
    latency,
    limited,
    log,
    mail,
    mailing,
    size,
    throughput,
    wrk,
)
from bench.stage import FULL, QUICK, Stage
from bench.table import Line, Table, machine, save
from bench.workspace import open_workspace

# In an order with few restarts of the server.
MEASUREMENTS: dict[str, Callable[[Stage], list[Line]]] = {
    "page": throughput.page,
    "weight": throughput.weight,
    "confirm": throughput.confirm,
    "journeys": journeys.journeys,
    "flushes": flushes.flushes,
    "sign": throughput.sign,
    "mail": mail.mail,
    "mailing": mailing.mailing,
    "one": throughput.one,
    "steady": latency.steady,
    "overload": latency.overload,
    "crowd": latency.crowd,
    "two": throughput.two,
    "sequencing": batch.sequencing,
    "verification": log.verification,
    "proof": log.proof,
    "tiles": log.tiles,
    "flood": log.flood,
    "against": against.against,
    "size": size.size,
    "desk": desk.desk,
    "kill": kill.kill,
}


def main() -> int:
    """Run the chosen measurements. Return 1 if one failed; a missed target is not a failure."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="three minutes, to check that all works; do not quote the numbers",
    )
    parser.add_argument(
        "--database", choices=["sqlite", "postgresql"], action="append", help="default: sqlite"
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help=f"only signing and confirming, compared with that commit (a full run compares with {against.BASELINE})",
    )
    parser.add_argument("names", nargs="*", metavar="names", help=f"some of: {', '.join(MEASUREMENTS)}")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in MEASUREMENTS]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(MEASUREMENTS)}")
    if lacking := wrk.missing():
        parser.error(lacking)
    if arguments.against:
        MEASUREMENTS["against"] = partial(against.against, commit=arguments.against)
        arguments.names = arguments.names or ["against"]
    tables = [measure(d, arguments.quick, arguments.names) for d in arguments.database or ["sqlite"]]
    if not (arguments.names or arguments.quick):
        save(tables)
    return 1 if any(table.failed for table, _ in tables) else 0


def measure(database: str, quick: bool, names: list[str]) -> tuple[Table, list[str]]:
    """Return one table, and the description of the machine."""
    table = Table(database, quick)
    with open_workspace(database) as workspace:
        host = machine(workspace.folder, workspace.server)
        print(f"{database}: {'; '.join(host)}", flush=True)
        stage = Stage(workspace, QUICK if quick else FULL)
        limited.check_on(stage.server())
        for name, measurement in MEASUREMENTS.items():
            if names and name not in names:
                continue
            start = time.monotonic()
            try:
                table.add(measurement(stage))
            except Exception as error:  # one failure must not lose the numbers of the others
                traceback.print_exc()
                table.failed.append(f"{name} ({type(error).__name__}: {error})")
                stage.stop()
            print(f"       {name} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        stage.stop()
    return table, host


if __name__ == "__main__":
    sys.exit(main())
