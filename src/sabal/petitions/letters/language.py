"""Tell the language of a letter by its script, and by its commonest words where languages share one."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import regex

# Scripts that one language uses far more than any other.
_OF_SCRIPT = {
    "Hangul": "ko", "Hiragana": "ja", "Katakana": "ja", "Greek": "el", "Thai": "th", "Georgian": "ka", "Armenian": "hy",
    "Ethiopic": "am", "Myanmar": "my", "Khmer": "km", "Lao": "lo", "Bengali": "bn", "Gurmukhi": "pa", "Gujarati": "gu",
    "Oriya": "or", "Tamil": "ta", "Telugu": "te", "Kannada": "kn", "Malayalam": "ml", "Sinhala": "si", "Tibetan": "bo",
    "Mongolian": "mn-mong", "Thaana": "dv",
}  # fmt: skip
_SHARED = ("Latin", "Cyrillic", "Arabic", "Hebrew", "Devanagari")
_SCRIPT = regex.compile("|".join(rf"(?P<{name}>\p{{{name}}})" for name in (*_SHARED, "Han", *_OF_SCRIPT)))
# Characters that occur in only one of the two Chinese scripts.
_TRADITIONAL = frozenset(
    "國會為這個來時們說學對發與開關門問間電話書請願強還權難應護處達過經濟進運選題認證讓議變點從後體頭義業東車長馬聯"
    "將場廣網訊樓環動務區總統縣鄉鎮歲陽線錢醫廠園圖橋樹號給課離產實寫號"
)
_SIMPLIFIED = frozenset(
    "国会为这个来时们说学对发与开关门问间电话书请愿强还权难应护处达过经济进运选题认证让议变点从后体头义业东车长马联"
    "将场广网讯楼环动务区总统县乡镇岁阳线钱医厂园图桥树号给课离产实写号"
)
# With fewer common words, or with a rival so near, a guess must be checked.
LEAST, NEAR = 3.0, 0.8


@dataclass(frozen=True)
class Guess:
    """A language, and whether it is more than a guess. The language is "" if nothing speaks for any."""

    language: str
    sure: bool


def language_of(text: str) -> Guess:
    """Return the language in which `text` is mostly written."""
    scripts = Counter(match.lastgroup or "" for match in _SCRIPT.finditer(text[:60_000]))
    letters = scripts.total()
    if not letters:
        return Guess("", sure=False)
    kana = scripts["Hiragana"] + scripts["Katakana"]
    east_asian = {"ko": scripts["Hangul"], "ja": kana * 3, "zh": scripts["Han"]}
    # A word of Latin letters is as long as two or three Chinese characters or Korean syllables.
    if 3 * (scripts["Han"] + kana + scripts["Hangul"]) > letters - scripts["Han"] - kana - scripts["Hangul"]:
        language = max(east_asian, key=lambda one: east_asian[one])
        return Guess(_chinese(text) if language == "zh" else language, letters >= 4)
    script = scripts.most_common(1)[0][0]
    if script in _SHARED:
        return _by_words(text, script)
    return Guess(_OF_SCRIPT.get(script, ""), letters >= 4)


def script_in(text: str) -> str:
    """Return the script of most letters of a text, "" without letters. Those of East Asia are one."""
    scripts = Counter(match.lastgroup or "" for match in _SCRIPT.finditer(text[:1000]))
    script = scripts.most_common(1)[0][0] if scripts else ""
    return "Han" if script in ("Hangul", "Hiragana", "Katakana") else script


def _chinese(text: str) -> str:
    both = _TRADITIONAL & _SIMPLIFIED
    traditional = sum(character in _TRADITIONAL - both for character in text)
    simplified = sum(character in _SIMPLIFIED - both for character in text)
    return "zh-hant" if traditional > simplified else "zh-hans"


def _by_words(text: str, script: str) -> Guess:
    words = _common_words()[script]
    scores: dict[str, float] = {}
    for word in regex.findall(r"[\p{L}\p{M}]+", text[:60_000].lower()):
        for language in words.get(word, ()):
            scores[language] = scores.get(language, 0) + 1 / len(words[word])
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    if not ranked:
        # The first language in the table has the most speakers of those that share the script.
        return Guess(next(iter(_table()[script])), sure=False)
    best, score = ranked[0]
    rival = ranked[1][1] if len(ranked) > 1 else 0
    return Guess(best, score >= LEAST and rival < NEAR * score)


@cache
def _table() -> dict[str, dict[str, str]]:
    """Return the commonest words of each language, by script."""
    return tomllib.loads((Path(__file__).parent / "languages.toml").read_text("utf-8"))


@cache
def _common_words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the languages of each common word, by script."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for script, languages in _table().items():
        words = found.setdefault(script, {})
        for language, common in languages.items():
            for word in set(common.split()):
                words[word] = (*words.get(word, ()), language)
    return found
