"""The large mail providers by name, so that totals can say where letters get stuck without naming a
mailbox."""

OTHER = "other"

# One line per provider: the domains it runs. Whoever sends from a domain that is not here is "other", so that
# a total can never point at a small organisation or at one person's own domain.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": (
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "hotmail.co.uk",
        "hotmail.fr",
        "hotmail.de",
        "hotmail.it",
        "hotmail.es",
        "live.co.uk",
        "live.fr",
        "live.nl",
        "outlook.fr",
        "outlook.de",
        "outlook.es",
        "outlook.jp",
        "outlook.kr",
    ),
    "yahoo": (
        "yahoo.com",
        "ymail.com",
        "rocketmail.com",
        "yahoo.co.uk",
        "yahoo.fr",
        "yahoo.de",
        "yahoo.it",
        "yahoo.es",
        "yahoo.ca",
        "yahoo.co.in",
        "yahoo.com.au",
        "yahoo.com.br",
        "yahoo.com.tw",
        "yahoo.com.hk",
        "aol.com",
    ),
    "yahoo-japan": ("yahoo.co.jp", "ybb.ne.jp"),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "proton": ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
    "tuta": ("tuta.com", "tutanota.com", "tutanota.de", "tutamail.com", "tuta.io", "keemail.me"),
    "fastmail": ("fastmail.com", "fastmail.fm"),
    "zoho": ("zoho.com", "zohomail.com", "zoho.eu"),
    "posteo": ("posteo.de", "posteo.net", "posteo.org"),
    "mailbox": ("mailbox.org",),
    "riseup": ("riseup.net",),
    "hushmail": ("hushmail.com",),
    "naver": ("naver.com",),
    "kakao": ("hanmail.net", "daum.net", "kakao.com"),
    "nate": ("nate.com",),
    "tencent": ("qq.com", "vip.qq.com", "foxmail.com"),
    "netease": ("163.com", "126.com", "yeah.net", "vip.163.com"),
    "sina": ("sina.com", "sina.cn", "vip.sina.com"),
    "sohu": ("sohu.com",),
    "alibaba": ("aliyun.com",),
    "china-mobile": ("139.com",),
    "china-telecom": ("189.cn",),
    "docomo": ("docomo.ne.jp",),
    "au": ("ezweb.ne.jp", "au.com"),
    "softbank": ("softbank.ne.jp", "i.softbank.jp"),
    "nifty": ("nifty.com",),
    "hinet": ("hinet.net",),
    "pchome": ("pchome.com.tw",),
    "gmx": ("gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "mail.com"),
    "web-de": ("web.de",),
    "telekom": ("t-online.de", "magenta.de"),
    "freenet": ("freenet.de",),
    "orange": ("orange.fr", "wanadoo.fr"),
    "free": ("free.fr",),
    "laposte": ("laposte.net",),
    "sfr": ("sfr.fr",),
    "libero": ("libero.it", "virgilio.it"),
    "bt": ("btinternet.com",),
    "sky": ("sky.com",),
    "virgin-media": ("virginmedia.com", "ntlworld.com"),
    "ziggo": ("ziggo.nl",),
    "kpn": ("kpnmail.nl", "planet.nl", "hetnet.nl"),
    "bluewin": ("bluewin.ch",),
    "wp": ("wp.pl", "o2.pl"),
    "onet": ("onet.pl", "op.pl", "poczta.onet.pl"),
    "interia": ("interia.pl",),
    "seznam": ("seznam.cz", "email.cz"),
    "yandex": ("yandex.ru", "yandex.com", "ya.ru"),
    "vk": ("mail.ru", "bk.ru", "list.ru", "inbox.ru"),
    "rambler": ("rambler.ru",),
    "ukr-net": ("ukr.net",),
    "comcast": ("comcast.net", "xfinity.com"),
    "att": ("att.net", "sbcglobal.net", "bellsouth.net"),
    "cox": ("cox.net",),
    "verizon": ("verizon.net",),
    "bigpond": ("bigpond.com", "telstra.com"),
    "uol": ("uol.com.br", "bol.com.br"),
    "terra": ("terra.com.br",),
    "rediff": ("rediffmail.com",),
}

_BY_DOMAIN = {domain: provider for provider, domains in PROVIDERS.items() for domain in domains}


def provider_of(address: str) -> str:
    """Return the class of provider that runs the mailbox at `address`: a key of PROVIDERS, or "other"."""
    return _BY_DOMAIN.get(address.rpartition("@")[2].strip().rstrip(".").lower(), OTHER)


def is_large(domain: str) -> bool:
    """Say whether `domain` belongs to a large provider, where thousands of strangers have mailboxes."""
    return provider_of("@" + domain) != OTHER
