"""The large email providers by name, each with its domains.

Totals name providers, so that they show where emails get stuck without naming an address. The suggestions for mistyped
domains (typo.py) come from the same list.
"""

OTHER = "other"

# One line per provider: the domains it runs. A star marks a domain that is common enough to be suggested. Every domain
# that is not here belongs to "other", so that a total never points at a small organisation or at one person's own
# domain. The last line has real domains of no large provider that are one typing mistake from a common one.
_TABLE = {
    "gmail": "*gmail.com *googlemail.com",
    "microsoft": (
        "*hotmail.com *hotmail.co.uk *hotmail.fr *outlook.com *outlook.de *outlook.fr *live.com *msn.com "
        "hotmail.de hotmail.it hotmail.es live.co.uk live.fr live.nl outlook.es outlook.jp outlook.kr"
    ),
    "yahoo-japan": "*yahoo.co.jp ybb.ne.jp",
    "yahoo": (
        "*yahoo.com *yahoo.co.uk *yahoo.fr *yahoo.de *aol.com ymail.com rocketmail.com yahoo.it yahoo.es "
        "yahoo.ca yahoo.co.in yahoo.com.au yahoo.com.br yahoo.com.tw yahoo.com.hk"
    ),
    "apple": "*icloud.com *me.com mac.com",
    "proton": "*proton.me *protonmail.com protonmail.ch pm.me",
    "tuta": "*tutanota.com tuta.com tutanota.de tutamail.com tuta.io keemail.me",
    "fastmail": "*fastmail.com fastmail.fm",
    "zoho": "*zoho.com zohomail.com zoho.eu",
    "posteo": "*posteo.de posteo.net posteo.org",
    "mailbox": "*mailbox.org",
    "riseup": "riseup.net",
    "hushmail": "hushmail.com",
    "naver": "*naver.com",
    "kakao": "*daum.net *hanmail.net *kakao.com",
    "nate": "*nate.com",
    "tencent": "qq.com vip.qq.com foxmail.com",
    "netease": "163.com 126.com yeah.net vip.163.com",
    "sina": "sina.com sina.cn vip.sina.com",
    "sohu": "sohu.com",
    "alibaba": "aliyun.com",
    "china-mobile": "139.com",
    "china-telecom": "189.cn",
    "docomo": "docomo.ne.jp",
    "au": "ezweb.ne.jp au.com",
    "softbank": "softbank.ne.jp i.softbank.jp",
    "nifty": "nifty.com",
    "hinet": "hinet.net",
    "pchome": "pchome.com.tw",
    "gmx": "*gmx.de *gmx.net *mail.com gmx.com gmx.at gmx.ch",
    "web-de": "*web.de",
    "telekom": "*t-online.de magenta.de",
    "freenet": "freenet.de",
    "orange": "*orange.fr wanadoo.fr",
    "free": "*free.fr",
    "laposte": "*laposte.net",
    "sfr": "sfr.fr",
    "libero": "libero.it virgilio.it",
    "bt": "btinternet.com",
    "sky": "sky.com",
    "virgin-media": "virginmedia.com ntlworld.com",
    "ziggo": "ziggo.nl",
    "kpn": "kpnmail.nl planet.nl hetnet.nl",
    "bluewin": "bluewin.ch",
    "wp": "wp.pl o2.pl",
    "onet": "onet.pl op.pl poczta.onet.pl",
    "interia": "interia.pl",
    "seznam": "seznam.cz email.cz",
    "yandex": "*yandex.com yandex.ru ya.ru",
    "vk": "mail.ru bk.ru list.ru inbox.ru",
    "rambler": "rambler.ru",
    "ukr-net": "ukr.net",
    "comcast": "comcast.net xfinity.com",
    "att": "att.net sbcglobal.net bellsouth.net",
    "cox": "cox.net",
    "verizon": "verizon.net",
    "bigpond": "bigpond.com telstra.com",
    "uol": "uol.com.br bol.com.br",
    "terra": "terra.com.br",
    "rediff": "rediffmail.com",
    "other": "aim.com email.com free.it live.de mail.de outlook.it web.com yahoo.in",
}

PROVIDERS = {name: tuple(domains.replace("*", "").split()) for name, domains in _TABLE.items()}
COMMON = tuple(
    domain[1:] for domains in _TABLE.values() for domain in domains.split() if domain.startswith("*")
)
_BY_DOMAIN = {domain: provider for provider, domains in PROVIDERS.items() for domain in domains}


def provider_of(domain: str) -> str:
    """Return the provider that runs `domain` (in lower case): a key of PROVIDERS, "other" among them."""
    return _BY_DOMAIN.get(domain, OTHER)


def is_large(domain: str) -> bool:
    """Return whether `domain` belongs to a large provider, with addresses of thousands of strangers."""
    return provider_of(domain) != OTHER


def is_listed(domain: str) -> bool:
    """Return whether `domain` is known to be real: a large provider's, or one that resembles a common one."""
    return domain in _BY_DOMAIN
