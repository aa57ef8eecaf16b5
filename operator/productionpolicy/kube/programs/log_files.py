"""Files to which a container writes its logs, from its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from productionpolicy.kube.programs.commands import PRINTERS, Words, program, program_of, unwrapped
from productionpolicy.kube.programs.shell import STDERR, STDOUT, Command, Redirection, Script, Simple, read_script

_STREAMS = ("/dev/", "/proc/")
"""Paths of the streams of a process, and of /dev/null."""

OF_THE_NODE = ("/var/log/pods", "/var/log/containers", "/var/log/journal")
"""The folders of a node with the streams of its containers; a container that mounts them only reads."""

_ENDING = r"\.log(?:[._-]|$)"
_LOG = re.compile(rf"(?:^|/)logs?/[^/]|{_ENDING}|(?:^|/)nohup\.out$", re.IGNORECASE)
_CONFIGURATION = re.compile(r"\.(?:xml|ya?ml|json|conf|cnf|cfg|ini|toml|properties|sql|lua|js|py|rb|sh)$")
_PLACE = r"(?:(?:file|output)[_.-]?(?:name|path)?|path|dir|directory|folder|location|destination|target)s?"
_NAME = re.compile(
    rf"(?:.*[_.-])?(?:(?:access|error|slow)?log(?:s|ging|ger)?[_.-]?{_PLACE}|(?:access|error|slow)[_-]?log|log[_-]error"
    r"|log[_-]?to)"
)
_OTHER_LOGS = re.compile(
    r"(?:^|[_.-])(?:kafka|cfg|data|bin|binary|change|wal|redo|undo|relay|transaction|txn?|commit|termination|audit)[_.-]"
)
"""Logs that are not messages for people: logs of data stores, audit records, and termination messages."""

_VAGUE = re.compile(r"log(?:s|ging|ger)?[_.-]?(?:path|location|dir|directory|folder|destination|target)s?$")
"""Ambiguous names: they count only if the path itself mentions logs."""

_BARE = re.compile(r"(?:.*[_.-])?logs?")
"""Names that may mean anything about logs: they count only for a file with the suffix of a log."""

_SUFFIX = re.compile(_ENDING)

_DIRECTIVE = re.compile(r"(?:^|[\s;{\"'])(?P<name>error_log|access_log)\s+(?P<path>/[^\s;\"'}]+)")
_USUAL = frozenset({"/var/log/nginx/error.log", "/var/log/nginx/access.log"})
_COLLECTS = re.compile(r"(?:^|[\s-])-?-?(?:c\s*)?logging_collector\s*=\s*['\"]?(?:on|true|yes|1)\b")
_COLLECTED = re.compile(r"\blog_directory\s*=\s*['\"]?(?P<path>/[^\s'\";]+)")

_ON_STREAMS = re.compile(r"--?(?:also)?logtostderr(?:=true)?|--?(?:also)?log_to_stderr(?:=true)?")
_DASHES = re.compile(r"-D|--?")
_FLAG = re.compile(rf"(?P<option>(?:{_DASHES.pattern})(?P<name>\w[\w.-]*))(?:=(?P<value>.*))?", re.DOTALL)
_EVENTS = frozenset({"logdir", "log_dir"})
"""Options with which training programs name the folder of their measurements, unless the folder mentions logs."""

_MAKERS = frozenset({":", "true", "cat", "touch", "kubectl", "crictl", "docker", "journalctl", "dmesg", "mysqldump"})
"""Commands whose output is the content of a file, not a message."""

_KEEPERS = frozenset(
    [
        *("rm", "touch", "mkdir", "chown", "chmod", "truncate", "tee", "logrotate", "test", "[", "cd", "find", "ls"),
        *(*PRINTERS, "export", "install"),
    ]
)
"""Commands that mention a file without reading it."""

_READERS = frozenset({"tail", "cat", "ln"})

_SUBSTITUTION = ">("


def fills_file(command: Command) -> bool:
    """Return whether a command writes its output into a file, not only into a stream or /dev/null."""
    return any(each.file is not None and not each.file.startswith(_STREAMS) for each in command.redirections)


def is_file(path: str) -> bool:
    """Return whether a path is that of a file, not of a stream."""
    return path.startswith("/") and not path.startswith((*_STREAMS, *OF_THE_NODE)) and "*" not in path


def names_log(name: str, value: str) -> bool:
    """Return whether a variable or an option, with its dashes, makes a program log to a file."""
    dashes = _DASHES.match(name)
    name = name[dashes.end() if dashes else 0 :].lower()
    bare = _BARE.fullmatch(name) is not None and _SUFFIX.search(value) is not None
    if not (_NAME.fullmatch(name) or bare) or _OTHER_LOGS.search(name):
        return False
    vague = _VAGUE.search(name) is not None and ("log" not in value.lower() or value.startswith("/api/"))
    return is_file(value) and not vague and value.rstrip("/") != "/var/log" and not _CONFIGURATION.search(value)


def options(words: Words) -> Iterator[tuple[str, str]]:
    """Return the options among the words, with their dashes, each with its value: `--name=value`, or `--name value`.

    There are none for a program that also writes its messages to its streams.
    """
    if any(map(_ON_STREAMS.fullmatch, words)):
        return
    for word, following in zip(words, (*words[1:], ""), strict=False):
        found = _FLAG.fullmatch(word)
        value = following if found is None or found["value"] is None else found["value"]
        if found and (found["name"] not in _EVENTS or value.startswith("/var/log/")):
            yield found["option"], value


def directives(text: str, *, linked: bool) -> Iterator[tuple[str, str]]:
    """Return the nginx directives in a text that name a log file, each with the file.

    Args:
        text: a word of a command line, or a configuration.
        linked: whether the usual files in /var/log/nginx are links to the streams.
    """
    for found in _DIRECTIVE.finditer(text):
        usual = linked and found["path"] in _USUAL
        if is_file(found["path"]) and not usual:
            yield found["name"], found["path"]


def collector(words: Words) -> str | None:
    """Return the folder in which PostgreSQL collects its logs; empty if it is below its data, None if it does not."""
    text = " ".join(words)
    if not _COLLECTS.search(text):
        return None
    found = _COLLECTED.search(text)
    return found["path"] if found else ""


def logged_files(script: Script) -> Iterator[str]:
    """Return the files to which commands of a script write messages, without files that the script itself reads."""
    used = frozenset(_used(script))
    commands = (each for pipeline in script.pipelines() for each in pipeline.commands)
    written = (*chain.from_iterable(map(_written, commands)), *chain.from_iterable(map(_output_of, _servers(script))))
    yield from (each for each in dict.fromkeys(written) if each not in used)


def _servers(script: Script) -> Iterator[Simple]:
    """Return the commands that replace the shell, and the one with which the script ends."""
    yield from (each for each in script.commands() if each.words[:1] == ("exec",))
    last = script.statements[-1].pipelines[-1].commands[-1] if script.statements else None
    if isinstance(last, Simple):
        yield last


def _output_of(server: Simple) -> Iterator[str]:
    """Return the files to which a server writes its messages, whatever their names.

    The standard output of the last command may be a result; that of a command that replaces the shell is not.
    """
    if program_of(server) not in _MAKERS | _KEEPERS:
        files = _destinations(server.redirections)
        streams = (STDOUT, STDERR) if server.words[:1] == ("exec",) else (STDERR,)
        yield from (files[each] for each in streams if _is_plain_file(files.get(each, "")))


def _destinations(redirections: Iterable[Redirection]) -> Mapping[int, str]:
    """Return the files of the streams, in the order of the redirections: `2>&1` copies what the output is then."""
    files: dict[int, str] = {}
    for each in redirections:
        copied = "" if each.file is not None or not each.target.isdigit() else files.get(int(each.target), "")
        files.update(dict.fromkeys(each.streams, copied if each.file is None else each.file))
    return files


def _is_plain_file(path: str) -> bool:
    return bool(path) and "$" not in path and not path.startswith((*_STREAMS, "-", _SUBSTITUTION))


def reads(script: Script, path: str, *, variables: Iterable[str] = ()) -> bool:
    """Return whether a script reads a file, or a file of a folder, or makes it a link to a stream.

    Args:
        script: the script.
        path: the file, or the folder.
        variables: the variables with the path; a program may get it from them to log there, so only readers count.
    """
    below = f"{path.rstrip('/')}/"
    references = {text for each in variables for text in (f"${each}", f"${{{each}}}")}
    following = (each for each in script.commands() if program_of(each) in _READERS)
    return any(each == path or each.startswith(below) for each in _used(script)) or any(
        not references.isdisjoint(each.words) for each in following
    )


def _used(script: Script) -> Iterator[str]:
    """Return the words of a script that may name files it reads, without those that only tell where to log."""
    for command in script.commands():
        if program_of(command) not in _KEEPERS:
            told = {value for name, value in options(command.words) if names_log(name, value)}
            yield from (each for each in command.words if each not in told)
        yield from (each.target for each in command.redirections if each.file is None)


def _written(command: Command) -> Iterator[str]:
    if isinstance(command, Simple) and program_of(command) == "tee":
        yield from filter(_is_log, unwrapped(command.words)[1:])
    for each in command.redirections:
        if each.file is not None and each.file.startswith(_SUBSTITUTION):
            inner = read_script(each.file.removeprefix(_SUBSTITUTION).removesuffix(")"))
            yield from logged_files(inner) if inner else ()
        elif each.file is not None and _is_log(each.file) and _tells(command, each):
            yield each.file


def _is_log(path: str) -> bool:
    return _LOG.search(path) is not None and not path.startswith((*_STREAMS, "-", _SUBSTITUTION))


def _tells(command: Command, redirection: Redirection) -> bool:
    """Return whether a command writes messages; an `echo` to a new file writes its content."""
    if not isinstance(command, Simple):
        return True
    makes = program_of(command) in _MAKERS or not command.words
    return not makes and (program(command.words) not in PRINTERS or ">>" in redirection.operator)
