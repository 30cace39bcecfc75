"""The command line: python -m testbed --help"""

import argparse
import os
import sys

from testbed import build, host, images, lifecycle, native
from testbed.config import TestbedError, versions


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m testbed", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring the cluster up")
    up.add_argument("--nodes", type=int, default=3)
    up.add_argument("--kubernetes", default=versions().kubernetes)
    up.add_argument("--brick-size", default="2G")
    commands.add_parser("down", help="take it down")
    commands.add_parser("kubeconfig")
    commands.add_parser("tools")
    load = commands.add_parser("load")
    load.add_argument("names", nargs="*")
    execute = commands.add_parser("exec")
    execute.add_argument("node")
    execute.add_argument("argv", nargs=argparse.REMAINDER)
    return top


def main() -> int:
    options = parser().parse_args()
    if options.command == "up":
        cluster = lifecycle.up(options.nodes, options.kubernetes, options.brick_size)
        print(f"export KUBECONFIG={cluster.kubeconfig}")
    elif options.command == "down":
        if not lifecycle.down():
            print("There is no cluster.")
    elif options.command == "tools":
        build.kubectl_and_helm()
        print(build.helm3())
    else:
        cluster = native.load()
        if not cluster:
            raise TestbedError("There is no cluster. Bring it up: python -m testbed up")
        if options.command == "kubeconfig":
            print(cluster.kubeconfig)
        elif options.command == "load":
            cluster.load([images.archive(image) for image in images.select(options.names)])
        elif options.command == "exec":
            argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
            command = cluster.machine(options.node).inside(argv)
            os.execvp(command[0], command)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TestbedError as error:
        sys.exit(f"testbed: {error}")
