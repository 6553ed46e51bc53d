"""The petition for a night bus, in any languages: what a town would publish."""

from sabal.petitions import folder
from sabal.petitions.definition import Definition

TERMS = """\
slug = "night-bus"
languages = [{languages}]
authoritative = "{first}"
organiser = "Friends of the night bus"
profile = "{profile}"
hint = "lantern"
retention = 2031-05-01
purpose = "To hand the petition over"
{more}
[controller]
name = "Friends of the night bus"
address = "Long Road 1"
privacy_contact = "privacy@bus.example"

[fields]
{fields}

[[recipients]]
name = "The City Council"
"""
TEXT = """\
---
title: Keep the night bus
summary: We ask the city to keep the night bus.
---

## What we ask

- Keep the bus
"""


def night_bus(*languages: str, profile: str = "open", more: str = "", fields: str = "") -> Definition:
    """Return the petition. `more` are further lines of petition.toml, `fields` those of its [fields]."""
    listed = ", ".join(f'"{language}"' for language in languages)
    terms = TERMS.format(languages=listed, first=languages[0], profile=profile, more=more, fields=fields)
    return folder.parse({"petition.toml": terms, **{f"{language}.md": TEXT for language in languages}})
