"""The doctor's check of the emails that were sent: what email providers did with those of the last day."""

from collections import Counter, defaultdict

from sabal.database import Database
from sabal.mail import traffic
from sabal.mail.traffic import RESULTS
from sabal.operating.findings import Finding

TRIES_A_DAY = 12  # tries of one email that the provider always defers


def sent(connection: Database, hour: int) -> Finding:
    """Add up the results of the 24 hours before `hour` (in hours since 1970), and name providers that refuse most."""
    total, by_provider = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for (provider, end), n in traffic.between(connection, hour - 24, hour).items():
        total[RESULTS[end]] += n
        by_provider[provider][RESULTS[end]] += n
    if not total:
        return Finding("ok", "D305", "No email was tried in the last 24 hours.")
    sentence = f"Emails of the last 24 hours: {_in_words(total)}."
    failed = Counter({p: results.total() - results["accepted"] for p, results in by_provider.items()})
    lines = [f"{p}: {_in_words(by_provider[p])}" for p, n in failed.most_common() if n]
    # A single email address that never accepts is not the provider's problem.
    bad = [p for p, n in failed.most_common() if n > max(TRIES_A_DAY, by_provider[p]["accepted"])]
    if not bad:
        return Finding("ok", "D305", sentence, "\n".join(lines))
    lines.append(
        "The worker's messages say why (journalctl -u sabal). D302 to D304 say which DNS records email providers"
        " expect."
    )
    sentence += f" Most emails do not arrive at: {', '.join(bad)}."
    return Finding("warning", "D305", sentence, "\n".join(lines))


def _in_words(results: Counter[str]) -> str:
    return ", ".join(
        f"{results[result]} {result}" for result in dict.fromkeys(RESULTS.values()) if results[result]
    )
