"""What hooks do, compared with what their text alone says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from productionpolicy.kube.programs.hooks import longest_wait
from productionpolicy.kube.waits import waited

STEPS = [
    *("sleep 5", "sleep 1m", "sleep infinity", "timeout 3 sleep 9", "sh -c 'sleep 2; sleep 3'", "echo sleep 7"),
    *("if", "then", "else", "elif", "fi", "case x in", "x)", ";;", "esac", "while", "do", "done", "{", "}", "(", ")"),
    *(";", "&&", "|", "&", "\n", "'", '"', "# sleep 4\n", "f() {", "f", "cat <<E\nsleep 6\nE\n"),
]


@given(st.lists(st.sampled_from(STEPS), max_size=20), st.sampled_from([" ", "; ", ""]))
def test_a_hook_never_waits_longer_than_its_text_says(steps: list[str], between: str) -> None:
    command = ("sh", "-c", between.join(steps))
    assert 0 <= longest_wait(command) <= waited(command)
