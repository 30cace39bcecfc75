"""The best script that somebody would write by hand for the same job: few sessions over stdin, peers side by side.

It looks at nothing, checks nothing and cannot be run twice: what is left is what gluster itself takes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from hooks.gluster.observe import side_by_side
from hooks.gluster.runner import Runner
from hooks.gluster.session import GlusterError, session
from hooks.gluster.xml import parse_peers, rebalanced

Addresses = Mapping[str, str]


def install(runner: Runner, addresses: Addresses, volumes: Sequence[str], brick: str) -> None:
    """Join the peers and make replicated volumes over all of them, each with a brick below `brick` on each node."""
    first, second, *others = addresses
    run(runner, first, [f"peer probe {address}" for name, address in addresses.items() if name != first])
    run(runner, second, [f"peer probe {addresses[first]}"])
    while not all(_connected(runner, name, len(addresses)) for name in (second, *others)):
        pass  # a create is refused while the other peers have not found each other
    _shared(runner, addresses, {volume: _made(volume, addresses, brick) for volume in volumes})


def expand(runner: Runner, addresses: Addresses, volumes: Sequence[str], brick: str) -> None:
    """Add a set of bricks below `brick` to each volume and wait until the data is spread."""
    commands = {
        volume: [
            f"volume add-brick {volume} {_bricks(volume, addresses, brick)}",
            f"volume rebalance {volume} start",
        ]
        for volume in volumes
    }
    _shared(runner, addresses, commands)
    waiting = list(volumes)
    while waiting:
        replies = session(runner, next(iter(addresses)), [f"volume rebalance {volume} status" for volume in waiting])
        states = {
            v: rebalanced(reply.root) for v, reply in zip(waiting, replies, strict=True) if reply.root is not None
        }
        run(
            runner,
            next(iter(addresses)),
            [f"volume rebalance {v} start" for v, state in states.items() if state.failed],
        )
        waiting = [volume for volume in waiting if volume not in states or not states[volume].done]
        if waiting:
            time.sleep(1)


def _connected(runner: Runner, peer: str, peers: int) -> bool:
    (reply,) = session(runner, peer, ["peer status"])
    views = parse_peers(reply.root) if reply.root is not None else ()
    return len(views) == peers - 1 and all(view.healthy for view in views)


def _made(volume: str, addresses: Addresses, brick: str) -> list[str]:
    create = f"volume create {volume} replica {len(addresses)} {_bricks(volume, addresses, brick)}"
    return [create, f"volume set {volume} performance.nl-cache on", f"volume start {volume}"]


def _bricks(volume: str, addresses: Addresses, brick: str) -> str:
    return " ".join(f"{address}:{brick}/{volume}" for address in addresses.values())


def _shared(runner: Runner, addresses: Addresses, commands: Mapping[str, Sequence[str]]) -> None:
    """Each peer gets its share of the volumes."""
    shares: dict[str, list[str]] = {name: [] for name in addresses}
    for number, steps in enumerate(commands.values()):
        shares[list(addresses)[number % len(addresses)]] += steps
    side_by_side(lambda name: run(runner, name, shares[name]), [name for name, share in shares.items() if share])


def run(runner: Runner, peer: str, commands: Sequence[str]) -> None:
    """Run all of it; what another peer's transaction refused is run again, as everybody has to."""
    rest = list(commands)
    while rest:
        replies = session(runner, peer, rest)
        failed = [reply for reply in replies if not reply.ok]
        for reply in failed:
            if not reply.retriable:
                raise GlusterError(peer, reply)
        rest = [reply.command for reply in failed]
