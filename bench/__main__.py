"""The benchmarks: `script/bench [--quick] [--database sqlite|postgresql] [--against COMMIT] [names…]`.

A full run is kept in bench/RESULTS.md; a quick one, or one of some names only, is printed.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial

from bench import against, batch, flushes, journeys, kill, latency, log, mail, size, throughput, wrk
from bench.place import place
from bench.stage import FULL, QUICK, Stage
from bench.table import Line, Table, keep, machine

# In an order that starts the house as seldom as may be.
MEASUREMENTS: dict[str, Callable[[Stage], list[Line]]] = {
    "page": throughput.page,
    "weight": throughput.weight,
    "confirm": throughput.confirm,
    "journeys": journeys.journeys,
    "flushes": flushes.flushes,
    "sign": throughput.sign,
    "mail": mail.mail,
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
    "kill": kill.kill,
}


def main() -> int:
    """Runs what was asked for; 1 where a measurement failed (a target that was missed is no failure)."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="three minutes, to see that all works; not to be quoted"
    )
    parser.add_argument(
        "--database", choices=["sqlite", "postgresql"], action="append", help="default: sqlite"
    )
    parser.add_argument(
        "--against",
        metavar="COMMIT",
        help=f"only signing and confirming, compared with that commit (a full run compares with {against.HEART})",
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
        keep(tables)
    return 1 if any(table.failed for table, _ in tables) else 0


def measure(database: str, quick: bool, names: list[str]) -> tuple[Table, list[str]]:
    """One table, and the machine it was measured on."""
    table = Table(database, quick)
    with place(database) as here:
        host = machine(here.folder, here.server)
        print(f"{database}: {'; '.join(host)}", flush=True)
        stage = Stage(here, QUICK if quick else FULL)
        for name, measurement in MEASUREMENTS.items():
            if names and name not in names:
                continue
            start = time.monotonic()
            try:
                table.add(measurement(stage))
            except Exception as error:  # one that fails must not take the others' numbers away
                traceback.print_exc()
                table.failed.append(f"{name} ({type(error).__name__}: {error})")
                stage.rest()
            print(f"       {name} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        stage.rest()
    return table, host


if __name__ == "__main__":
    sys.exit(main())
