"""The command line: `python -m hooks plan` from anywhere; the other commands are for the chart's Jobs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import NoReturn

from kubernetes.client.exceptions import ApiException

from hooks.gluster.session import Broken, GlusterError
from hooks.kube.client import Cluster, ClusterError
from hooks.kube.lease import Locked
from hooks.kube.names import fullname
from hooks.run import before, converge, delete_guard, maintenance
from hooks.run.endings import MEANINGS, Ending, ExitCode
from hooks.run.live_release import LiveRelease
from hooks.run.report import Report
from hooks.values.files import load
from hooks.values.model import ValuesError
from hooks.values.parse import parse
from hooks.wait import SYSTEM, Deadline

EXIT_CODES = "\n".join(["exit codes:", *(f"  {code:>2}  {meaning}" for code, meaning in MEANINGS.items())])
EXPECTED = (Ending, Locked, ValuesError, ClusterError, ApiException, *Broken)
"""Errors with a message that says all: what else comes is a fault of the hook, and its traceback is wanted."""


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Run a command, return its exit code."""
    args = _parser().parse_args(argv)
    report = Report()
    try:
        code: ExitCode = args.run(args, report)
    except EXPECTED as error:
        if isinstance(error, ApiException):
            report.say(f"The API server refuses a request of the hook ({error.status}): {error.reason}")
        else:
            report.say(str(error))
        return _exit_code(error)
    return code


def _exit_code(error: Exception) -> ExitCode:
    match error:
        case Ending():
            return error.exit_code
        case Locked():
            return ExitCode.LOCKED
        case ValuesError():
            return ExitCode.REFUSED
        case GlusterError():
            return ExitCode.COMMAND_FAILED
        case _:
            return ExitCode.UNREADABLE


def _converge(args: argparse.Namespace, report: Report) -> ExitCode:
    return converge.run(_release(args), Deadline.after(args.deadline), report)


def _maintain(args: argparse.Namespace, report: Report) -> ExitCode:
    return maintenance.run(_release(args), Deadline.after(args.deadline), report)


def _plan(args: argparse.Namespace, _: Report) -> ExitCode:
    return before.plan(_release(args))


def _guard(args: argparse.Namespace, _: Report) -> ExitCode:
    return before.guard(_release(args))


def _delete_guard(args: argparse.Namespace, report: Report) -> ExitCode:
    return delete_guard.run(_cluster(args), args.driver, args.before, report)


def _certificates(args: argparse.Namespace, report: Report) -> ExitCode:
    from hooks.run.certificates import provide  # noqa: PLC0415 - a third of a second that no other command needs

    report.say(provide(_cluster(args), args.secret, SYSTEM.now()))
    return ExitCode.DONE


def _release(args: argparse.Namespace) -> LiveRelease:
    raw = load(args.values)
    return LiveRelease(_cluster(args), parse(raw), args.fullname or fullname(raw, args.release))


def _cluster(args: argparse.Namespace) -> Cluster:
    return Cluster(args.namespace, args.release, args.kubeconfig, args.context)


class _Parser(argparse.ArgumentParser):
    """One whose errors are told from `plan`'s changes, for which argparse would exit with the same code."""

    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m hooks",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    everywhere = _everywhere()

    def command(
        name: str,
        run: Callable[[argparse.Namespace, Report], ExitCode],
        summary: str,
        *parents: _Parser,
    ) -> _Parser:
        made = commands.add_parser(name, help=summary, parents=[*parents, everywhere])
        made.set_defaults(run=run)
        return made

    with_values, with_deadline = _with_values(), _with_deadline()
    command(
        "converge",
        _converge,
        "bring the live pool to what the values ask for (the chart's Job)",
        with_values,
        with_deadline,
    )
    command("plan", _plan, "print what would be done as exact gluster commands; change nothing", with_values)
    command(
        "guard",
        _guard,
        "print the plan, fail where it would lose or strand data (the chart's Job before an upgrade)",
        with_values,
    )
    command(
        "maintain",
        _maintain,
        "repair what can be repaired safely, report everything else in Events (the chart's CronJob)",
        with_values,
        with_deadline,
    )
    delete = command(
        "delete-guard",
        _delete_guard,
        "fail where pods still mount volumes of the release (the chart's Job before an uninstall)",
    )
    delete.add_argument("--driver", required=True, help="name of the release's CSI driver")
    delete.add_argument(
        "--upgrade",
        dest="before",
        action="store_const",
        const=delete_guard.Before.UPGRADE,
        default=delete_guard.Before.UNINSTALL,
        help="not an uninstall: an upgrade without the driver",
    )
    certificates = command(
        "certificates",
        _certificates,
        "make the Secret with the pool's certificate, or renew it; one that is good stays",
    )
    certificates.add_argument("secret", help="its name, such as gluster-tls")
    return parser


def _with_values() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument("-f", "--values", required=True, help="values file, merged over the chart's own values.yaml")
    parser.add_argument("--fullname", help="name of the chart's objects (default: as the chart makes it)")
    return parser


def _with_deadline() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument("--deadline", type=float, default=260, metavar="SECONDS", help="time it may take")
    return parser


def _everywhere() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument("-n", "--namespace", default=os.environ.get("NAMESPACE", "default"))
    parser.add_argument("--release", default="gluster", help="name of the Helm release (default: gluster)")
    parser.add_argument("--kubeconfig", help="default: as kubectl finds it, or the pod's own account")
    parser.add_argument("--context", help="context of the kubeconfig")
    return parser
