"""The consent that a signer ticks. It names the controller, the purpose, the retention and the recipients' data.

The consent is part of the manifest, so it must not change with translations. The words of each language are therefore in
this file, and a manifest keeps the sentence that was current when it was made.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from sabal.petitions.countries import day_in_full
from sabal.petitions.definition import Definition


@dataclass(frozen=True)
class _Words:
    opinion: str
    gets: dict[str, str]
    audit: str
    withdraw: str


_WORDS = {
    "en": _Words(
        opinion=(
            "I sign this petition. I agree that {controller} keeps my name, my email address and, where I give it, my"
            " country, encrypted, until {retention}, for this purpose: {purpose} My signature shows a political opinion."
        ),
        gets={
            "count": "The recipients are given the number of signatures, no names.",
            "sample": "The recipients are given the number of signatures and a sample of them drawn by lot.",
            "names": "The recipients are given the names and countries of those who signed.",
        },
        audit="An independent auditor may be shown my record if it is drawn by lot, to check that signatures are real.",
        withdraw="I can withdraw at any time with the link that is emailed to me.",
    ),
    "ko": _Words(
        opinion=(
            "본인은 이 청원에 서명합니다. {controller}이(가) 본인의 이름과 이메일 주소, 그리고 기재한 경우 거주 국가를"
            " 암호화하여 {retention}까지 다음 목적으로 보관하는 데 동의합니다. 목적: {purpose} 서명은 정치적 견해를"
            " 드러내는 정보임을 알고 있습니다."
        ),
        gets={
            "count": "수신처에는 서명 수만 전달되며 이름은 전달되지 않습니다.",
            "sample": "수신처에는 서명 수와 추첨으로 뽑은 일부 서명이 전달됩니다.",
            "names": "수신처에는 서명한 사람의 이름과 국가가 전달됩니다.",
        },
        audit="서명이 실제인지 확인하기 위해, 추첨으로 뽑힌 경우 독립된 감사인이 본인의 기록을 열람할 수 있습니다.",
        withdraw="받은 이메일의 링크로 언제든지 서명을 철회할 수 있습니다.",
    ),
    "zh-hans": _Words(
        opinion=(
            "我签署这份请愿书，并同意{controller}以加密方式保存我的姓名、电子邮箱地址以及我填写的国家或地区，保存至"
            "{retention}，用途如下：{purpose}我知道签名会表明政治观点。"
        ),
        gets={
            "count": "收件方只会得到签名人数，不会得到姓名。",
            "sample": "收件方会得到签名人数以及抽签选出的部分签名。",
            "names": "收件方会得到签名者的姓名和所在国家或地区。",
        },
        audit="为核实签名真实，若被抽中，独立审核人可以查阅我的记录。",
        withdraw="我可以随时通过邮件中的链接撤回签名。",
    ),
}


def consent_text(definition: Definition, language: str) -> str:
    """Return the consent of a petition in `language`. A language without words here gets the English ones."""
    spoken = language if language in _WORDS else "en"
    words = _WORDS[spoken]
    purpose = definition.purpose[language].strip()
    if purpose[-1:] not in ".。！？!?":
        purpose += "。" if spoken == "zh-hans" else "."
    sentences = [
        words.opinion.format(
            controller=definition.controller.name,
            retention=day_in_full(definition.retention, spoken),
            purpose=purpose,
        ),
        words.gets[definition.recipients_get],
        *([words.audit] if definition.sample_audit else []),
        words.withdraw,
    ]
    return ("" if spoken == "zh-hans" else " ").join(sentences)


@lru_cache(maxsize=256)
def consent_version(text: str) -> str:
    """Return the version of a consent: the first 16 hex digits of its SHA-256. It is sealed with every signature."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
