"""Words that mark the parts of letters in English, Korean and Chinese, and words that the importer writes."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from sabal.petitions.definition import TO_COMPLETE


def _label(words: str) -> re.Pattern[str]:
    """Return a pattern for "word: rest" and for a line with only the word."""
    return re.compile(rf"(?i)(?P<label>{words})\s*(?:[:：]\s*(?P<rest>.*)|$)")


TO = _label(
    r"submit(?:ted)? to|address(?:ed to|ees?)|to|recipients?|attn\.?|attention|cc"
    r"|수신(?:인|자|처|\s*기관)?|받는\s*(?:사람|이|곳)|제출처|참조"
    r"|致送?|呈送?|收件人|主送|受文者|收文者|抄送|提交(?:给|至|給)?|递交(?:给|至)?"
)
# A form of address with the same meaning: "To the members of the council:".
TO_NAMED = re.compile(
    r"(?i)to (?P<rest>(?:the|all|his|her|our|members?)\b.{1,140})[,:]$|致(?P<name>[^:：]{2,60})[:：]$"
)
FROM = _label(
    r"from|submitted by|발신(?:인|자)?|보내는\s*(?:사람|이)|제출자|청원인"
    r"|发件人|發件人|来自|來自|请愿人|請願人"
)
SUBJECT = _label(r"subject|re|regarding|제\s*목|건명|안건|主题|主題|事由|主旨|标题|標題")
SECTION = _label(
    r"(?:the )?(?:background|context|introduction|preamble|reasons?|rationale|facts)"
    r"|(?:청원\s*)?(?:배경|취지|이유)|경과|현황|서문"
    r"|背景|缘由|緣由|理由|事实[与和]理由|事實[與和]理由|前言|引言|现状|現狀"
)
DEMANDS = _label(
    r"(?:our |the )?(?:demands?|requests?|asks|recommendations)(?: are)?(?: as follows)?"
    r"|what we (?:ask|demand|want|call)(?: for)?"
    r"|(?:우리의\s*)?(?:요구|촉구|청원|요청)\s*(?:사항|안)|우리의\s*요구|우리는\s*요구한다|우리는\s*촉구한다"
    r"|(?:我们的|我們的|具体|具體)?(?:要求|诉求|訴求|呼吁|呼籲)|请愿事项|請願事項|我们(?:要求|呼吁)|我們(?:要求|呼籲)"
)
# A sentence that asks. It opens the demands if it ends with a colon or a list follows it. In a letter without a list,
# such sentences are the demands.
ASKS = re.compile(
    r"(?i)(?:(?:therefore|thus|so|accordingly|hence|moreover|finally|also|further(?:more)?),?\s+)?"
    r"(?:we|i|the undersigned)\b.{0,120}?"
    r"\b(?:demand|urge|call(?:ing)? (?:up)?on|call for|ask|request|appeal to|insist|petition|require|want)\b"
    r"|(?:우리는|이에|따라서|그러므로).*(?:촉구|요구|요청|호소)(?:한다|합니다|하는\s*바)"
    r"|.*(?:촉구|요구|요청|호소)(?:한다|합니다|하는\s*바(?:이다|입니다)?)\s*[.:：]?$"
    r"|(?:因此|为此|為此|故|在此)?[，,]?\s*(?:我们|我們|本人|谨此|謹此).{0,40}?(?:要求|呼吁|呼籲|敦促|请求|請求|促请|促請|恳请|懇請)"
)
SIGN = re.compile(
    r"(?i)(?:if you|to|please|you can|sign|add|click|join).*"
    r"(?:\bsign\b.*\b(?:petition|letter|below|here|form)\b|\b(?:petition|below|here)\b.*\bsign\b"
    r"|add your name)"
    r"|(?:sign|add your name)\b.{0,40}\b(?:petition|below|here|form)\b"
    r"|add your name\b|.*서명.*(?:하시려면|하려면|해\s*주|부탁|바랍니다|참여|작성|입력)|.*(?:아래|여기).*서명"
    r"|.*(?:签名|签署|署名|联署|簽名|簽署|連署).*(?:请|請|填写|填寫|下方|点击|點擊|表格)"
    r"|.*(?:请|請|欢迎|歡迎).*(?:签名|签署|署名|联署|簽名|簽署|連署)"
)
NEWSLETTER = re.compile(
    r"(?i).*\b(?:newsletter|mailing list|subscribe)\b|.*(?:뉴스레터|소식지|구독)"
    r"|.*(?:订阅|訂閱|通讯邮件|電子報|电子报)"
)
SALUTATION = re.compile(
    r"(?i)(?:dear\b|your (?:excellenc|majest|honou?r)|to whom it may concern|honou?rable\b).{0,150}[,:]?$"
    r"|(?:존경하는|친애하는).{0,80}(?:께|님|귀하)?[,:]?$|.{1,60}귀하[,:]?$|尊敬的.{0,80}[：:，,]?$"
)
# The name in a salutation. It is the recipient if the letter names no other.
ADDRESSED = re.compile(
    r"(?i)dear (?!(?:sir|madam|all|friend|reader|mr|mrs|ms)\b)(?P<en>.{3,120}?)[,:]?$"
    r"|(?:존경하는\s*)?(?P<ko>.{2,60}?)\s*(?:귀하|께)[,:]?$|尊敬的(?P<zh>.{2,60}?)[：:，,]?$"
)
FAREWELL = re.compile(
    r"(?i)(?:(?:yours )?(?:sincerely|faithfully|truly|respectfully)(?: yours)?|respectfully submitted"
    r"|(?:kind|best|warm) regards|signed|with (?:respect|hope)|in solidarity)[,.:]?$"
    r"|감사합니다\.?$|(?:.{0,12}\s)?(?:드림|올림|배상)$|此致.{0,4}$|敬礼.?$|敬禮.?$"
)
DAY = re.compile(
    r"(?i)(?:[^\W\d]+,?\s+)?(?:\d{1,2}(?:st|nd|rd|th)?\s+[a-z]{3,9},?\s+\d{4}|[a-z]{3,9}\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4})"
    r"|\d{4}[-./]\s?\d{1,2}[-./]\s?\d{1,2}\.?|\d{4}\s*[년年]\s*\d{1,2}\s*[월月]\s*\d{1,2}\s*[일日号號]"
)
KIND_OF_LETTER = re.compile(
    r"(?i)(?:an? )?(?:petition|open letter|public petition|joint (?:letter|statement))[:.]?"
    r"|청원서?|공개\s*서한|성명서?|탄원서|请愿书|請願書|公开信|公開信|联署信|聯署信|呼吁书|呼籲書"
)

# Characters that occur in only one of the two Chinese scripts.
TRADITIONAL = frozenset(
    "國會為這個來時們說學對發與開關門問間電話書請願強還權難應護處達過經濟進運選題認證讓議變點從後體頭義業東車長馬聯"
)
SIMPLIFIED = frozenset(
    "国会为这个来时们说学对发与开关门问间电话书请愿强还权难应护处达过经济进运选题认证让议变点从后体头义业东车长马联"
)

# The words that the importer writes, by language.
OWN_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {
            "section": "Background",
            "demands": "What we ask",
            "purpose": "To tell the recipients of this petition how many people support it.",
            "complete": TO_COMPLETE,
        },
        "ko": {
            "section": "배경",
            "demands": "우리의 요구",
            "purpose": "이 청원에 몇 명이 함께하는지 수신 기관에 알리기 위함입니다.",
            "complete": f"공개 전에 작성해 주십시오 ({TO_COMPLETE})",
        },
        "zh-hans": {
            "section": "背景",
            "demands": "我们的要求",
            "purpose": "告知本请愿书的各致送对象有多少人表示支持。",
            "complete": f"发布前请填写（{TO_COMPLETE}）",
        },
        "zh-hant": {
            "section": "背景",
            "demands": "我們的要求",
            "purpose": "告知本請願書的各致送對象有多少人表示支持。",
            "complete": f"發布前請填寫（{TO_COMPLETE}）",
        },
    }
)
