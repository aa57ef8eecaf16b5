"""Named values within a text."""

from __future__ import annotations

import pytest

from productionpolicy.kube.pods import Container, Variable
from productionpolicy.kube.programs.arguments import named_values, settings_within, values_within


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"db": {"host": "db.example", "pass word": "x", "port": 1}}', [("option_host", "db.example")]),
        (
            "db:\n  host: db.example\n- user: 'shop'\nscript: |\n  run\n",
            [("option_host", "db.example"), ("option_user", "shop")],
        ),
        ("host=db.example", []),
        ("Enter the host: then press return", []),
        ("https://web.example", []),
    ],
)
def test_json_and_yaml_name_their_values(text: str, named: list[tuple[str, str]]) -> None:
    assert list(values_within(text)) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("-Xmx1g -Ddb.host=db.example --user='shop'", [("option_db.host", "db.example"), ("option_user", "shop")]),
        ("host = db.example\n# user=shop\nuser=shop", [("option_host", "db.example"), ("option_user", "shop")]),
        ("host=db.example,user=", [("option_host", "db.example"), ("option_user", "")]),
        ("host = read()", []),
        ("-Ddb.host=$(DB_HOST)", [("option_db.host", "$(DB_HOST)")]),
    ],
)
def test_properties_options_and_lists_name_their_values(text: str, named: list[tuple[str, str]]) -> None:
    assert list(settings_within(text)) == named


@pytest.mark.parametrize("command", [("web", "--password=$(P)"), ("sh", "-c", "web --password=$(P)")])
def test_the_value_of_a_variable_is_not_one_of_the_command_line(command: tuple[str, ...]) -> None:
    container = Container(name="web", path="c", command=command, variables=(Variable("P", "c.env[0]", "x"),))
    assert "x" not in {value for _, _, value in named_values(container)}


@pytest.mark.parametrize(
    "part", ["a", " ", "a:", "a: ", "a=", "a=b,", '"a"', '"a": "', "-Da", "--a=", "- ", "a\n", "'"]
)
def test_a_long_text_is_read_in_no_time(part: str) -> None:
    """A search that went back and forth would take minutes here."""
    text = part * (100_000 // len(part))
    assert len([*values_within(text), *settings_within(text)]) <= len(text)
