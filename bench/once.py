"""Measure signing and confirming once, with the `sabal` on the path: `python -m bench.once DATABASE SECONDS`.

This is a process of its own, so that the same functions can measure another checkout. It prints one line of JSON.
"""

import json
import sys

import sabal
from bench import throughput, wrk
from bench.journeys import rate
from bench.workspace import open_workspace


def main() -> None:
    """Measure, and print the rates."""
    database, seconds = sys.argv[1], float(sys.argv[2])
    with open_workspace(database) as workspace:
        server = workspace.new_server("server")
        server.start()
        found: dict[str, object] = {"of": sabal.__file__}
        found["sign"] = throughput.signatures(server, seconds).rate
        run = wrk.confirm(server.address(), throughput.pending_tokens(server, seconds), seconds)
        if run.refused > run.requests / 50:
            raise RuntimeError(f"{run.refused} of {run.requests} confirmations were refused")
        found["confirm"] = run.rate
        found["journeys"] = rate(server, seconds)
        server.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
