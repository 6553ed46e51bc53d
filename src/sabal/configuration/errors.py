"""Settings that cannot be used. The errors never show a value, because it may be a password in the wrong place."""

from collections.abc import Sequence

from sabal.refusal import Refusal


class SettingError(Refusal):
    """One setting cannot be used. `sentence` names the setting and the fault, `hint` shows the right form."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(f"{sentence} {hint}")
        self.sentence, self.hint = sentence, hint


class SettingsError(Refusal):
    """Some settings cannot be used. The text has two lines for each: its id and the sentence, and the hint."""

    def __init__(self, faults: Sequence[tuple[str, SettingError]]) -> None:
        super().__init__("\n".join(f"{id_}: {error.sentence}\n      {error.hint}" for id_, error in faults))
