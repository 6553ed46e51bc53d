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
        house = here.house("house")
        house.start()
        found: dict[str, object] = {"of": sabal.__file__}
        found["sign"] = throughput.signatures(house, seconds).rate
        run = wrk.confirm(house.address(), throughput._pending_tokens(house, seconds), seconds)
        if run.refused > run.requests / 50:
            raise RuntimeError(f"{run.refused} of {run.requests} confirmations were refused")
        found["confirm"] = run.rate
        found["journeys"] = rate(house, seconds)
        house.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
