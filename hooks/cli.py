"""The command line: `python -m hooks plan` from anywhere; the other commands are for the chart's Jobs."""

from __future__ import annotations

import argparse
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from kubernetes.client.exceptions import ApiException

from hooks.gluster.session import Broken, GlusterError
from hooks.kube.client import ClusterError, KubeClient
from hooks.kube.lease import Locked
from hooks.kube.release import Release
from hooks.run import before, converge, delete_guard, maintenance
from hooks.run.endings import MEANINGS, Ending, ExitCode
from hooks.run.live_release import LiveRelease
from hooks.run.outcome import leave
from hooks.run.preview import preview_json, preview_text
from hooks.run.report import Report
from hooks.values.files import HELM_FLAGS, read, render
from hooks.values.model import ValuesError
from hooks.values.parse import parse
from hooks.wait import SYSTEM, Deadline

EXIT_CODES = "\n".join(["exit codes:", *(f"  {code:>2}  {meaning}" for code, meaning in MEANINGS.items())])
EXPECTED = (Ending, Locked, ValuesError, ClusterError, ApiException, *Broken)
"""Errors with a message that says all: what else comes is a fault of the hook, and its traceback is wanted."""


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Run a command, return its exit code.

    With `--outcome` that is 0 whenever there is an outcome, which another container then tells.
    """
    args = _parser().parse_args(argv)
    report, outcome = Report(), getattr(args, "outcome", None)
    try:
        code = _run(args, report)
    except Exception as error:
        traceback.print_exc()
        report.conclude(f"The hook ended with an error of its own, {type(error).__name__}: {error}")
        code = ExitCode.UNFORESEEN
    if not outcome:
        return code
    leave(outcome, code, report.outcome)
    return ExitCode.DONE


def _run(args: argparse.Namespace, report: Report) -> ExitCode:
    try:
        code: ExitCode = args.run(args, report)
    except EXPECTED as error:
        if isinstance(error, ApiException):
            report.conclude(f"The API server refuses a request of the hook ({error.status}): {error.reason}")
        else:
            report.conclude(str(error))
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
    given = {flag: vars(args)[flag.lstrip("-").replace("-", "_")] for flag in HELM_FLAGS}
    flags = [f"{flag}={value}" for flag, values in given.items() for value in values]
    api = _api(args)
    found = render(args.release, args.namespace, api.client.kubernetes_version(), flags)
    show = preview_json if args.output == "json" else preview_text
    return before.plan(LiveRelease(api, parse(found.values), found.fullname), show)


def _guard(args: argparse.Namespace, report: Report) -> ExitCode:
    return before.guard(_release(args), report)


def _delete_guard(args: argparse.Namespace, report: Report) -> ExitCode:
    return delete_guard.run(_api(args), args.driver, args.before, report)


def _certificates(args: argparse.Namespace, report: Report) -> ExitCode:
    from hooks.run.certificates import provide  # noqa: PLC0415 - a third of a second that no other command needs

    report.say(provide(_api(args), args.secret, SYSTEM.now()))
    return ExitCode.DONE


def _release(args: argparse.Namespace) -> LiveRelease:
    return LiveRelease(_api(args), parse(read(args.values)), args.fullname)


def _api(args: argparse.Namespace) -> Release:
    return Release(KubeClient(args.namespace, args.kubeconfig, args.context), args.release)


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

    with_values, with_deadline, with_outcome = _with_values(), _with_deadline(), _with_outcome()
    command(
        "converge",
        _converge,
        "bring the live pool to what the values ask for (the chart's Job)",
        with_values,
        with_deadline,
        with_outcome,
    )
    plan = command("plan", _plan, "print what would be done as exact gluster commands; change nothing")
    for flag, meaning in HELM_FLAGS.items():
        names = ["-f", flag] if flag == "--values" else [flag]
        plan.add_argument(*names, action="append", default=[], metavar="VALUE", help=f"as Helm's: {meaning}")
    plan.add_argument("-o", "--output", choices=("text", "json"), default="text", help="default: text")
    command(
        "guard",
        _guard,
        "print the plan, fail where it would lose or strand data (the chart's Job before an upgrade)",
        with_values,
        with_outcome,
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
        with_outcome,
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
    parser.add_argument("--values", required=True, metavar="FILE", help="the values, as the chart writes them")
    parser.add_argument("--fullname", required=True, help="what the names of the chart's objects begin with")
    return parser


def _with_outcome() -> _Parser:
    parser = _Parser(add_help=False)
    parser.add_argument(
        "--outcome", type=Path, metavar="FILE", help="write exit code and a line for Helm there, then exit with 0"
    )
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
