"""The sentences beside the two mailing boxes.

They are not in the translation files, because a change must be traceable, as for the consent of a signature. A
subscription stores the version of the sentence that was ticked, and each version's sentence is stored too.
"""

import hashlib
from collections.abc import Iterable

from sabal.petitions.snapshot import PetitionSnapshot

_SENTENCES = {
    "updates": {
        "en": "Email me when there is news about this petition. Sender: {who}. Every email has a link to unsubscribe.",
        "ko": "이 청원에 진전이 있을 때 이메일로 소식을 받겠습니다. 보내는 곳: {who}. 모든 이메일에 수신 거부 링크가 있습니다.",
        "zh-hans": "请在本请愿书有进展时发邮件告诉我。发件方：{who}。每封邮件都附有退订链接。",
    },
    "newsletter": {
        "en": "Email me the newsletter of {who}. Every email has a link to unsubscribe.",
        "ko": "{who}의 소식지를 이메일로 받겠습니다. 모든 이메일에 수신 거부 링크가 있습니다.",
        "zh-hans": "请用邮件把{who}的通讯发给我。每封邮件都附有退订链接。",
    },
}


def sentence(which: str, language: str, organiser: str) -> str:
    """Return the sentence for `updates` or `newsletter`, in English if the language has none of its own."""
    words = _SENTENCES[which]
    return words.get(language, words["en"]).format(who=organiser)


def offered_by(published: Iterable[PetitionSnapshot], language: str) -> str | None:
    """Return the name of the organiser of the newest petition that offers the newsletter, or None."""
    for petition in published:
        if petition.definition.newsletter:
            names = petition.definition.organiser
            return names.get(language) or names[petition.definition.authoritative]
    return None


def version(sentence: str) -> str:
    """Return the first 16 hex digits of the sentence's SHA-256."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:16]
