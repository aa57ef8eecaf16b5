"""From the difference of two values to edits of the text of the first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from productionpolicy.offline.fix.edits import Edit
from productionpolicy.offline.fix.emission import Style, block, block_item, flow, flow_pairs, scalar
from productionpolicy.offline.fix.refusal import Refused

_MERGE = "tag:yaml.org,2002:merge"
_PRECEDING = {"strategy": "template", "updateStrategy": "template"}
"""Fields that are written before another one, instead of last."""
_BLANK_OR_COMMENT = re.compile(r"([ \t]*)(#[^\n]*)?(?:\n|\r\n|(?<=[^\n])\Z)")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r?\n|$)")
_COLON = re.compile(r"\s*:")
_CHOMPING = re.compile(r"[|>][0-9]?\+|[|>]\+[0-9]?")

_Path = tuple[str | int, ...]


class Source(Struct, frozen=True):
    """The text of a document and its nodes, whose marks are positions in the text."""

    text: str
    root: Node
    style: Style
    shared: frozenset[int]
    """The positions of the values that have an anchor with an alias."""


def source_of(text: str, root: Node) -> Source:
    """Return the source of a document."""
    return Source(text, root, _style_of(root), frozenset(_shared(text)))


def edits_between(source: Source, before: Any, after: Any, *, path: _Path = ()) -> list[Edit]:
    """Return the edits that make one value of the other.

    Args:
        source: the document.
        before: the value at the path.
        after: the value that it should have.
        path: where the value is in the document.

    Raises:
        Refused: they cannot be made safely.
    """
    node = source.root
    for step in path:
        node = _below(source, node, step)
    return list(_edits(source, node, before, after))


def _edits(source: Source, node: Node, before: Any, after: Any) -> Iterator[Edit]:
    if same(before, after):
        return
    _refuse_shared(source, node)
    if isinstance(node, MappingNode) and isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _edits_of_mapping(source, node, before, after)
    elif isinstance(node, SequenceNode) and isinstance(before, list) and isinstance(after, list):
        yield from _edits_of_list(source, node, before, after)
    elif isinstance(node, ScalarNode) and not isinstance(after, Mapping | list):
        yield _replacement(source, node, after)
    else:
        raise Refused("the value has another form than the field: rewrite it by hand", position=_start(node))


def _edits_of_mapping(
    source: Source, node: MappingNode, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Edit]:
    _refuse_removal(node, before, after)
    for key in before:
        if same(before[key], after[key]):
            continue
        value = _below(source, node, key)
        if isinstance(after[key], Mapping) and before[key] in (None, {}):
            yield from _filled(source, node, key, after[key])
        else:
            yield from _edits(source, value, before[key], after[key])
    for key in (each for each in after if each not in before):
        yield _insertion(source, node, key, after[key])


def _edits_of_list(source: Source, node: SequenceNode, before: list[Any], after: list[Any]) -> Iterator[Edit]:
    if len(after) < len(before):
        raise Refused("the change removes items of a list: rewrite it by hand", position=_start(node))
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        if not same(old, new):
            yield from _edits(source, _below(source, node, index), old, new)
    for new in after[len(before) :]:
        yield _addition(source, node, new)


def _refuse_removal(node: MappingNode, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    gone = next((key for key in before if key not in after), None)
    if gone is not None:
        raise Refused(f"the change removes {gone}: rewrite it by hand", position=_start(node))


def _refuse_shared(source: Source, node: Node) -> None:
    if _start(node) in source.shared:
        raise Refused(
            "the value has an anchor, so the change would also apply where its alias is used: "
            "write the value out in both places",
            position=_start(node),
        )


def _refuse_merged(node: MappingNode) -> None:
    merge = next((key for key, _ in node.value if key.tag == _MERGE), None)
    if merge is not None:
        raise Refused("the value has a merge key (<<): write its fields out", position=_start(merge))


def _below(source: Source, node: Node, step: str | int) -> Node:
    """Return the node one step below, if its text is there and not elsewhere."""
    if isinstance(step, int):
        assert isinstance(node, SequenceNode)
        found: Node = node.value[step]
        position = _start(node)
        after = node.value[step - 1] if step else None
        written_here = _start(node) <= _start(found) and (after is None or _start(after) < _start(found))
    else:
        assert isinstance(node, MappingNode)
        key, found = _pair(node, step)
        position = _start(key)
        written_here = _end(key) <= _start(found)
    if not written_here:
        raise Refused("the value is an alias of another one: write it out", position=position)
    _refuse_shared(source, found)
    return found


def _pair(node: MappingNode, name: str) -> tuple[Node, Node]:
    found = [(key, value) for key, value in node.value if key.value == name]
    if not found:
        _refuse_merged(node)
    if len(found) != 1:
        raise Refused(f"the key {name} occurs more than once: remove one of them", position=_start(node))
    return found[0]


def _replacement(source: Source, node: ScalarNode, value: Any) -> Edit:
    start, end = _start(node), _end(node)
    if source.text[start : start + 1] in {"&", "!", "|", ">"} or start == end:
        raise Refused("the value has a tag, an anchor, or block style: write it plainly", position=start)
    return Edit(start, end, scalar(value, quote=node.style or None))


def _filled(source: Source, node: MappingNode, name: str, fields: Mapping[str, Any]) -> Iterator[Edit]:
    """Fill a field that is empty: without a value, null, or `{}`."""
    key, value = _pair(node, name)
    _refuse_shared(source, value)
    if node.flow_style:
        yield _flow_value(source, node, value, fields)
        return
    colon = _COLON.match(source.text, _end(key))
    rest = _REST_OF_LINE.match(source.text, _end(value))
    if colon is None or rest is None or source.text[colon.end() : _start(value)].strip(" "):
        raise Refused("the empty value has an anchor, a tag or a comment: remove it", position=_start(key))
    if _end(value) > _start(value):
        yield Edit(colon.end(), _end(value), "")
    column = _column(source, _start(key)) + source.style.step
    yield _lines_at(source, rest.end(), block(fields, source.style), column=column)


def _flow_value(source: Source, node: MappingNode, value: Node, fields: Mapping[str, Any]) -> Edit:
    _refuse_long_flow(source, node)
    if _end(value) == _start(value):
        raise Refused("the field has no value: write `{}`", position=_start(node))
    return Edit(_start(value), _end(value), flow(fields, quoted=_is_quoted(node)))


def _insertion(source: Source, node: MappingNode, name: str, value: Any) -> Edit:
    """Insert a field into a mapping: last, or before the field that usually follows it."""
    _refuse_merged(node)
    if node.flow_style:
        _refuse_long_flow(source, node)
        quoted = _is_quoted(node)
        return _added_to_flow(source, node, next(flow_pairs({name: value}, quoted=quoted)))
    column = _column(source, _start(node.value[0][0]))
    lines = block({name: value}, source.style)
    before = _predecessor(node, name)
    if before is not None:
        return _lines_at(source, _line_end(source.text, _content_end(source, *before, node)), lines, column=column)
    return _lines_at(source, _last_line_end(source, node, column), lines, column=column)


def _addition(source: Source, node: SequenceNode, value: Any) -> Edit:
    """Add an item to a list."""
    if node.flow_style:
        _refuse_long_flow(source, node)
        return _added_to_flow(source, node, flow(value))
    column = _column(source, source.text.rfind("-", 0, _start(node.value[0])))
    return _lines_at(source, _last_line_end(source, node, column), block_item(value, source.style), column=column)


def _added_to_flow(source: Source, node: MappingNode | SequenceNode, written: str) -> Edit:
    if not node.value:
        position = _end(node) - 1
        return Edit(position, position, written)
    position = _start(node) + len(source.text[_start(node) : _end(node) - 1].rstrip(" \t,"))
    return Edit(position, position, f", {written}")


def _refuse_long_flow(source: Source, node: Node) -> None:
    text = source.text[_start(node) : _end(node)]
    if "\n" in text or text[:1] not in {"{", "["}:
        raise Refused(
            "the value is in flow style ({...}) and has several lines: write it in block style, one field per line",
            position=_start(node),
        )


def _is_quoted(node: MappingNode) -> bool:
    return bool(node.value) and node.value[0][0].style == '"'


def _predecessor(node: MappingNode, name: str) -> tuple[Node, Node] | None:
    """Return the field after which another one is written; None if it is written last."""
    following = _PRECEDING.get(name)
    place = next((at for at, (key, _) in enumerate(node.value) if key.value == following), 0)
    return node.value[place - 1] if place else None


def _last_line_end(source: Source, node: MappingNode | SequenceNode, column: int) -> int:
    """Return the end of the last line of a mapping or a list, with the comments below it that belong to it.

    These are the comments that are indented as far as its fields, such as fields that are commented out.
    """
    text = source.text
    end = position = _line_end(text, _content_end(source, *_last(node), node))
    while text[position - 1] == "\n" and (line := _BLANK_OR_COMMENT.match(text, position)):
        position = line.end()
        if line[2]:
            if len(line[1]) < column:
                break
            end = position
    return end


def _content_end(source: Source, key: Node | None, value: Node, parent: Node) -> int:
    """Return the end of the text of a field or an item, without comments and blank lines that follow it."""
    text, start = source.text, _end(key) if key else _start(parent)
    if _start(value) < start or (key is None and _is_alias(value, parent)):
        return _end_of_alias(text, _end(key) if key else None, parent)
    if isinstance(value, ScalarNode) and value.style in {"|", ">"}:
        written = text[_start(value) : _end(value)]
        return _end(value) - 1 if _CHOMPING.match(written) else _start(value) + len(written.rstrip())
    if not isinstance(value, MappingNode | SequenceNode) or value.flow_style:
        return _end(value)
    return _content_end(source, *_last(value), value)


def _last(node: MappingNode | SequenceNode) -> tuple[Node | None, Node]:
    """Return the last field of a mapping, or None and the last item of a list."""
    if isinstance(node, SequenceNode):
        return None, node.value[-1]
    key, value = node.value[-1]
    return key, value


def _is_alias(item: Node, parent: Node) -> bool:
    """Return whether the last item of a list is an alias of an earlier item of the same list."""
    return isinstance(parent, SequenceNode) and any(item is each for each in parent.value[:-1])


def _end_of_alias(text: str, after: int | None, parent: Node) -> int:
    """Return the end of an alias. It is on one line, and no block scalar follows it in its parent."""
    if after is not None:
        found = re.compile(r"\s*:\s*\*[^\s,\]}]+").match(text, after)
        return found.end() if found else after
    lines = text[: _end(parent)].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return len("".join(lines).rstrip())


def _lines_at(source: Source, position: int, lines: Iterable[str], *, column: int) -> Edit:
    """Return the insertion of lines after the line that ends at a position."""
    text, newline = source.text, newline_of(source.text, position)
    indented = [f"{' ' * column}{line}" for line in lines]
    if position and text[position - 1] != "\n":
        if position == len(text):
            refuse_open_scalar(text, source.root)
        return Edit(position, position, "".join(f"{newline}{line}" for line in indented))
    return Edit(position, position, "".join(f"{line}{newline}" for line in indented))


def refuse_open_scalar(text: str, node: Node) -> None:
    """Refuse to add lines to a text that ends in a block scalar without a line break, which they would add to it."""
    while not isinstance(node, ScalarNode) and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    if isinstance(node, ScalarNode) and node.style in {"|", ">"} and not text.endswith("\n"):
        raise Refused("the file ends in a block scalar without a line break: end it with one", position=_start(node))


def newline_of(text: str, position: int) -> str:
    """Return the line break of the line before a position, or the first one of the text."""
    before = text.rfind("\n", 0, position)
    first = before if before >= 0 else text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _line_end(text: str, position: int) -> int:
    """Return the position after the line break of a line, or the end of the text."""
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _column(source: Source, position: int) -> int:
    return position - source.text.rfind("\n", 0, position) - 1


def _start(node: Node) -> int:
    position: int = node.start_mark.index
    return position


def _end(node: Node) -> int:
    position: int = node.end_mark.index
    return position


def _shared(text: str) -> Iterator[int]:
    """Return the positions of the anchors that have aliases."""
    if "&" not in text or "*" not in text:
        return
    tokens = list(yaml.scan(text, Loader=yaml.CSafeLoader))
    used = {each.value for each in tokens if isinstance(each, yaml.AliasToken)}
    yield from (each.start_mark.index for each in tokens if isinstance(each, yaml.AnchorToken) and each.value in used)


def _style_of(root: Node) -> Style:
    """Return the most frequent indentation of mappings and lists."""
    steps, dashes = Counter[int](), Counter[int]()
    for key, value in _block_fields(root):
        inner = value.start_mark.column - key.start_mark.column
        if isinstance(value, MappingNode) and inner > 0 and value.start_mark.line > key.start_mark.line:
            steps[inner] += 1
        if isinstance(value, SequenceNode) and inner >= 0 and value.start_mark.line > key.start_mark.line:
            dashes[inner] += 1
    return Style(step=_commonest(steps, 2), dash=_commonest(dashes, 0))


def _commonest(found: Counter[int], default: int) -> int:
    return found.most_common(1)[0][0] if found else default


def _block_fields(node: Node) -> Iterator[tuple[Node, Node]]:
    if not isinstance(node, MappingNode | SequenceNode) or node.flow_style:
        return
    pairs = node.value if isinstance(node, MappingNode) else [(node, each) for each in node.value]
    for key, value in pairs:
        if isinstance(node, MappingNode):
            yield key, value
        yield from _block_fields(value)


def same(first: Any, second: Any) -> bool:
    """Return whether two values are the same, including their types: `1` is neither `1.0` nor `true`."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and repr(first) == repr(second)
