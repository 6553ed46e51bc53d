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
        "hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.co.il hotmail.co.jp hotmail.co.kr "
        "hotmail.co.nz hotmail.co.th hotmail.co.za hotmail.com.ar hotmail.com.au hotmail.com.br hotmail.com.hk "
        "hotmail.com.tr hotmail.com.tw hotmail.com.vn hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi "
        "hotmail.gr hotmail.hu hotmail.it hotmail.jp hotmail.lt hotmail.lv hotmail.my hotmail.nl hotmail.no "
        "hotmail.ph hotmail.rs hotmail.se hotmail.sg hotmail.sk "
        "live.at live.be live.ca live.ch live.cl live.cn live.co.kr live.co.uk live.co.za live.com.ar live.com.au "
        "live.com.mx live.com.my live.com.ph live.com.pt live.com.sg live.de live.dk live.fi live.fr live.hk "
        "live.ie live.in live.it live.jp live.nl live.no live.ru live.se "
        "outlook.at outlook.be outlook.cl outlook.co.id outlook.co.il outlook.co.th outlook.com.ar outlook.com.au "
        "outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn outlook.cz outlook.dk outlook.es outlook.hu "
        "outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt "
        "outlook.sa outlook.sg outlook.sk passport.com windowslive.com"
    ),
    "yahoo-japan": "*yahoo.co.jp ybb.ne.jp",
    "yahoo": (
        "*yahoo.com *yahoo.co.uk *yahoo.fr *yahoo.de *aol.com ymail.com rocketmail.com myyahoo.com "
        "yahoo.at yahoo.be yahoo.bg yahoo.ca yahoo.cl yahoo.co.id yahoo.co.il yahoo.co.in yahoo.co.kr yahoo.co.nz "
        "yahoo.co.th yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.co yahoo.com.hk yahoo.com.hr "
        "yahoo.com.mx yahoo.com.my yahoo.com.pe yahoo.com.ph yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.ua "
        "yahoo.com.ve yahoo.com.vn yahoo.cz yahoo.dk yahoo.ee yahoo.es yahoo.fi yahoo.gr yahoo.hu yahoo.ie yahoo.in "
        "yahoo.it yahoo.lt yahoo.lv yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se yahoo.sk "
        "aim.com love.com games.com wow.com ygm.com"
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
    "other": "cloud.com email.com mail.de never.com web.com",
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
