"""Tools of the organiser, offline: open an export, audit it, make bundles. No Django, no database, any computer."""
