"""Container images without a registry: the project's Dockerfiles, built with buildah.

An image becomes an archive named by the hash of all that went into it, so what has not changed is never built again.
"""

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed import build, rootfs
from testbed.config import REPOSITORY, ClusterError, cache_folder, versions
from testbed.progress import step
from testbed.shell import lock, remove_tree, run

PAUSE = "localhost/pause:1"
KEPT_ARCHIVES = 6  # of each image, over all checkouts


@dataclass(frozen=True)
class Image:
    name: str
    reference: str
    context: Path
    dockerfile: Path

    def inputs(self) -> Iterator[Path]:
        """The Dockerfile and what its COPY lines name, as files."""
        yield self.dockerfile
        text = self.dockerfile.read_text().replace("\\\n", " ")
        for arguments in re.findall(r"^COPY\s+(.*)$", text, re.MULTILINE):
            words = shlex.split(arguments)
            if any(word.startswith("--from") for word in words):
                continue
            for source in [word for word in words if not word.startswith("--")][:-1]:
                path = self.context / source
                if not path.exists():
                    raise ClusterError(f"{self.dockerfile} copies {path}, which is not there. Mend one or the other.")
                yield from sorted(_files(path))

    def key(self) -> str:
        digest = hashlib.sha256(f"{self.reference} {rootfs.image_base().parent.name}".encode())
        for path in self.inputs():
            digest.update(f"\n{path.relative_to(self.context)} {path.stat().st_mode}\n".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    made = ("__pycache__", "_pb2.py")  # what .dockerignore keeps out too
    return (found for found in path.rglob("*") if found.is_file() and not any(word in str(found) for word in made))


def project_images() -> dict[str, Image]:
    """One image a folder of images/; its name is the folder's, with the chart's name before it."""
    version, application = _chart_versions()
    found = {}
    for dockerfile in sorted(REPOSITORY.glob("images/*/Dockerfile")):
        name = dockerfile.parent.name
        tagged = f"glusterfs:{application}" if name == "glusterfs" else f"glusterfs-{name}:{version}"
        found[name] = Image(name, f"localhost/{tagged}", REPOSITORY, dockerfile)
    return found


def _chart_versions() -> tuple[str, str]:
    chart = REPOSITORY / "charts/glusterfs/Chart.yaml"
    text = chart.read_text() if chart.exists() else ""
    found = dict(re.findall(r'^(version|appVersion):\s*"?([^"\s]+)"?\s*$', text, re.MULTILINE))
    return found.get("version", "0.0.0"), found.get("appVersion", "0.0.0")


def pause_image() -> Image:
    """The only image that Kubernetes needs itself. It holds one program, out of build.py."""
    folder = build.pause()
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text('FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n')
    return Image("pause", PAUSE, folder, dockerfile)


def sidecar_image(name: str) -> Image:
    """One of Kubernetes' own helpers of the CSI driver, under the name that upstream gives its image; it is built."""
    folder = build.sidecar(name)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(f'FROM scratch\nCOPY {name} /{name}\nENTRYPOINT ["/{name}"]\n')
    return Image(name, f"registry.k8s.io/sig-storage/{name}:v{versions().sidecars[name][1]}", folder, dockerfile)


def select(names: Iterable[str]) -> list[Image]:
    """The images of those names; the project's, without the sidecars, when none is named."""
    known, sidecars = project_images(), versions().sidecars
    if unknown := [name for name in names if name not in known and name not in sidecars]:
        places = f"a folder of images/ ({', '.join(known)}) or a sidecar ({', '.join(sidecars)})"
        raise ClusterError(f"There is no image {', '.join(unknown)}. Use {places}.")
    return [known.get(name) or sidecar_image(name) for name in names] or list(known.values())


def archive(image: Image) -> Path:
    """Build the image, unless its inputs have been built before; its archive."""
    folder = cache_folder() / "images" / image.name
    target = folder / f"{image.key()}.tar"
    with lock("images"):
        if target.exists():
            target.touch()
            return target
        folder.mkdir(parents=True, exist_ok=True)
        with step(f"image {image.reference}", slow=True):
            _import_base()
            options = ("--layers", *_pip_settings(), "-t", image.reference, "-f", str(image.dockerfile))
            _buildah("build", *options, image.context)
            draft = folder / "draft"
            draft.unlink(missing_ok=True)
            _buildah("push", image.reference, f"docker-archive:{draft}:{image.reference}")
            draft.rename(target)
        for old in sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)[:-KEPT_ARCHIVES]:
            old.unlink()
    return target


def _pip_settings() -> list[str]:
    """The machine's own pip settings and certificates during the build, so that no Dockerfile names a host."""
    files = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
    return [option for file in files if Path(file).exists() for option in ("-v", f"{file}:{file}:ro")]


def _import_base() -> None:
    base = rootfs.image_base()
    marker = cache_folder() / "buildah" / f"has-{base.parent.name}"
    if not marker.exists():
        dockerfile = base.with_name("Dockerfile")
        dockerfile.write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n')
        _buildah("build", "-t", f"docker.io/library/debian:{versions().debian_image}-slim", base.parent)
        marker.touch()


def _buildah(command: str, *arguments: str | Path) -> None:
    folder = cache_folder() / "buildah"
    if command == "build":
        arguments = ("--pull-never", "--isolation", "chroot", *arguments)
    # The folder for what runs is made anew each time: mounts that it tells of ended with their mount namespace.
    remove_tree(folder / "run")
    place = ("--root", folder / "store", "--runroot", folder / "run", "--storage-driver", "overlay")
    run(["buildah", *place, command, "--quiet", *arguments], contained=True)
