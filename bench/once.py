"""One round of signing and confirming with whichever `sabal` is on the path: `python -m bench.once DATABASE SECONDS`.

A process of its own, so that another checkout's code can be measured by the same functions. Prints one line of JSON.
"""

import json
import sys

import sabal
from bench import throughput, wrk
from bench.journeys import rate
from bench.place import place


def main() -> None:
    """Measures."""
    database, seconds = sys.argv[1], float(sys.argv[2])
    with place(database) as here:
        server = here.new_server("house")
        server.start()
        found: dict[str, object] = {"of": sabal.__file__}
        found["sign"] = throughput.signatures(server, seconds).rate
        run = wrk.confirm(server.address(), throughput._pending_tokens(server, seconds), seconds)
        if run.refused > run.requests / 50:
            raise RuntimeError(f"{run.refused} of {run.requests} confirmations were refused")
        found["confirm"] = run.rate
        found["journeys"] = rate(server, seconds)
        server.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
