"""Eve chooses witnesses with addresses in the server's own network. All spellings are refused."""

import time
from ipaddress import ip_address

import pytest

from sabal.witness.network import Deadline, NetworkSettings, Unreachable, find_endpoint, is_public

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1
64:ff9b::10.1.2.3 64:ff9b::192.168.1.1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2
2001:20::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0
2606:4700::1111%eth0 febf::1 fec0::1 ff02::1 ff0e::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.1.1 172.15.255.255
172.32.0.0 192.167.1.1 192.169.0.0 198.17.1.1 198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1 2001:200::1
2001:4860:4860::8888 64:ff9b::8.8.8.8 ::ffff:8.8.8.8
""".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_are_refused(text: str) -> None:
    assert not is_public(ip_address(text))
    with pytest.raises(Unreachable, match="no address of the open Internet"):
        find_endpoint("https://w.example/", NetworkSettings(resolve=lambda *_: [text]), Deadline(5))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_accepted(text: str) -> None:
    endpoint = find_endpoint("https://w.example/", NetworkSettings(resolve=lambda *_: [text]), Deadline(5))
    assert endpoint.addresses == (ip_address(text),)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "localhost", "[::1]", "[::]"],
)
def test_every_spelling_of_a_private_address_is_refused(host: str) -> None:
    """Use the system's look-up, which accepts all these spellings."""
    with pytest.raises(Unreachable):
        find_endpoint(f"https://{host}/", NetworkSettings(), Deadline(5))


def test_only_the_public_ones_of_several_addresses_are_used() -> None:
    network = NetworkSettings(resolve=lambda *_: ["10.0.0.1", "1.1.1.1", "::1", "1.1.1.1", "8.8.8.8"])
    assert find_endpoint("https://w.example/", network, Deadline(5)).addresses == (
        ip_address("1.1.1.1"),
        ip_address("8.8.8.8"),
    )


def test_few_addresses_of_a_name_are_used() -> None:
    network = NetworkSettings(resolve=lambda *_: [f"1.1.{i // 256}.{i % 256}" for i in range(1000)])
    assert len(find_endpoint("https://w.example/", network, Deadline(5)).addresses) == 4


@pytest.mark.parametrize("address", ["10.0.0.1", "8.8.8.8", "192.168.1.1", "fe80::1"])
def test_http_is_allowed_to_loopback_only(address: str) -> None:
    with pytest.raises(Unreachable):
        find_endpoint("http://w.example/", NetworkSettings(True, resolve=lambda *_: [address]), Deadline(5))
    with pytest.raises(Unreachable, match="https only"):
        find_endpoint("http://w.example/", NetworkSettings(resolve=lambda *_: ["127.0.0.1"]), Deadline(5))
    with pytest.raises(Unreachable):
        find_endpoint(
            "http://w.example/", NetworkSettings(True, resolve=lambda *_: ["127.0.0.1", address]), Deadline(5)
        )


@pytest.mark.parametrize(
    "url",
    [
        "", "https://", "https:///x", "w.example", "//w.example/", "ftp://w.example/", "file:///etc/passwd",
        "HTTPS://w.example/", "https://w.example/?q", "https://w.example/#f", "https://w.example/?", "https://u@w.example/",
        "https://u:p@w.example/", "https://w.example@10.0.0.1/", "https://w.example:0/", "https://w.example:99999/",
        "https://w.example:x/", "https://w.example/a b", "https://w.example/\r\nX: y", "https://w.example\t/",
        "https://w.exa\nmple/", " https://w.example/", "https://w.example\\@evil/", "https://w.example/é",
        "https://é.example/", "https://[::1/", "https://[v1.x]/", "https://w.example/" + "a" * 500, "https://-x/",
        "https://w.example./", "https://w%2eexample/",
    ],
)  # fmt: skip
def test_invalid_urls_are_refused(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        find_endpoint(url, NetworkSettings(resolve=lambda *_: ["1.1.1.1"]), Deadline(5))
    assert len(str(refused.value)) < 200 and "\n" not in str(refused.value)


def test_valid_urls_are_parsed() -> None:
    for url, port, path in (
        ("https://w.example", 443, ""),
        ("https://w.example/", 443, ""),
        ("https://w.example:8443/a/b-c/", 8443, "/a/b-c"),
    ):
        endpoint = find_endpoint(url, NetworkSettings(resolve=lambda *_: ["1.1.1.1"]), Deadline(5))
        assert (endpoint.host, endpoint.port, endpoint.path) == ("w.example", port, path)


def test_a_hanging_look_up_times_out() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        find_endpoint(
            "https://w.example/", NetworkSettings(resolve=lambda *_: time.sleep(3) or []), Deadline(0.3)
        )
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("error", [OSError(), UnicodeError("label too long")])
def test_a_name_without_an_address_is_refused(error: Exception) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise error

    for network in (NetworkSettings(resolve=resolve), NetworkSettings(resolve=lambda *_: [])):
        with pytest.raises(Unreachable, match="looked up"):
            find_endpoint("https://w.example/", network, Deadline(5))
