"""The sentences beside the two mailing boxes.

Each names the organisation that will write, and the one that is responsible if it has another name.

They are not in the translation files, because a change must be traceable, as for the consent of a signature. A
subscription stores the version of the sentence that was ticked, and each version's sentence is stored too.
"""

import hashlib

from sabal.petitions.definition import Definition
from sabal.petitions.locales import isolated, without_second_stop
from sabal.petitions.organisation import controller_name, language_of_names, organiser_name

_SENTENCES = {
    "updates": {
        "en": "Email me when there is news about this petition. Sender: {who}. {responsible}Every email has a link to unsubscribe.",
        "ko": "이 청원에 진전이 있을 때 이메일로 소식을 받겠습니다. 보내는 곳: {who}. {responsible}모든 이메일에 수신 거부 링크가 있습니다.",
        "zh-hans": "请在本请愿书有进展时发邮件告诉我。发件方：{who}。{responsible}每封邮件都附有退订链接。",
        "ja": "この請願に動きがあったときに、メールでお知らせを受け取ります。差出人：{who}。{responsible}どのメールにも配信停止のリンクがあります。",
    },
    "newsletter": {
        "en": "Email me the newsletter of {who}. {responsible}Every email has a link to unsubscribe.",
        "ko": "{who}의 소식지를 이메일로 받겠습니다. {responsible}모든 이메일에 수신 거부 링크가 있습니다.",
        "zh-hans": "请用邮件把{who}的通讯发给我。{responsible}每封邮件都附有退订链接。",
        "ja": "{who}のニュースレターをメールで受け取ります。{responsible}どのメールにも配信停止のリンクがあります。",
    },
}


_RESPONSIBLE = {
    "en": "{name} is responsible for this list. ",
    "ko": "이 명단의 책임자는 {name}입니다. ",
    "zh-hans": "此名单由{name}负责。",
    "ja": "配信リストの責任者：{name}。",
}


def sentence(which: str, definition: Definition, language: str) -> str:
    """Return the sentence for `updates` or `newsletter`, in English if the language has none of its own.

    Names in another language than the sentence's are between isolates.
    """
    words = _SENTENCES[which]
    spoken, named = language if language in words else "en", language_of_names(definition, language)
    who, controller = organiser_name(definition, language), controller_name(definition, language)
    responsible = _RESPONSIBLE[spoken].format(name=isolated(controller, named, spoken))
    asks_for = isolated(who, named, spoken)
    text = words[spoken].format(who=asks_for, responsible="" if controller == who else responsible)
    return without_second_stop(text, who, asks_for)


def version(sentence: str) -> str:
    """Return the first 16 hex digits of the sentence's SHA-256."""
    return hashlib.sha256(sentence.encode()).hexdigest()[:16]
