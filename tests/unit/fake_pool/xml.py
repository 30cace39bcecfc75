"""XML as gluster writes it."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.unit.fake_pool.model import FakePeer, FakeVolume, host

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def tasks(volume: FakeVolume) -> str:
    if not volume.removing:
        return "<tasks/>"
    bricks = "".join(f"<brick>{brick.host}:{brick.path}</brick>" for brick in volume.removing)
    status = f"<status>{1 if volume.to_move else 3}</status>"
    return f"<tasks><task><type>Remove brick</type>{status}<params>{bricks}</params></task></tasks>"


def space(peer: FakePeer) -> str:
    inodes = "<blockSize>4096</blockSize><inodesTotal>9</inodesTotal><inodesFree>8</inodesFree>"
    return f"<sizeTotal>{100 * 2**30}</sizeTotal><sizeFree>{peer.free * 2**30}</sizeFree>{inodes}"


def info(peer: FakePeer, volume: FakeVolume) -> str:
    bricks = "".join(
        f'<brick uuid="{host(peer, b.host).uuid}">{b.host}:{b.path}<name>{b.host}:{b.path}</name>'
        f"<hostUuid>{host(peer, b.host).uuid}</hostUuid><isArbiter>{int(b.arbiter)}</isArbiter></brick>"
        for b in volume.bricks
    )
    options = "".join(f"<option><name>{k}</name><value>{v}</value></option>" for k, v in volume.options.items())
    size = volume.disperse or volume.replica
    kind = 4 if volume.disperse else 2 if volume.replica > 1 else 0
    return (
        f"<volume><name>{volume.name}</name><id>{volume.id}</id><status>{int(volume.started)}</status>"
        f"<statusStr>{'Started' if volume.started else 'Created'}</statusStr><snapshotCount>0</snapshotCount>"
        f"<brickCount>{len(volume.bricks)}</brickCount><distCount>{len(volume.bricks) // size}</distCount>"
        f"<replicaCount>{volume.replica}</replicaCount><arbiterCount>{volume.arbiter}</arbiterCount>"
        f"<disperseCount>{volume.disperse}</disperseCount><redundancyCount>{volume.redundancy}</redundancyCount>"
        f"<type>{kind}</type><typeStr>{['Distribute', '', 'Replicate', '', 'Disperse'][kind]}</typeStr>"
        f"<transport>0</transport><bricks>{bricks}</bricks><optCount>{len(volume.options)}</optCount>"
        f"<options>{options}</options></volume>"
    )


def ok(body: str, errno: int = 0, says: str = "") -> str:
    text = f"<opErrstr>{says}</opErrstr>" if says else "<opErrstr/>"
    return f"<cliOutput><opRet>0</opRet><opErrno>{errno}</opErrno>{text}{body}</cliOutput>"


def fail(message: str, errno: str, tail: str = "") -> str:
    text = f"<opErrstr>{escape(message)}</opErrstr>"
    return f"<cliOutput><opRet>-1</opRet><opErrno>{errno}</opErrno>{text}{tail}</cliOutput>"
