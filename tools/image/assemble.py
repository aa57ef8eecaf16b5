"""Assembles the file system of the image: an environment, its interpreter and the libraries that these load.

Runs in the build stage of the Dockerfile, with the interpreter that goes into the image and without other packages.
The same input gives the same files: bytecode refers to no times, and all files get the time of SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import pkgutil
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

STANDARD_LIBRARY_LEAVES_OUT = (
    *("__pycache__", "config-*", "dist-packages", "site-packages"),
    *("ensurepip", "idlelib", "pydoc_data", "test", "tkinter", "turtle.py", "turtledemo", "venv"),
    *("curses", "_curses*", "dbm", "_dbm*", "_gdbm*", "readline*", "sqlite3", "_sqlite3*"),
    *("_ctypes_test*", "_test*", "_tkinter*", "_xxtestfuzz*", "xxlimited*", "_xxsubinterpreters*"),
)
"""What the operator never imports, or what installs other packages."""

ENVIRONMENT_LEAVES_OUT = (
    *("__pycache__", "tests", "*.pyi", "*.c", "*.h", "*.pxd", "*.pyx"),
    *("activate*", "Activate*", "deactivate*", "pydoc.bat", ".gitignore", ".lock", "CACHEDIR.TAG"),
    *("RECORD", "uv_cache.json"),  # these contain files that are left out, and the time of the installation
)
ALSO = ("/etc/ssl/certs/ca-certificates.crt", "/etc/os-release", "/etc/nsswitch.conf")
GENERATED = re.compile(r"kubernetes\.(aio\.)?client\.(api|models)\.")
"""A class for each kind of Kubernetes. The client imports the module of a class when it is first used."""

_LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
_SHARED_OBJECT = re.compile(r"\.so(\.\d+)*$")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Assemble the file system of the image.")
    parser.add_argument("environment", type=Path, help="the virtual environment, where it will be in the image")
    parser.add_argument("root", type=Path, help="the folder for the result, which must not exist")
    options = parser.parse_args(arguments)
    root: Path = options.root
    root.mkdir()
    _copy_top_links(root)
    _copy_environment(options.environment, root=root)
    _copy_interpreter(root)
    libraries = _copy_libraries(root)
    for each in ALSO:
        _copy(Path(each), root=root)
    _copy_packages_of(libraries, root=root)
    _compile(root)
    (root / "tmp").mkdir(mode=0o1777)
    (root / "tmp").chmod(0o1777)
    _set_times(root, seconds=int(os.environ.get("SOURCE_DATE_EPOCH") or 0))
    return 0


def _copy_top_links(root: Path) -> None:
    """Copy the links of a merged /usr, such as /lib64: programs name their loader by such a path."""
    for each in sorted(Path("/").iterdir()):
        if each.is_symlink() and each.readlink().parts[:1] == ("usr",):
            (root / each.name).symlink_to(each.readlink())
            (root / each.readlink()).mkdir(parents=True, exist_ok=True)


def _copy_environment(environment: Path, *, root: Path) -> None:
    there = root / environment.relative_to("/")
    shutil.copytree(environment, there, symlinks=True, ignore=shutil.ignore_patterns(*ENVIRONMENT_LEAVES_OUT))
    for each in (there / "bin").iterdir():
        if each.name != "productionpolicy" and not each.name.startswith("python"):
            each.unlink()
    (packages,) = there.glob("lib/python*/site-packages")
    used = _imported(environment)
    for file in sorted(packages.glob("kubernetes/**/*.py")):
        name = ".".join(file.relative_to(packages).with_suffix("").parts)
        if GENERATED.match(name) and file.name != "__init__.py" and name not in used:
            file.unlink()


def _imported(environment: Path) -> set[str]:
    """Return the modules that are loaded once all modules of the product are."""
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import assemble; assemble.print_imported()"
    )
    command = [str(environment / "bin" / "python"), "-c", script]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def print_imported() -> None:
    """Import all modules of the product, and print the names of all loaded modules."""
    package = importlib.import_module("productionpolicy")
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not each.name.endswith("__main__"):
            importlib.import_module(each.name)
    print(*sorted(sys.modules), sep="\n")


def _copy_interpreter(root: Path) -> None:
    interpreter = Path(sys.executable).resolve()
    _copy(interpreter, root=root)
    for name in ("python3", f"python3.{sys.version_info.minor}"):
        link = root / interpreter.relative_to("/").parent / name
        if not link.exists():
            link.symlink_to(interpreter.name)
    for path in sorted({sysconfig.get_path(each) for each in ("stdlib", "platstdlib")}):
        shutil.copytree(
            path,
            _place(Path(path), root=root),
            ignore=shutil.ignore_patterns(*STANDARD_LIBRARY_LEAVES_OUT),
            ignore_dangling_symlinks=True,
            dirs_exist_ok=True,
        )


def _copy_libraries(root: Path) -> list[Path]:
    """Copy all libraries that the programs and libraries in the root load, and return where they come from."""
    loading = [Path(sys.executable).resolve(), *_shared_objects(root)]
    # A library that Python does not load by itself needs one of Python's: those are found by the caller.
    done = subprocess.run(["ldd", *loading], capture_output=True, text=True, check=False)
    found = sorted({Path(each) for each in _LIBRARY.findall(done.stdout)})
    for each in found:
        if not _place(each, root=root).exists():
            _copy(each, root=root)
    for each in (Path("/etc/ld.so.conf"), *Path("/etc/ld.so.conf.d").glob("*.conf")):
        _copy(each, root=root)
    subprocess.run(["ldconfig", "-X", "-r", root], check=True)
    return [each for each in found if not each.is_relative_to(root)]


def _shared_objects(root: Path) -> Iterator[Path]:
    return (each for each in sorted(root.rglob("*.so*")) if _SHARED_OBJECT.search(each.name))


def _copy_packages_of(libraries: Iterable[Path], *, root: Path) -> None:
    """Copy the entries of the distribution's packages, by which scanners know the versions, and their licenses."""
    for name in sorted({package for each in libraries for package in _packages(each)} | {"ca-certificates"}):
        done = subprocess.run(["dpkg-query", "--status", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            entry = root / "var/lib/dpkg/status.d" / name.partition(":")[0]
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_text(done.stdout)
            _copy(Path("/usr/share/doc", entry.name, "copyright"), root=root)


def _packages(library: Path) -> list[str]:
    """Return the package that a library belongs to, which may know it by either path of a merged /usr."""
    real = library.resolve()
    for path in (real, Path("/", real.relative_to("/usr")) if real.is_relative_to("/usr") else real):
        done = subprocess.run(["dpkg-query", "--search", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return [done.stdout.rpartition(":")[0]]
    return []


def _copy(file: Path, *, root: Path) -> None:
    """Copy a file to its place, if there is such a file."""
    if file.is_file():
        place = _place(file, root=root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)


def _place(file: Path, *, root: Path) -> Path:
    return root / (file.parent.resolve() / file.name).relative_to("/")


def _compile(root: Path) -> None:
    """Compile all modules, since a read-only file system leaves nobody else to do so."""
    compileall.compile_dir(
        root,
        maxlevels=50,
        stripdir=str(root),
        prependdir="/",
        quiet=1,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _set_times(root: Path, *, seconds: int) -> None:
    for folder, _, files in os.walk(root, topdown=False):
        for each in (*(Path(folder) / name for name in sorted(files)), Path(folder)):
            os.utime(each, (seconds, seconds), follow_symlinks=False)
    for each in root.rglob("*"):
        if each.is_symlink():
            os.utime(each, (seconds, seconds), follow_symlinks=False)


if __name__ == "__main__":
    sys.exit(main())
