"""What setuptools leaves open as it packs us: the same sources give the same bytes on any machine, as for the zip.

Times and permissions are fixed, and files are stored as they are (what deflate makes depends on the zlib). What earlier
builds left in the checkout is not packed.
"""

from __future__ import annotations

import io
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist

TIME = 315532800  # 1980-01-01 00:00, the first that a zip can hold
BLOCK = 65535


class EggInfo(egg_info):
    """The metadata: links of the README that lead nowhere outside of a checkout become the paths that they name."""

    def finalize_options(self) -> None:
        """Take the description from the README."""
        super().finalize_options()
        metadata = self.distribution.metadata
        metadata.long_description = re.sub(r"!?\[([^]]+)\]\((?!\w+:)([^)]+)\)", r"\1 (`\2`)", metadata.long_description)

    def find_sources(self) -> None:
        """List the sources anew, not those of an earlier list as well."""
        Path(self.egg_info, "SOURCES.txt").unlink(missing_ok=True)
        super().find_sources()


class Sdist(sdist):
    """The source distribution, ``.tar.gz``."""

    def make_archive(self, base_name: str, *_: Any, base_dir: str, **__: Any) -> str:  # type: ignore[override]
        """Pack a folder that holds the sources."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            files = (path for path in Path(base_dir).rglob("*") if path.is_file())
            for path in sorted(files, key=Path.as_posix):
                info = tarfile.TarInfo(path.as_posix())
                info.size, info.mtime = path.stat().st_size, TIME
                with path.open("rb") as file:
                    archive.addfile(info, file)
        path = Path(f"{base_name}.tar.gz")
        path.write_bytes(stored(packed.getvalue()))
        return str(path)


class Wheel(bdist_wheel):
    """The wheel."""

    def run(self) -> None:
        """Build in empty folders, and pack what setuptools packed once more."""
        for folder in (self.get_finalized_command("build").build_lib, self.bdist_dir):
            shutil.rmtree(folder, ignore_errors=True)
        super().run()
        path = Path(self.distribution.dist_files[-1][-1])
        with zipfile.ZipFile(path) as archive:
            files = [(name, archive.read(name)) for name in archive.namelist()]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in files:
                info = zipfile.ZipInfo(name)  # of 1980-01-01 00:00
                info.create_system = 3
                info.external_attr = 0o100644 << 16
                archive.writestr(info, content)


def stored(content: bytes) -> bytes:
    """Return a gzip file that holds bytes as they are (RFC 1951, 3.2.4)."""
    blocks = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for number, block in enumerate(blocks, 1):
        parts += [struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*parts, struct.pack("<II", zlib.crc32(content), len(content))])
