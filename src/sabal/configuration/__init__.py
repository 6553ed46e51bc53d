"""The text of each setting, parsed into a value, or refused in a sentence that does not show it."""
