"""Named values in the command line of a container: options, and variables before a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.commands import PRINTERS, Words, program, program_of, unwrapped
from productionpolicy.kube.programs.log_files import fills_file
from productionpolicy.kube.programs.shell import Script, simple_commands
from productionpolicy.kube.programs.start import script_in_sight

_NAMED = re.compile(r"(?:-D|--?)(?P<name>\w[\w.-]*)(?:=(?P<value>.*))?", re.DOTALL)
_IN_QUOTES = r"\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)'"
_ASSIGNMENT = re.compile(rf"(?:^|(?<=[\s;&|(]))(?P<name>[A-Za-z_][\w.-]*)=(?:{_IN_QUOTES}|(?P<plain>[^\s;&|\"']+))")
_TEXT = rf"(?:{_IN_QUOTES}|(?P<plain>[^\s\"'{{}}\[\]()|<>;]+))"
_OPTION = re.compile(rf"(?:^|(?<=\s))(?:-D|--)(?P<name>[A-Za-z][\w.-]{{0,127}})=(?:{_IN_QUOTES}|(?P<plain>[^\s\"']+))")
_PROPERTY = re.compile(
    rf"^[ \t]{{0,64}}(?P<name>[A-Za-z][\w.-]{{0,127}})[ \t]{{0,8}}=[ \t]{{0,8}}{_TEXT}[ \t\r]{{0,8}}$", re.MULTILINE
)
_YAML = re.compile(
    rf"^[ \t]{{0,64}}(?:- )?(?P<name>[A-Za-z][\w.-]{{0,127}}):[ \t]{{1,8}}{_TEXT}[ \t\r]{{0,8}}$", re.MULTILINE
)
_QUOTED = re.compile(r"\"(?P<name>[A-Za-z][\w.-]{0,127})\"\s{0,8}:\s{0,8}\"(?P<double>[^\"\n]*)\"")
_LIST = re.compile(r"[A-Za-z][\w.-]{0,127}=[^,=\s]*(?:,\s?[A-Za-z][\w.-]{0,127}=[^,=\s]*)*")
_ITEM = re.compile(r"(?P<name>[A-Za-z][\w.-]{0,127})=(?P<plain>[^,=\s]*)")
"""The forms in which a text names values: an option, a line of properties or YAML, a member of JSON, a list of pairs.

A value without quotes has no brackets, because code has them.
"""

_PASSWORD, _AUTH = "password", "auth"

_MYSQL = frozenset(
    {"mysql", "mysqldump", "mysqladmin", "mysqlcheck", "mysqlimport", "mysqlshow", "mariadb", "mariadb-dump"}
    | {"mariadb-admin", "mariadb-check", "mariadb-import"}
)
"""Programs that accept the value of `-p` only without a blank in between."""

_SHORT: Mapping[str, Mapping[str, str]] = {
    **{each: {"-p": _PASSWORD} for each in (*_MYSQL, "mongo", "mongosh", "mongodump", "mongorestore", "sshpass")},
    **{each: {"-p": _PASSWORD} for each in ("mongoexport", "mongoimport", "cqlsh", "rabbitmqadmin")},
    **{each: {"-a": _PASSWORD} for each in ("redis-cli", "valkey-cli", "redis-benchmark")},
    **{each: {"-w": _PASSWORD} for each in ("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami")},
    **{each: {"-P": _PASSWORD} for each in ("sqlcmd", "bcp", "mosquitto_pub", "mosquitto_sub")},
    "curl": {"-u": _AUTH, "--user": _AUTH},
}
"""Login options of well-known programs, with their meaning."""

_LOGIN: Mapping[str, str] = {"-p": _PASSWORD}
_LOGS_IN = frozenset({"docker", "podman", "buildah", "skopeo", "nerdctl", "crane", "oras", "helm", "az"})
"""Programs whose command `login` has these options; with other commands, they mean something else."""

_PREFIX = "option_"
"""The prefix of the name of an option."""

_PRINTER_OPTION = re.compile(r"-[neE]+|--")


def named_values(container: Container) -> Iterator[tuple[str, str, str]]:
    """Return path, name and value of the options and variables in a command line; option names have a prefix."""
    line = container.words  # unexpanded: the literal value of a variable is found where it is
    found = script_in_sight(line, known=bool(container.command))
    for word in line:
        assigned = _ASSIGNMENT.finditer(word.text) if found and word.path == found[0] else _whole(word.text)
        yield from ((word.path, each["name"], _value(each)) for each in assigned)
    if found:
        path, script = found
        yield from ((path, name, value) for each in script.commands() for _, name, value in _options(each.words))
        yield from ((path, name, value) for text in _written(script) for name, value in _values_in(text))
    words = tuple(each.text for each in line)
    yield from ((line[at].path, name, value) for at, name, value in _options(words))


def values_within(text: str) -> Iterator[tuple[str, str]]:
    """Return the named values in JSON or YAML, with names as those of options."""
    return ((_PREFIX + each["name"], _value(each)) for each in (*_QUOTED.finditer(text), *_YAML.finditer(text)))


def settings_within(text: str) -> Iterator[tuple[str, str]]:
    """Return the named values in properties, options or a list, with names as those of options.

    In a command line, such text may also be code, such as `password=read()`.
    """
    pairs = _ITEM.finditer(text) if _LIST.fullmatch(text) else (*_OPTION.finditer(text), *_PROPERTY.finditer(text))
    return ((_PREFIX + each["name"], _value(each)) for each in pairs)


def _values_in(text: str) -> Iterator[tuple[str, str]]:
    yield from values_within(text)
    yield from settings_within(text)


def _written(script: Script) -> Iterator[str]:
    """Return the texts that a script prints into files or other commands, not those for people."""
    for pipeline in script.pipelines():
        *feeding, last = pipeline.commands
        for command in (*feeding, *([last] if fills_file(last) else [])):
            for each in simple_commands(command):
                if program_of(each) in PRINTERS:
                    yield _printed(unwrapped(each.words)[1:])


def _printed(words: Words) -> str:
    words = words[1:] if words and _PRINTER_OPTION.fullmatch(words[0]) else words
    return " ".join(words).replace("\\n", "\n")


def _whole(text: str) -> Iterator[re.Match[str]]:
    found = _ASSIGNMENT.fullmatch(text)
    return iter([found] if found else [])


def _value(found: re.Match[str]) -> str:
    """Return the value in any of its forms: all groups but the name."""
    return next((text for group, text in found.groupdict().items() if text and group != "name"), "")


def _options(words: Words) -> Iterator[tuple[int, str, str]]:
    """Return the position of the value, the name and the value of each option."""
    name = program(unwrapped(words))
    short = _LOGIN if name in _LOGS_IN and "login" in words else _SHORT.get(name, {})
    for at, (word, following) in enumerate(zip(words, (*words[1:], ""), strict=False)):
        if word in short and name not in _MYSQL and following:
            yield at + 1, _PREFIX + short[word], following
        elif name in _MYSQL and word[:2] in short and word[2:]:
            yield at, _PREFIX + short[word[:2]], word[2:]
        elif found := _NAMED.fullmatch(word):
            yield from _option(at, found, following)


def _option(at: int, found: re.Match[str], following: str) -> Iterator[tuple[int, str, str]]:
    if found["value"] is not None:
        yield at, _PREFIX + found["name"], found["value"]
        if _LIST.fullmatch(found["value"]):
            yield from ((at, name, value) for name, value in settings_within(found["value"]))
    elif following and not following.startswith("-"):
        yield at + 1, _PREFIX + found["name"], following
