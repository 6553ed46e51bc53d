"""The consent that a signer ticks: one sentence, and beneath it what is kept, who gets it, why and for how long.

The consent is part of the manifest, so it must not change with translations. The words of each language are therefore in
this file, and a manifest keeps the text that was current when it was made: the sentence, then one term a line. The terms
name the fields that the petition's form has, and no others.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sabal.petitions.countries import day_in_full
from sabal.petitions.definition import Definition
from sabal.petitions.locales import nearest


@dataclass(frozen=True)
class _Words:
    """The words of one language. `kept` has the fields of the form by name; "" stands before and after them."""

    sentence: str
    kept: str
    fields: Mapping[str, str]
    always: tuple[str, str]
    comma: str
    keeper: str
    until: str
    purpose: str
    display: str
    gets: Mapping[str, str]
    countries: str
    public: tuple[str, str]
    audit: str
    opinion: str
    reminder: str
    withdraw: str


_WORDS = {
    "en": _Words(
        sentence="I sign this petition, and I agree that my data are kept and used as listed here.",
        kept="Kept, encrypted: {fields}.",
        fields={"country": "my country (if I give it)", "comment": "my comment (if I write one)"},
        always=(
            "my name, my email address",
            "the day and the language of signing, and a mark if a program seems to have filled in the form",
        ),
        comma=", ",
        keeper="Who keeps and can read it: {who}",
        until="Until: {day}",
        purpose="For this purpose: {purpose}",
        display="On the petition’s page: my name or my initials, if I choose so.",
        gets={
            "count": "Recipients get: the number of signatures, no names.",
            "sample": "Recipients get: the number of signatures and, of a sample drawn by lot, the names{countries}.",
            "names": "Recipients get: the names{countries} of those who signed.",
        },
        countries=" and countries",
        public=(
            "Everyone sees: how many have signed.",
            "Everyone sees: how many have signed, also by country.",
        ),
        audit="An independent auditor may see: my whole record, if it is drawn by lot, to check that signatures are real.",
        opinion="Political opinion: my signature shows one.",
        reminder=(
            "If I do not confirm: I get one reminder after one to three days. Until then my email address also stays,"
            " encrypted, on this server."
        ),
        withdraw="Withdrawing: at any time, with the link that is emailed to me.",
    ),
    "ko": _Words(
        sentence="본인은 이 청원에 서명하며, 아래와 같이 개인정보를 보관하고 이용하는 데 동의합니다.",
        kept="암호화하여 보관하는 정보: {fields}.",
        fields={"country": "거주 국가(기재한 경우)", "comment": "의견(작성한 경우)"},
        always=("이름, 이메일 주소", "서명한 날짜와 언어, 프로그램이 작성한 것으로 보이는 경우 그 표시"),
        comma=", ",
        keeper="보관하고 열람할 수 있는 곳: {who}",
        until="보관 기한: {day}",
        purpose="목적: {purpose}",
        display="청원 페이지에 표시: 본인이 선택한 경우 이름 또는 머리글자.",
        gets={
            "count": "수신처에 전달: 서명 수. 이름은 전달하지 않습니다.",
            "sample": "수신처에 전달: 서명 수, 그리고 추첨으로 뽑은 일부 서명의 이름{countries}.",
            "names": "수신처에 전달: 서명한 사람의 이름{countries}.",
        },
        countries="과 국가",
        public=("누구나 볼 수 있는 것: 서명 수.", "누구나 볼 수 있는 것: 전체 및 국가별 서명 수."),
        audit="독립된 감사인의 열람: 서명이 실제인지 확인하기 위해, 추첨으로 뽑힌 경우 본인의 기록 전체.",
        opinion="정치적 견해: 서명하면 드러납니다.",
        reminder=(
            "확인하지 않을 경우: 하루에서 사흘 뒤에 확인 안내 이메일을 한 번 더 받습니다. 그때까지 이메일 주소도 암호화되어 이"
            " 서버에 보관됩니다."
        ),
        withdraw="철회: 받은 이메일의 링크로 언제든지 할 수 있습니다.",
    ),
    "zh-hans": _Words(
        sentence="我签署这份请愿书，并同意按以下所列保存和使用我的信息。",
        kept="加密保存的内容：{fields}。",
        fields={"country": "居住的国家或地区（如有填写）", "comment": "留言（如有填写）"},
        always=("姓名、电子邮箱地址", "签名的日期和语言，以及疑似由程序填表时的标记"),
        comma="、",
        keeper="保存并可查阅者：{who}",
        until="保存至：{day}",
        purpose="用途：{purpose}",
        display="显示在请愿页面上：我选择公开的姓名或姓名首字母。",
        gets={
            "count": "收件方得到：签名人数，不含姓名。",
            "sample": "收件方得到：签名人数，以及抽签选出的部分签名者的姓名{countries}。",
            "names": "收件方得到：签名者的姓名{countries}。",
        },
        countries="和所在国家或地区",
        public=("所有人可见：签名人数。", "所有人可见：签名人数，包括按国家或地区统计的人数。"),
        audit="独立审核人可查阅：若被抽中，我的全部记录，以核实签名真实。",
        opinion="政治观点：签名会表明政治观点。",
        reminder="如果我没有确认：一至三天后会收到一封提醒邮件。在此之前，我的电子邮箱地址也会加密保存在本服务器上。",
        withdraw="撤回：可以随时通过邮件中的链接撤回签名。",
    ),
    "ja": _Words(
        sentence="この請願に署名し、個人情報が以下のとおり保管・利用されることに同意します。",
        kept="暗号化して保管するもの：{fields}。",
        fields={"country": "居住する国・地域（入力した場合）", "comment": "コメント（書いた場合）"},
        always=(
            "氏名、メールアドレス",
            "署名した日付と言語、プログラムによる入力が疑われる場合はその印",
        ),
        comma="、",
        keeper="保管し、読むことができる者：{who}",
        until="保管期限：{day}",
        purpose="目的：{purpose}",
        display="請願のページへの表示：私が選んだ場合、氏名またはイニシャル。",
        gets={
            "count": "提出先に渡すもの：署名数のみ。氏名は渡しません。",
            "sample": "提出先に渡すもの：署名数と、抽選で選ばれた一部の署名者の氏名{countries}。",
            "names": "提出先に渡すもの：署名者の氏名{countries}。",
        },
        countries="および国・地域",
        public=("誰でも見られるもの：署名数。", "誰でも見られるもの：署名数（国・地域別を含む）。"),
        audit="独立した監査人が見られるもの：署名が本物であることを確かめるため、抽選で選ばれた場合は私の記録のすべて。",
        opinion="政治的意見：署名によって示されます。",
        reminder=(
            "確認しなかった場合：1～3日後に、確認をお願いするメールがもう一度だけ届きます。それまでの間、メールアドレスも"
            "暗号化されてこのサーバーに保管されます。"
        ),
        withdraw="撤回：届いたメールのリンクから、いつでもできます。",
    ),
}


class Term(NamedTuple):
    """A term: what it is about, what it says, and the language of that if it is the petition's own words, else ""."""

    about: str
    says: str
    language: str = ""


@dataclass(frozen=True)
class Consent:
    """A consent as a page shows it: the sentence to tick, its terms, and the language of both."""

    sentence: str
    terms: tuple[Term, ...]
    language: str


def consent_text(definition: Definition, language: str) -> str:
    """Return the consent of a petition in `language`. A language without words here gets those of a near one."""
    spoken = language_of_words(language)
    return "\n".join([_WORDS[spoken].sentence, *_terms(definition, language, spoken)])


def shown(text: str, definition: Definition, language: str) -> Consent:
    """Return the parts of a consent of a petition in `language`, also of one that is a single line."""
    sentence, *lines = text.split("\n")
    own = (_keepers(definition, language), _on_one_line(definition.purpose[language]))
    parts = (_parts(line) for line in lines)
    return Consent(
        sentence,
        tuple(Term(about, says, language if says in own else "") for about, says in parts),
        language_of_words(language),
    )


@lru_cache(maxsize=256)
def consent_version(text: str) -> str:
    """Return the version of a consent: the first 16 hex digits of its SHA-256. It is sealed with every signature."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def language_of_words(language: str) -> str:
    """Return the language of the words of a consent for readers of `language`."""
    return nearest(language, _WORDS) or "en"


def _terms(definition: Definition, language: str, spoken: str) -> Iterator[str]:
    words, form = _WORDS[spoken], definition.fields
    asked = [words.fields[name] for name in words.fields if getattr(form, name)]
    yield words.kept.format(fields=words.comma.join([words.always[0], *asked, words.always[1]]))
    yield words.keeper.format(who=_keepers(definition, language))
    yield words.until.format(day=day_in_full(definition.retention, spoken))
    yield words.purpose.format(purpose=_on_one_line(definition.purpose[language]))
    if form.display:
        yield words.display
    yield words.gets[definition.recipients_get].format(countries=words.countries if form.country else "")
    if definition.sample_audit:
        yield words.audit
    yield words.public[form.country]
    yield words.opinion
    if definition.reminder:
        yield words.reminder
    yield words.withdraw


def _keepers(definition: Definition, language: str) -> str:
    """Return the controller, and the organiser if it has another name: its key opens the signatures."""
    names = (definition.controller.name[language], definition.organiser[language])
    return " · ".join(dict.fromkeys(_on_one_line(name) for name in names))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _parts(line: str) -> tuple[str, str]:
    """Split a term after its first colon, which is full-width in Chinese and Japanese and has no space after it."""
    about, colon, rest = line.partition("：" if "：" in line.partition(": ")[0] else ": ")
    return (about + colon, rest) if colon else ("", line)
