"""The process of the desk: on loopback alone, without the server key, apart from the public site."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

import psutil
import pytest

from sabal.serve import desk_command, desk_environ, public_command
from served import Served, free_port, port_of, status_of, wait_for_page

pytestmark = pytest.mark.slow


def desk_processes(served: Served) -> list[psutil.Process]:
    assert served.process is not None
    children = psutil.Process(served.process.pid).children(recursive=True)
    return [one for one in children if "sabal.desk.wsgi:application" in one.cmdline()]


def test_the_desk_listens_on_this_computer_only(served_desk: Served) -> None:
    listening = {
        connection.laddr.ip
        for process in desk_processes(served_desk)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_the_public_site_has_no_page_of_the_desk_and_the_desk_no_public_form(served_desk: Served) -> None:
    for path in ("/account/login/", "/people", "/history", "/welcome/x", "/desk.css"):
        assert status_of(f"{served_desk.base}{path}") == 404, path
    with urllib.request.urlopen(f"{served_desk.desk}/en/stop-forced-repatriation", timeout=10) as answer:
        assert urlsplit(answer.url).path == "/account/login/"


def test_its_environment_has_no_key_and_no_mail_password(served_desk: Served) -> None:
    secret = {"SABAL_SERVER_KEY_FILE", "SABAL_MAIL_URL"}
    assert desk_processes(served_desk) and served_desk.process is not None
    for process in desk_processes(served_desk):
        assert not secret & set(process.environ())
    workers = [
        one for one in psutil.Process(served_desk.process.pid).children() if one.cmdline()[-1] == "worker"
    ]
    assert workers and all(secret <= set(one.environ()) for one in workers), "the test sets none of them"


def test_what_serve_takes_out_of_the_environment() -> None:
    given = {
        "SABAL_SERVER_KEY": "a",
        "SABAL_SERVER_KEY_FILE": "b",
        "SABAL_MAIL_URL": "c",
        "SABAL_MAIL_URL_FILE": "d",
        "GRANIAN_LOG_ACCESS_ENABLED": "1",
        "SABAL_DATA": "/data",
    }
    assert desk_environ(given) == {"SABAL_DATA": "/data", "DJANGO_SETTINGS_MODULE": "sabal.desk.settings"}


def test_public_processes_load_nothing_of_the_desk() -> None:
    """Their memory and their start do not pay for it, and a hole in it is not beside the keys."""
    assert "sabal.asgi:application" in public_command("127.0.0.1", 8000)
    code = "import sys, sabal.asgi, django; django.setup(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "sabal.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert not [
        one for one in loaded if one.startswith(("allauth", "sabal.desk", "sabal.accounts", "whitenoise"))
    ]


def test_it_starts_again_after_a_crash(served_desk: Served) -> None:
    assert served_desk.process is not None
    before = {process.pid for process in desk_processes(served_desk)}
    for process in desk_processes(served_desk):
        process.kill()
    wait_for_page(f"{served_desk.desk}/account/login/")
    assert not before & {process.pid for process in desk_processes(served_desk)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the key to another user")
def test_it_runs_where_it_cannot_read_the_key(served_desk: Served) -> None:
    """`sabal desk` as a user who has the database and the desk's secret, while the key file is another user's.

    Root without the capability to pass over file modes is such a user, also where Python is installed for root alone.
    """
    if "SABAL_DATABASE_URL" in served_desk.environment:
        pytest.skip("the PostgreSQL of tests lets only users in who may open its private folder")
    key, port = served_desk.data / "server.key", free_port()
    shutil.chown(key, "nobody")
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    environment = {**served_desk.environment, "SABAL_DESK_URL": f"http://127.0.0.1:{port}"}
    assert subprocess.run([*less, "cat", str(key)], capture_output=True, check=False).returncode != 0
    desk = subprocess.Popen(
        [*less, sys.executable, "-m", "sabal", "desk", "--port", str(port)], env=environment
    )
    try:
        wait_for_page(f"http://127.0.0.1:{port}/account/login/")
        link = served_desk.sabal("owner", "carol@example.org").stdout.split()[-1]
        assert status_of(f"http://127.0.0.1:{port}{urlsplit(link).path}") == 200
    finally:
        desk.terminate()
        desk.wait(30)
        shutil.chown(key, os.geteuid())


def test_a_port_in_use_is_said(served_desk: Served) -> None:
    ended = served_desk.sabal("desk", "--port", port_of(served_desk.base))
    assert ended.returncode == 2 and re.search(r"Port \d+ is in use", ended.stderr)
    assert desk_command(1)[-1] == "sabal.desk.wsgi:application"
