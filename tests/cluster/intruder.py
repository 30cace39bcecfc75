"""Runs in an ordinary pod: what somebody can do there who knows GlusterFS. Standard library and libgfapi only.

    python3 - read VOLUME FILE SERVER       through glusterd, as any client does
    python3 - brick BRICK FILE HOST PORT    with a volfile of one's own, past glusterd
    python3 - spec NAME SERVER              the volfile of a brick, which has the login that all bricks trust
    python3 - become UUID SERVER SERVER-UUID COMMAND...     as a peer whose UUID is known, then a gluster command

With `tls` before all that it speaks TLS, with a certificate of its own making.
"""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

STATE = Path("/var/lib/glusterd")
CLIENT = """
volume client
  type protocol/client
  option transport-type tcp
  option transport.address-family inet
  option transport.socket.ssl-enabled {tls}
  option remote-host {host}
  option remote-port {port}
  option remote-subvolume {brick}
end-volume
volume top
  type debug/io-stats
  subvolumes client
end-volume
"""


def disguise() -> None:
    """A certificate that says the same as the pool's, and TLS for all connections."""
    out = ["-keyout", "/etc/ssl/glusterfs.key", "-out", "/etc/ssl/glusterfs.pem", "-subj", "/CN=glusterfs"]
    for name in ("pem", "key", "ca"):
        Path(f"/etc/ssl/glusterfs.{name}").unlink(missing_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *key, "-days", "9", *out], check=True, capture_output=True)
    Path("/etc/ssl/glusterfs.ca").symlink_to("glusterfs.pem")
    (STATE / "secure-access").touch()


def read(source: str, file: str, server: str = "") -> None:
    """`source` is a volume of the glusterd at `server`, or the path of a volfile."""
    api = ctypes.CDLL("libgfapi.so.0", use_errno=True)
    for name in ("glfs_new", "glfs_open"):
        getattr(api, name).restype = ctypes.c_void_p
    fs = ctypes.c_void_p(api.glfs_new(source.encode() if server else b"intruder"))
    api.glfs_set_logging(fs, b"/dev/stderr", 5)
    if server:
        api.glfs_set_volfile_server(fs, b"tcp", server.encode(), 24007)
    else:
        api.glfs_set_volfile(fs, source.encode())
    if api.glfs_init(fs):
        raise OSError(ctypes.get_errno(), "glfs_init")
    opened = ctypes.c_void_p(api.glfs_open(fs, file.encode(), os.O_RDONLY))
    if not opened:
        raise OSError(ctypes.get_errno(), "glfs_open")
    content = ctypes.create_string_buffer(4096)
    size = api.glfs_read(opened, content, ctypes.c_size_t(4096), 0)
    print("READ", content.raw[:size].decode() if size > 0 else size)


def become(uuid: str, server: str, its_uuid: str, command: list[str]) -> None:
    (STATE / "peers").mkdir(exist_ok=True)
    (STATE / "glusterd.info").write_text(f"UUID={uuid}\noperating-version=110000\n")
    (STATE / "peers" / its_uuid).write_text(f"uuid={its_uuid}\nstate=3\nhostname1={server}\n")
    # It stays: what it inherits of this script's output would keep whoever reads that waiting.
    subprocess.run(["glusterd", "-l", "/tmp/log"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 25
    while time.monotonic() < end:
        argv = ["timeout", "10", "gluster", "--mode=script", *command]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr)
        if done.returncode == 0:
            print("DONE")
            return
        time.sleep(1)
    print(Path("/tmp/log").read_text()[-3000:])


def main(tls: bool, what: str, *rest: str) -> None:
    if tls:
        disguise()
    if what == "read":
        read(*rest)
    elif what == "brick":
        brick, file, host, port = rest
        Path("/tmp/volfile").write_text(CLIENT.format(brick=brick, host=host, port=port, tls="on" if tls else "off"))
        read("/tmp/volfile", file)
    elif what == "spec":
        name, server = rest
        argv = ["timeout", "20", "gluster", f"--remote-host={server}", "system::", "getspec", name]
        subprocess.run(argv, check=False)
    else:
        uuid, server, its_uuid, *command = rest
        become(uuid, server, its_uuid, command)


arguments = sys.argv[1:]
secure = arguments[0] == "tls"
main(secure, *arguments[secure:])
