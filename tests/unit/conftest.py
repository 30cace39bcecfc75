"""The driver's messages come out of its .proto files, here as at the build of its image."""

from __future__ import annotations

from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[2]


def pytest_configure() -> None:
    """Make csi/*_pb2.py where they are older than their .proto files. Fails where protoc does."""
    for proto in ("csi", "registration"):
        source, made = ROOT / "csi" / f"{proto}.proto", ROOT / "csi" / f"{proto}_pb2.py"
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            assert protoc.main(["protoc", f"-I{ROOT}", f"--python_out={ROOT}", str(source)]) == 0, source
