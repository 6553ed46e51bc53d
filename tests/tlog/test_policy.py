"""Policies: the logs and witnesses that a verifier trusts. The standard's example, and invalid policies."""

import contextlib
import itertools
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import Cosigner, Malformed, Policy, Signature, Signer, TlogError, Unproven, note

WITNESSES = {
    name: Cosigner(f"{name.lower()}.example/w", name.encode() * 16) for name in "X1 X2 X3 Y1 Y2 Y3".split()
}
LOG = f"log {logs.CAROL.verifier} https://petition.example/log\n"
LINES = "".join(f"witness {name} {key.verifier}\n" for name, key in WITNESSES.items())
STANDARD = f"""
# c2sp.org/tlog-policy, "Example policy"
{LOG}
{LINES}
group X-witnesses 2 X1 X2 X3
  group\tY-witnesses any  Y1 Y2 Y3\t
\t # a comment
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
POLICY = Policy.parse(STANDARD.encode())
KEY = WITNESSES["X1"].verifier
LOG_KEY = logs.CAROL.verifier


def signatures(names: tuple[str, ...]) -> list[Signature]:
    return [Signature.by(WITNESSES[name].verifier, b"") for name in names]


def test_every_set_of_witnesses_under_the_standards_example() -> None:
    for count in range(7):
        for names in itertools.combinations(WITNESSES, count):
            xs, ys = sum(n.startswith("X") for n in names), sum(n.startswith("Y") for n in names)
            assert POLICY.satisfied_by(signatures(names)) == (xs >= 2 and ys >= 1)


def test_the_parts_of_a_policy() -> None:
    assert POLICY.logs == (LOG_KEY,)
    assert list(POLICY.witnesses) == list(WITNESSES)
    assert list(POLICY.groups) == ["X-witnesses", "Y-witnesses", "X-and-Y"]
    assert POLICY.urls == {str(LOG_KEY): "https://petition.example/log"}
    assert POLICY.quorum == "X-and-Y"


def test_one_witness_twice_counts_once() -> None:
    assert not POLICY.satisfied_by(signatures(("X1", "X1", "Y1")))


def test_a_name_is_not_enough() -> None:
    eve = Cosigner(KEY.name, b"e" * 32)
    assert not POLICY.satisfied_by([Signature.by(eve.verifier, b""), *signatures(("X2", "Y1"))])


def test_a_checkpoint_with_and_without_a_quorum() -> None:
    signed = logs.checkpoint(3)
    checkpoint = tlog.checkpoint.open(signed, POLICY.logs).checkpoint
    one, two, three = (tlog.cosign(checkpoint, WITNESSES[name], 1) for name in ("X1", "X3", "Y2"))
    assert POLICY.open(note.append(signed, [one, two, three])).checkpoint == checkpoint
    for lines in ([], [one, two], [one, three]):
        with pytest.raises(Unproven, match="Too few"):
            POLICY.open(note.append(signed, lines))
    with pytest.raises(Unproven, match="No known key of the log"):  # every witness, but not the log
        POLICY.open(note.join(checkpoint.text, [one, two, three]))


def test_quorum_none_needs_no_witness() -> None:
    none = Policy.parse(f"{LOG}quorum none\n".encode())
    assert none.satisfied_by([])
    assert none.open(logs.checkpoint(3)).checkpoint.size == 3
    bare = Policy.parse(b"quorum none\n")
    assert bare.open(logs.checkpoint(3), [LOG_KEY]).checkpoint.size == 3
    with pytest.raises(Unproven):
        bare.open(logs.checkpoint(3))


def test_a_single_witness_may_be_the_quorum() -> None:
    policy = Policy.parse(f"witness X1 {KEY}\nquorum X1\n".encode())
    assert policy.satisfied_by(signatures(("X1",))) and not policy.satisfied_by(signatures(("X2",)))


def test_names_are_bytes() -> None:
    policy = Policy.parse(b"witness \xff\xe2\x84\xaa " + str(KEY).encode() + b"\nquorum \xff\xe2\x84\xaa\n")
    assert policy.satisfied_by(signatures(("X1",)))
    with pytest.raises(Malformed, match="not defined"):
        Policy.parse(b"witness \xe2\x84\xaa " + str(KEY).encode() + b"\nquorum K\n")
    with pytest.raises(Malformed, match="�") as refusal:
        Policy.parse(b"quorum \xff\n")
    str(refusal.value).encode()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("", "newline"),
        ("quorum none", "newline"),
        ("\n", "no quorum"),
        (LINES, "no quorum"),
        ("quorum none\nquorum none\n", "second quorum"),
        ("quorum X1\n" + LINES, "not defined"),
        ("quorum\n", "not a line of"),
        ("quorum a b\n", "not a line of"),
        ("Quorum none\n", "not a line of"),
        ("quorum none # really\n", "not a line of"),
        ("witness X1\nquorum none\n", "not a line of"),
        (f"witness X1 {KEY} url more\nquorum none\n", "not a line of"),
        (f"witness none {KEY}\nquorum none\n", "taken"),
        (f"witness X1 {KEY}\nwitness X1 {WITNESSES['X2'].verifier}\nquorum none\n", "taken"),
        (f"witness X1 {KEY}\nwitness X2 {KEY}\nquorum none\n", "given before"),
        (f"witness X1 {KEY}\nwitness X2 {Cosigner('b', b'X1' * 16).verifier}\nquorum none\n", "given before"),
        (f"log {LOG_KEY}\nlog {LOG_KEY}\nquorum none\n", "given before"),
        (f"log {LOG_KEY}\nlog {Signer('b', bytes(range(32))).verifier}\nquorum none\n", "given before"),
        ("log\nquorum none\n", "not a line of"),
        (f"log {KEY}\nquorum none\n", "not of type 0x01"),
        (f"witness X1 {LOG_KEY}\nquorum none\n", "not of type 0x04"),
        ("log a+00000000+AAAA\nquorum none\n", "does not fit its key id"),
        ("log a+acfc321b+BgA=\nquorum none\n", "kind 0x06"),
        (f"log {LOG_KEY}x\nquorum none\n", "base64"),
        (LINES + "group a any\nquorum a\n", "not a line of"),
        (LINES + "group a 1\nquorum a\n", "not a line of"),
        (LINES + "group a 0 X1\nquorum a\n", "threshold"),
        (LINES + "group a 2 X1\nquorum a\n", "threshold"),
        (LINES + "group a 01 X1\nquorum a\n", "threshold"),
        (LINES + "group a -1 X1\nquorum a\n", "threshold"),
        (LINES + "group a some X1\nquorum a\n", "threshold"),
        (LINES + f"group a {'9' * 5000} X1\nquorum a\n", "threshold"),
        (LINES + "group a ١ X1\nquorum a\n", "threshold"),
        (LINES + "group a any X1 X1\nquorum a\n", "already a member"),
        (LINES + "group a any X1\ngroup b any X1\nquorum a\n", "already a member"),
        (LINES + "group a any a\nquorum a\n", "not defined"),
        (LINES + "group a any b\ngroup b any X1\nquorum a\n", "not defined"),
        (LINES + "group a any none\nquorum a\n", "not defined"),
        (LINES + "group X1 any X2\nquorum X1\n", "taken"),
        (LINES + "group none any X2\nquorum none\n", "taken"),
        ("quorum none\r\n", "control character"),
        ("quorum\x0bnone\n", "control character"),
        ("quorum none\n\0\n", "control character"),
        ("quorum none\n#\x7f\n", "control character"),
        ("quorum\u00a0none\n", "not a line of"),
        ("#" * 10**6 + "\nquorum none\n", "megabyte"),
    ],
)
def test_invalid_policies_are_refused(lines: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        Policy.parse(lines.encode())


def test_the_error_names_the_line() -> None:
    with pytest.raises(Malformed, match="Line 3 of the policy"):
        Policy.parse(b"# first\n\ngroup\n")


words = st.sampled_from(
    ["log", "witness", "group", "quorum", "none", "any", "all", "1", "2", "a", "b", "c", "#"]
) | st.sampled_from([str(LOG_KEY), *[str(key.verifier) for key in WITNESSES.values()]])


@given(
    st.binary(max_size=100)
    | st.lists(st.lists(words, max_size=5).map(" ".join), max_size=8).map(
        lambda ls: "\n".join([*ls, ""]).encode()
    )
)
@settings(max_examples=500, deadline=None, derandomize=True)
@example(b"quorum none\n")
def test_arbitrary_policies_raise_nothing_but_tlog_errors(data: bytes) -> None:
    try:
        policy = Policy.parse(data)
    except TlogError:
        return
    assert policy.satisfied_by([Signature.by(key, b"") for key in policy.witnesses.values()])
    assert policy.satisfied_by([]) == (policy.quorum == "none")


def test_a_hundred_logs_witnesses_and_groups_are_accepted() -> None:
    lines = [f"log {Signer(f'l{n}', bytes([n]) * 32).verifier}" for n in range(100)]
    lines += [f"witness w{n} {Cosigner(f'w{n}', bytes([n]) * 32).verifier}" for n in range(100)]
    lines += ["group g0 any w0", *[f"group g{n} all g{n - 1} w{n}" for n in range(1, 100)], "quorum g99", ""]
    policy = Policy.parse("\n".join(lines).encode())
    everybody = [Signature.by(key, b"") for key in policy.witnesses.values()]
    assert policy.satisfied_by(everybody) and not policy.satisfied_by(everybody[:-1])


def test_a_hostile_megabyte_takes_bounded_time() -> None:
    chain = "".join(f"group g{n} any g{n - 1}\n" for n in range(1, 30_000))
    for data in (
        f"witness g0 {KEY}\n{chain}quorum none\n",
        f"witness a {KEY}\ngroup b any {'a ' * 400_000}\nquorum b\n",
        "#\n" * 400_000,
        " " * 999_000 + "\n",
    ):
        start = time.process_time()
        with contextlib.suppress(Malformed):
            Policy.parse(data.encode()).satisfied_by(signatures(("X1",)))
        assert time.process_time() - start < 3
