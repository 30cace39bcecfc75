"""The gluster command line: commands in, parsed XML out.

Many commands go into one `gluster --xml` session over stdin, which is where the speed comes from: a process costs
about 65 ms, a further command in a session 4 ms (measured with 10.3 and 11.1).
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult, OutcomeUnknown, PeerUnavailable, Runner

TIMEOUT = 110.0
"""Seconds for one session. A hung glusterd makes the CLI burn a core and give up by itself only after 120 s."""
SLOW = 40.0
"""Seconds more for each `rebalance start` and `remove-brick start`: they take 10 s each, one at a time in
the whole pool (measured: ten of three peers end after 97 s); and `volume stop`, of which 30 do not end in 110 s."""

PORT = 24007
_DECLARATION = "<?xml"
_NOT_ANSWERING = "Connection failed. Please check if gluster daemon is operational"
_TIMED_OUT = "Request timed out"
_RETRIABLE = ("Another transaction is in progress", "Locking failed", "Please try again")
_UNREACHABLE = 69
"""Exit code of require-reachable.sh and host-info.sh, which print the addresses then."""
_HOST_INFO_END = re.compile(r"^@(\d+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A gluster command without the leading `gluster`, and the volume that it changes, "" if it changes none.

    gluster's own prompt, which reads it, splits it at spaces and knows no quotes.
    """

    argv: tuple[str, ...]
    volume: str = ""

    def __post_init__(self) -> None:
        if bad := [argument for argument in self.argv if argument.split() != [argument]]:
            raise ValueError(f"gluster takes no argument that is empty or has a space in it: {bad[0]!r}")

    def __str__(self) -> str:
        return " ".join(self.argv)


@dataclass(frozen=True)
class Reply:
    """What gluster replied to one command. Judge by `ok`: with --xml most failures still exit 0."""

    command: str
    op_ret: int
    op_errno: int
    message: str
    root: ET.Element | None = None
    shell: bool = False

    @property
    def ok(self) -> bool:
        return self.op_ret == 0

    @property
    def answer(self) -> ET.Element | None:
        """The XML of a command that succeeded."""
        return self.root if self.ok else None

    @property
    def retriable(self) -> bool:
        """Whether the same command may succeed a moment later: another transaction holds the lock (errno 30802)."""
        return not self.ok and (self.op_errno == 30802 or any(text in self.message for text in _RETRIABLE))


class PeersUnreachable(PeerUnavailable):
    """No glusterd takes a connection at `addresses`, tried from `peer`: the node or its network is down."""

    def __init__(self, peer: str, addresses: Sequence[str]):
        self.addresses = tuple(addresses)
        super().__init__(
            f"{peer} gets no connection to glusterd (port {PORT}) at {', '.join(addresses)}: "
            "the node or its network is down"
        )


class GlusterError(Exception):
    """A command failed; the message is gluster's own."""

    def __init__(self, peer: str, reply: Reply):
        self.peer = peer
        self.reply = reply
        command = reply.command if reply.shell else f"gluster {reply.command}"
        super().__init__(f"`{command}` failed on {peer}: {reply.message or 'gluster gives no reason'}")


Broken = (GlusterError, OutcomeUnknown, PeerUnavailable)
"""The errors of a look at the pool, which may succeed a moment later."""


def session(runner: Runner, peer: str, commands: Sequence[str], require_reachable: Sequence[str] = ()) -> list[Reply]:
    """Run `commands` (without the leading `gluster`) on `peer` in few sessions; one Reply each, in their order.

    The later commands run too if one fails, unless glusterd stops answering. A command that exits non-zero ends
    gluster's session without a word (measured), so the rest goes into a further one.

    Before the first command the glusterds at the addresses of `require_reachable` must take a connection: one whose
    node is silently gone counts as connected for up to 47 s, and a `volume status` sent meanwhile locks its volume for
    minutes (measured).

    Raises PeersUnreachable for those that do not, PeerUnavailable when glusterd does not answer, OutcomeUnknown when a
    command's effect is not known.
    """

    def program(replies: Sequence[Reply]) -> list[str]:
        if require_reachable and not replies:
            return scripts.argv("require-reachable.sh", str(PORT), *require_reachable)
        return ["gluster", "--mode=script", "--xml"]

    return _sessions(runner, peer, commands, program)


def fail_fast_per_volume(runner: Runner, peer: str, commands: Sequence[Command]) -> list[Reply]:
    """Run `commands` as `session` does, but none of a volume after one of the same volume was refused.

    Raises PeerUnavailable when glusterd does not answer, OutcomeUnknown when a command's effect is not known.
    """
    texts = [str(command) for command in commands]
    volumes = [command.volume for command in commands]
    if len({*volumes} - {""}) + volumes.count("") == len(volumes):  # no volume has two: nothing can be left out
        return session(runner, peer, texts)

    def program(replies: Sequence[Reply]) -> list[str]:
        failed = {volume for volume, reply in zip(volumes, replies, strict=False) if volume and not reply.ok}
        return scripts.argv("fail-fast.sh", ",".join(sorted(failed)), *volumes[len(replies) :])

    return _sessions(runner, peer, texts, program)


def _sessions(
    runner: Runner, peer: str, commands: Sequence[str], program: Callable[[Sequence[Reply]], list[str]]
) -> list[Reply]:
    """The replies to `commands`, from as many sessions as it takes. `program` gives the next one's, after replies."""
    replies: list[Reply] = []
    while len(replies) < len(commands):
        rest = commands[len(replies) :]
        limit = TIMEOUT + SLOW * sum(_is_slow(command) for command in rest)
        result = _run(runner, peer, program(replies), rest, limit)
        _raise_if_unreachable(peer, result, result.stdout)
        replies += _read(peer, rest, result)
    return replies


@dataclass(frozen=True)
class HostInfoReply:
    """A peer's own network `addresses`, the `result` of the command that was run first, `replies` of gluster."""

    addresses: frozenset[str]
    result: ExecResult
    replies: list[Reply]


def session_with_host_info(
    runner: Runner, peer: str, commands: Sequence[str], require_reachable: Sequence[str] = (), argv: Sequence[str] = ()
) -> HostInfoReply:
    """Run `argv` (where there is any) and then what `session` does, in the same exec."""
    program = scripts.argv("host-info.sh", str(len(argv)), *argv, str(PORT), *require_reachable)
    result = _run(runner, peer, program, commands, TIMEOUT)
    before, code, answer = [*_HOST_INFO_END.split(result.stdout, maxsplit=1), "0", ""][:3]
    _raise_if_unreachable(peer, result, answer)
    replies = _read(peer, commands, result)
    own, _, output = before.partition("\n")
    found = ExecResult(output, result.stderr, int(code))
    return HostInfoReply(frozenset(own.split()), found, replies + session(runner, peer, commands[len(replies) :]))


def _raise_if_unreachable(peer: str, result: ExecResult, output: str) -> None:
    if result.exit_code == _UNREACHABLE:
        raise PeersUnreachable(peer, output.split())


def _run(runner: Runner, peer: str, program: Sequence[str], commands: Sequence[str], limit: float) -> ExecResult:
    argv = ["timeout", str(math.ceil(limit)), *program]
    return runner.run(peer, argv, stdin="".join(f"{command}\n" for command in commands), timeout=limit + 10)


def _read(peer: str, commands: Sequence[str], result: ExecResult) -> list[Reply]:
    """The replies in what a session left, at least one: it may have ended before the last of `commands`."""
    replies = [_parse(command, text) for command, text in zip(commands, _documents(result.stdout), strict=False)]
    if not replies:
        return [_without_document(peer, commands[0], result)]
    if len(replies) < len(commands):
        _raise_if_unfinished(peer, commands[len(replies)], result)
    return replies


def _is_slow(command: str) -> bool:
    starts = command.endswith(" start") and command.split()[1] in ("rebalance", "remove-brick")
    return starts or command.startswith("volume stop ")


def _documents(stdout: str) -> list[str]:
    return [_DECLARATION + part for part in stdout.split(_DECLARATION)[1:]]


def _parse(command: str, text: str) -> Reply:
    try:
        root = ET.fromstring(text[text.index("?>") + 2 : text.rindex(">") + 1].strip())
    except (ET.ParseError, ValueError) as error:
        raise OutcomeUnknown(f"the answer to `gluster {command}` was cut off: {error}") from error
    message = (root.findtext("opErrstr") or root.findtext("output") or "").strip()
    return Reply(command, int(root.findtext("opRet", "-1")), int(root.findtext("opErrno", "-1")), message, root)


def _without_document(peer: str, command: str, result: ExecResult) -> Reply:
    _raise_if_unfinished(peer, command, result)
    text = " ".join((result.stderr.strip() or result.stdout.strip() or f"exit code {result.exit_code}").split())
    return Reply(command, -1, -1, text)


def _raise_if_unfinished(peer: str, command: str, result: ExecResult) -> None:
    """Tell a session that ended because glusterd did not answer from one that a refused command ended."""
    output = result.stdout + result.stderr
    if _NOT_ANSWERING in output:
        raise PeerUnavailable(f"glusterd on {peer} does not answer its own command line (`gluster {command}`)")
    if result.exit_code >= 124 or _TIMED_OUT in output:
        raise OutcomeUnknown(f"`gluster {command}` on {peer} was ended before its answer came")


def at_addresses(
    runner: Runner, peer: str, addresses: Sequence[str], commands: Sequence[str]
) -> dict[str, list[Reply] | None]:
    """What the glusterds at `addresses` reply to `commands` that only read, all sent from `peer` in one exec.

    None for an address where no glusterd answers within ten seconds. Raises PeerUnavailable or OutcomeUnknown when
    `peer` itself cannot be used.
    """
    result = _run(runner, peer, scripts.argv("at-addresses.sh", *addresses), commands, TIMEOUT)
    parts = dict(part.split("\n", 1) for part in f"\n{result.stdout}".split("\n@ ")[1:])
    if result.exit_code or parts.keys() != set(addresses):
        raise PeerUnavailable(f"{peer} cannot query the other peers: {result.stderr.strip() or result.stdout.strip()}")
    answers: dict[str, list[Reply] | None] = {}
    for address in addresses:
        replies = [_parse(c, document) for c, document in zip(commands, _documents(parts[address]), strict=False)]
        answers[address] = replies if len(replies) == len(commands) else None
    return answers
