"""The command line of the test bed."""

import argparse
import os
import shlex
import signal
import sys

from testbed import build, cluster, images
from testbed.config import ClusterError, patience, versions

DESCRIPTION = """\
A real Kubernetes cluster on this one Linux machine, with bricks for GlusterFS, a storage network,
and the faults that tests of storage need. Everything it makes lies below ~/.cache/glusterfs-testbed
($TESTBED_CACHE overrides); `down` takes the cluster away and keeps what was built.
Each checkout has a cluster of its own ($TESTBED_ID overrides its id). TESTBED_PATIENCE=3 makes every
time-out three times as long, for a slow or busy machine."""

EXAMPLES = """\
examples (as root, for namespaces and mounts take it):
  python3 -m testbed up                        four nodes; the first time takes minutes, then seconds
  eval "$(python3 -m testbed env)"             KUBECONFIG, and kubectl and helm on the PATH, for this shell
  python3 -m testbed crash worker-2 --silent   pull the plug
  python3 -m testbed boot worker-2             its disks are as they were
  python3 -m testbed exec worker-1 -- df -h /mnt/brick1
  python3 -m testbed down"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python3 -m testbed",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, *, node: bool = False) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if node:
            command.add_argument("node", metavar="NODE", help="a node's name, for example worker-2")
        return command

    pins = versions()
    up = add("up", "bring the cluster up, building what is missing; when it is up, load the images that changed")
    up.add_argument(
        "--nodes", type=int, default=4, choices=range(1, 10), metavar="N", help="number of nodes, 1 to 9 (4)"
    )
    tested = ", ".join(pins.kubernetes_tested)
    kubernetes = f"Kubernetes version ({pins.kubernetes}); {tested} is tested too, another one is built from source"
    up.add_argument("--kubernetes", metavar="VERSION", help=kubernetes)
    provider = "native: namespaces of this machine, needs root; kind: needs Docker (kind where both are there)"
    up.add_argument("--provider", choices=("native", "kind"), help=provider)
    up.add_argument("--brick-size", default="2G", metavar="SIZE", help="size of each brick's file system (2G, sparse)")

    add("down", "take the cluster away, whole; what was built stays for the next one")
    add("status", "show the nodes: power, readiness, links; the exit code is 1 when no cluster is up")
    add("kubeconfig", "print the path of the administrator's kubeconfig")
    add("env", "print the lines that set KUBECONFIG and PATH in a shell")
    add("tools", "make sure of kubectl, helm (4) and helm3, and print their folder for PATH")

    crash = add("crash", "end a node at once; its disks stay", node=True)
    crash.add_argument("--silent", action="store_true", help="as a power cut: peers do not even see connections close")
    add("boot", "start a node that is off, with its disks as they are", node=True)
    cut = add("cut", "pull a node's network cable", node=True)
    mend = add("mend", "plug it in again", node=True)
    for command, default in ((cut, "storage"), (mend, "all")):
        choices = ("storage", "cluster", "all")
        command.add_argument("--network", choices=choices, default=default, help=f"which cable ({default})")
    blank = add("blank", "lose a node's GlusterFS state, /var/lib/glusterd, while no glusterd runs on it", node=True)
    blank.add_argument("--bricks", action="store_true", help="and what is on its bricks")

    for name, text in (
        ("images", "build the project's images, each a folder of images/, and print their names"),
        ("load", "build images and import them into every running node"),
    ):
        add(name, text).add_argument(
            "names", nargs="*", metavar="NAME", help=f"folder of images/ (all), or {' or '.join(pins.sidecars)}"
        )
    execute = add("exec", "run a command on a node, with its namespaces and limits", node=True)
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return top


def main() -> int:
    options = parser().parse_args()
    patience()  # said before anything is built, if it is no number
    match options.command:
        case "up":
            made = cluster.up(options.provider, options.nodes, options.kubernetes, options.brick_size)
            print(made.status())
            print('For this shell: eval "$(python3 -m testbed env)"')
        case "down":
            if not cluster.down():
                print("There is no cluster.")
        case "tools":
            print(_tools())
        case "images":
            for image in images.select(options.names):
                images.archive(image)
                print(image.reference)
        case _:
            return on_cluster(options)
    return 0


def on_cluster(options: argparse.Namespace) -> int:
    """The commands that need a running cluster."""
    current = cluster.current()
    match options.command:
        case "status":
            print(current.status())
        case "kubeconfig":
            print(current.kubeconfig)
        case "env":
            folder = build.link_tools(build.kubectl(), build.kubectl().with_name("helm"))
            print(f"export KUBECONFIG={shlex.quote(str(current.kubeconfig))} PATH={shlex.quote(str(folder))}:$PATH")
        case "crash":
            current.crash(options.node, silent=options.silent)
        case "boot":
            current.boot(options.node)
        case "cut":
            current.cut(options.node, options.network)
        case "mend":
            current.mend(options.node, options.network)
        case "blank":
            current.blank(options.node, bricks=options.bricks)
        case "load":
            current.load(options.names)
        case "exec":
            argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
            command = current.command(options.node, argv or ["sh"])
            os.execvp(command[0], command)
    return 0


def _tools() -> str:
    kubectl = build.kubectl()
    return str(build.link_tools(kubectl, kubectl.with_name("helm"), build.helm3()))


def _stop(*_: object) -> None:
    """Ctrl-C ends everything at once: what is being built runs in namespaces that die with this process."""
    print("\ntestbed: stopped. `python3 -m testbed down` clears what was made so far.", file=sys.stderr, flush=True)
    os._exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _stop)
    try:
        sys.exit(main())
    except ClusterError as error:
        sys.exit(f"testbed: {error}")
