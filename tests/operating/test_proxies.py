"""The sample configurations in the real proxies, before a real server: what people type reaches no file."""

import contextlib
import datetime
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from front.live import free_port, live

SAMPLES = Path(__file__).parents[2] / "docs" / "operating"
SITE, DESK = "petition.example.org", "desk.petition.example.org"
SECRET = b"suzie-was-here-"
LARGE = SECRET * 4_000  # 60 kB: more than a proxy's usual buffer, and less than the samples allow
WAYS = ("-H Expect:", "-H Transfer-Encoding:chunked", "-H Expect:100-continue", "--limit-rate 20k")
STARTING = "what you typed is still there"
pytestmark = pytest.mark.slow


class Upstream(BaseHTTPRequestHandler):
    """A server behind the proxy that answers with the number of bytes that it got."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._answer(str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode())

    def do_GET(self) -> None:
        if self.path == "/large":
            with contextlib.suppress(OSError):
                self._answer(b"a" * 5_000_000)
            return
        said = "X-Forwarded-Proto" if self.path == "/scheme" else "X-Forwarded-For"
        self._answer(str(self.headers[said]).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("Server", "")  # as Sabal does, so that granian does not name itself
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Running:
    """A proxy with a sample configuration, and the port behind it."""

    def __init__(self, port: int, upstream: int, folder: Path) -> None:
        self.port, self.upstream, self.folder = port, upstream, folder
        self.desk = free_port()

    @contextlib.contextmanager
    def behind(self, port: int = 0) -> Iterator[None]:
        """Run a server behind the proxy: that of the site, or one at another port."""
        ThreadingHTTPServer.allow_reuse_address = True
        with ThreadingHTTPServer(("127.0.0.1", port or self.upstream), Upstream) as server:
            thread = Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield
            server.shutdown()
            thread.join(5)

    def ask(
        self, body: bytes | None = None, path: str = "/", host: str = SITE, **more: str
    ) -> tuple[int, str, Any]:
        """Return status, text and headers of an answer of the site, or of the desk."""
        context = ssl._create_unverified_context()
        context.check_hostname = False
        connection = _Sni(host, self.port, context=context, timeout=40)
        try:
            headers = {"Host": host, "Content-Type": "application/x-www-form-urlencoded", **more}
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    @contextlib.contextmanager
    def never_reads(self) -> Iterator[socket.socket]:
        """Ask for a large answer with a small window, and read nothing of it."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        plain.connect(("127.0.0.1", self.port))
        with ssl._create_unverified_context().wrap_socket(plain, server_hostname=SITE) as connection:
            connection.sendall(f"GET /large HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
            yield connection


class _Sni(http.client.HTTPSConnection):
    """A connection to this machine that asks for the site's certificate."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


@pytest.fixture(params=["caddy", "nginx"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here: its sample is NOT tested")
    running = Running(free_port(), free_port(), tmp_path)
    certificate(tmp_path)
    command = caddy(running) if name == "caddy" else nginx(running)
    with started(command, running):
        yield running


def caddy(running: Running) -> list[str]:
    folder = running.folder
    text = (SAMPLES / "Caddyfile").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{running.upstream}").replace(":8081", f":{free_port()}")
    text = text.replace("127.0.0.1:8001", f"127.0.0.1:{running.desk}")
    text = text.replace("/opt/sabal/docs/operating", str(SAMPLES))
    text = text.replace(
        "{\n\tlog {", f"{{\n\tadmin off\n\tstorage file_system {folder}\n\tauto_https off\n\tlog {{", 1
    )
    for host in (SITE, DESK):
        text = text.replace(
            f"\n{host} {{\n",
            f"\nhttps://{host}:{running.port} {{\n\ttls {folder}/cert.pem {folder}/key.pem\n",
        )
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def nginx(running: Running, without: tuple[str, ...] = ()) -> list[str]:
    folder = running.folder
    text = (SAMPLES / "nginx.conf").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{running.upstream}")
    text = text.replace("127.0.0.1:8001", f"127.0.0.1:{running.desk}")
    text = re.sub(r"listen \[::\]:.*\n", "\n", text)
    text = re.sub(r"listen 443", f"listen 127.0.0.1:{running.port}", text)
    text = re.sub(r"listen 80;", f"listen 127.0.0.1:{free_port()};", text)
    text = text.replace("listen 127.0.0.1:8081", f"listen 127.0.0.1:{free_port()}")
    text = text.replace(f"/etc/letsencrypt/live/{SITE}/fullchain.pem", f"{folder}/cert.pem")
    text = text.replace(f"/etc/letsencrypt/live/{SITE}/privkey.pem", f"{folder}/key.pem")
    text = text.replace("/opt/sabal/docs/operating", str(SAMPLES))
    for directive in without:
        text = re.sub(rf"^\s*{directive} .*;$", "", text, flags=re.MULTILINE)
    (folder / "temporary").mkdir(exist_ok=True)
    paths = " ".join(
        f"{kind}_temp_path {folder}/temporary/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = f"daemon off; master_process off; pid {folder}/pid; error_log /dev/null crit;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(main + f"http {{ {paths}\n{text}\n}}\n", encoding="utf-8")
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


@contextlib.contextmanager
def started(command: list[str], running: Running) -> Iterator[None]:
    """Run a proxy, and end it by its process id."""
    environment = {**os.environ, "HOME": str(running.folder), "XDG_DATA_HOME": str(running.folder)}
    with (running.folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", running.port), 1):
                break
            said = (running.folder / "output").read_text()
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SITE)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SITE), x509.DNSName(DESK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def test_a_form_passes_and_no_file_has_what_was_typed(proxy: Running) -> None:
    """Temporary files are deleted at once, so their folder is removed: a proxy that needs one answers with an error."""
    shutil.rmtree(proxy.folder / "temporary", ignore_errors=True)
    with proxy.behind():
        status, body, _ = proxy.ask(LARGE)
    assert (status, body) == (200, str(len(LARGE)))
    for file in proxy.folder.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_bytes()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here")
def test_nginx_would_write_forms_to_a_file_without_the_samples_buffer(tmp_path: Path) -> None:
    """The test above can fail."""
    running = Running(free_port(), free_port(), tmp_path)
    certificate(tmp_path)
    with started(nginx(running, ("client_body_buffer_size",)), running), running.behind():
        shutil.rmtree(tmp_path / "temporary")
        assert running.ask(LARGE)[0] == 500


@pytest.mark.parametrize("size", [65_537, 100_000, 250_000])
def test_a_form_that_is_too_large_gets_a_page_that_says_so(proxy: Running, size: int) -> None:
    """Also while nothing serves behind the proxy: then the page is not that of a start."""
    with proxy.behind():
        behind = proxy.ask(b"a" * size)
    for status, body, _ in (behind, proxy.ask(b"a" * size)):
        assert status == 413 and "nothing you typed is lost" in body and STARTING not in body
        assert "16 kB" in body and "브라우저" in body and "浏览器" in body


@pytest.mark.parametrize("name", ["caddy", "nginx"])
def test_sabals_own_page_about_a_long_form_passes(name: str, tmp_path: Path) -> None:
    """Sabal reads such a form to its end: a proxy that cannot send all of it might show a page of its own."""
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here: its sample is NOT tested")
    certificate(tmp_path)
    with live(other=SITE) as site:
        running = Running(free_port(), site.port, tmp_path)
        with started(caddy(running) if name == "caddy" else nginx(running), running):
            for size in (16_384, 16_385, 30_000, 63_999) * 5:
                status, body, _ = running.ask(b"a" * size, "/en/bowl/sign")
                wanted = (303, True) if size == 16_384 else (413, "<title>too-long</title>" in body)
                assert (status, True) == wanted, (size, status, body)


@pytest.mark.parametrize("name", ["caddy", "nginx"])
@pytest.mark.parametrize("way", ["http2", "http1.1"])
def test_a_form_comes_whole_however_it_is_sent(name: str, way: str, tmp_path: Path) -> None:
    """With its length or without one, at once or slowly, over both versions of HTTP."""
    curl = shutil.which("curl")
    if shutil.which(name) is None or curl is None:
        pytest.skip(f"no {name} or no curl here: its sample is NOT tested")
    certificate(tmp_path)
    (tmp_path / "form").write_bytes(SECRET * 1_000)
    with live(other=SITE) as site:
        running = Running(free_port(), site.port, tmp_path)
        with started(caddy(running) if name == "caddy" else nginx(running), running):
            ask = [
                curl,
                "-sk",
                f"--{way}",
                "--resolve",
                f"{SITE}:{running.port}:127.0.0.1",
                "-o",
                "/dev/null",
            ]
            ask += ["-H", f"Host: {SITE}", "-w", "%{http_code}", "--data-binary", f"@{tmp_path}/form"]
            ask.append(f"https://{SITE}:{running.port}/en/bowl/sign")
            for more in WAYS:
                told = subprocess.run([*ask, *more.split()], capture_output=True, text=True, timeout=60)
                assert told.stdout == "303", (more, told)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or file.name == "form" or SECRET not in file.read_bytes()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here")
def test_a_client_that_never_reads_holds_little_of_the_kernels_memory(tmp_path: Path) -> None:
    """Without `sndbuf` it holds megabytes."""
    certificate(tmp_path)
    held = {}
    for without in ((), ("sndbuf",)):
        running = Running(free_port(), free_port(), tmp_path)
        command = nginx(running)
        if without:
            text = (tmp_path / "nginx.conf").read_text()
            (tmp_path / "nginx.conf").write_text(text.replace(" sndbuf=128k", ""))
        with started(command, running), running.behind():
            assert len(running.ask(path="/large")[1]) == 5_000_000
            with running.never_reads() as connection:
                held[without] = unread(connection, running.port)
    assert held[()] < 400_000 < 1_000_000 < held[("sndbuf",)], held


def unread(connection: socket.socket, port: int) -> int:
    """Return how many bytes the proxy has written into a connection that nobody has read, when no more come (Linux)."""
    ours = f"{port:04X} 0100007F:{connection.getsockname()[1]:04X}"
    found = -1
    while True:
        time.sleep(1)
        line = next(line for line in Path("/proc/net/tcp").read_text().splitlines() if ours in line)
        before, found = found, int(line.split()[4].partition(":")[0], 16)
        if found == before > 0:
            return found


def test_the_visitors_address_is_the_proxys_word_and_one_server_is_named(proxy: Running) -> None:
    with proxy.behind():
        status, body, headers = proxy.ask()
    assert (status, body) == (200, "127.0.0.1")
    assert len(headers.get_all("Server") or []) <= 1 and "" not in (headers.get_all("Server") or [])


def test_the_desk_has_its_own_host_and_longer_forms(proxy: Running) -> None:
    """A letter of 12 MB passes, in memory. The site's host never leads to the desk, nor the desk's to the site."""
    shutil.rmtree(proxy.folder / "temporary", ignore_errors=True)
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
    with proxy.behind():
        assert proxy.ask(host=DESK)[0] in (502, 503, 504)
    with proxy.behind(proxy.desk):
        long = SECRET * (12_000_000 // len(SECRET))
        assert proxy.ask(long, host=DESK)[:2] == (200, str(len(long)))
        assert proxy.ask(host=DESK, **forged)[:2] == (200, "127.0.0.1")
        assert proxy.ask(path="/scheme", host=DESK, **forged)[:2] == (200, "https")
        assert proxy.ask(b"a", host=DESK, **{"Content-Length": "110000000"})[0] == 413
        assert proxy.ask()[0] in (502, 503, 504)
    for file in proxy.folder.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_bytes()


def test_while_nothing_serves_behind_it_the_proxy_says_what_to_do(proxy: Running) -> None:
    status, body, _ = proxy.ask(b"name=Suzie")
    assert status in (502, 503, 504) and STARTING in body and "브라우저" in body and "浏览器" in body


@pytest.mark.skipif(shutil.which("caddy") is None, reason="no caddy here")
def test_with_caddy_a_form_waits_for_a_server_that_starts_again(tmp_path: Path) -> None:
    running = Running(free_port(), free_port(), tmp_path)
    certificate(tmp_path)
    with started(caddy(running), running):
        answers: list[Any] = []
        visitor = Thread(target=lambda: answers.append(running.ask(LARGE)))
        visitor.start()
        time.sleep(2)
        with running.behind():
            visitor.join(20)
        assert answers and answers[0][:2] == (200, str(len(LARGE)))
