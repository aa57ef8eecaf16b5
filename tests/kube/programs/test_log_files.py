"""Files into which containers write their logs."""

from __future__ import annotations

import pytest

from productionpolicy.kube.programs.log_files import logged_files, names_log, options, reads
from productionpolicy.kube.programs.shell import read_script


def logged(text: str) -> list[str]:
    script = read_script(text)
    assert script is not None
    return list(logged_files(script))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a > /var/log/a.log",
            "a >> /var/log/a.log 2>&1 &",
            "a &> /var/log/a.log",
            "a 2> /var/log/a.log",
            "exec > /var/log/a.log",
        ),
        *("a | tee -a /var/log/a.log", "a 2>&1 | sudo tee /var/log/a.log | b", "echo a >> /var/log/a.log"),
        *(
            "while x; do a; done > /var/log/a.log",
            "f() { a > /var/log/a.log; }; f",
            "rm -f /var/log/a.log; a > /var/log/a.log",
        ),
        *("exec > >(tee -a /var/log/a.log) 2>&1; exec a", "a > >(b >> /var/log/a.log)"),
    ],
)
def test_messages_in_a_file_are_found(text: str) -> None:
    assert logged(text) == ["/var/log/a.log"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "exec a > /data/out 2>&1",
            "exec a 2> /data/out",
            "exec a > /data/out",
            "a 2> /data/out",
            "a >> /data/out 2>&1",
        ),
        *(
            "b; a &> /data/out",
            "if b; then exec a > /data/out; fi",
            "exec > /data/out 2>&1; a",
            "b && exec a 2>> /data/out",
        ),
    ],
)
def test_a_server_may_log_to_a_file_of_any_name(text: str) -> None:
    assert set(logged(text)) == {"/data/out"}


@pytest.mark.parametrize(
    "text",
    [
        *("b > /data/out 2>&1; exec a", "b 2> /data/out; a", "a > /data/out", "exec 3> /data/out; exec a"),
        *("exec a > $OUT 2>&1", "exec a 2>&1 > /dev/null", "exec cat b > /data/out", "a 2> /data/out || cat /data/out"),
        *("mkfifo /data/out; cat /data/out & exec a > /data/out 2>&1", "while b; do date >> /data/out; done"),
    ],
)
def test_a_file_that_a_server_only_makes_and_the_output_of_others_do_not_count(text: str) -> None:
    assert logged(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a > /dev/null 2>&1",
            "a > /dev/stdout",
            "a >> /proc/1/fd/1",
            "a | tee /dev/stderr",
            "a > $LOG",
            "a > /data/b",
        ),
        *(
            "echo a > /etc/a.conf",
            "cat <<E > /etc/a.conf\nE",
            "echo a > /logs/a",
            ": > /var/log/a.log",
            "> /var/log/a.log",
        ),
        *("cat b > /var/log/a.log", "kubectl logs a > /out/logs/a.log", "a > /tmp/logins", "a > /opt/blog/index"),
        *(
            "a > /var/log/a.log & tail -F /var/log/a.log",
            "a > a.log; grep x < a.log",
            "mkfifo /tmp/a.log; a > /tmp/a.log",
        ),
        "ln -sf /dev/stdout /var/log/a.log; a > /var/log/a.log",
    ],
)
def test_what_is_no_message_or_is_read_again_is_not_found(text: str) -> None:
    assert logged(text) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("LOG_FILE", "/tmp/a"),
            ("LOGFILE", "/a"),
            ("APP_LOG_FILE", "/a.log"),
            ("LOG_FILE_PATH", "/a"),
            ("ERROR_LOG", "/a"),
        ),
        *(
            ("log-error", "/var/log/a"),
            ("logto", "/a"),
            ("log", "/srv/a.log"),
            ("NODE_LOG", "/srv/a.log.1"),
            ("LOG_OUTPUT", "/a"),
        ),
        *(
            ("LOG_DIR", "/opt/logs"),
            ("LOG_PATH", "/var/log/a"),
            ("log-file", "/a"),
            ("log_dir", "/logs"),
            ("logpath", "/log/a"),
        ),
        *(
            ("access-logfile", "/a"),
            ("logging.file.name", "/a"),
            ("logFile", "/a"),
            ("--log-file", "/a"),
            ("-Dlogging.file.name", "/a"),
        ),
        *(
            ("--accesslog.filepath", "/a"),
            ("--accessLog.filePath", "/a"),
            ("TRAEFIK_ACCESSLOG_FILEPATH", "/a"),
            ("--errorlog", "/var/log/a"),
        ),
    ],
)
def test_names_of_log_files_are_known(name: str, value: str) -> None:
    assert names_log(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("LOG_FILE", "/dev/stdout"),
            ("LOG_FILE", "/proc/1/fd/1"),
            ("LOG_FILE", ""),
            ("LOG_FILE", "-"),
            ("LOG_FILE", "a.log"),
        ),
        *(
            ("LOG_LEVEL", "/a"),
            ("CATALOG_FILE", "/a"),
            ("BLOG_DIR", "/blog"),
            ("CHANGELOG_FILE", "/a"),
            ("TRAEFIK_ACCESSLOG_FILEPATH", "/dev/stdout"),
            ("LOG_CONFIG_FILE", "/a"),
            ("LOG_FILE", "/a.xml"),
        ),
        *(
            ("KAFKA_LOG_DIRS", "/kafka/logs"),
            ("ZOO_DATA_LOG_DIR", "/datalog"),
            ("CHANGE_LOG_FILE", "/a"),
            ("LOG_DIR", "/data"),
        ),
        *(
            ("LOG_DIR", "/var/log"),
            ("LOG_PATH", "/var/log/pods/a"),
            ("LOG_PATH", "/var/log/*.log"),
            ("LOG_PATH", "/api/log"),
        ),
        *(
            ("log-file-max-size", "/a"),
            ("TERMINATION_ERROR_LOG_FILE_PATH", "/a/log"),
            ("LOG_FILE_NAME", "app.log"),
            ("audit-log-path", "/var/log/audit.log"),
        ),
        *(("log", "/srv/a"), ("LOGS", "/v1/logs"), ("DIALOG", "/srv/a.log"), ("log-error-verbosity", "/a")),
    ],
)
def test_other_names_and_values_are_not(name: str, value: str) -> None:
    assert not names_log(name, value)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("a", "--log-file=/b"), [("--log-file", "/b")]),
        (("a", "--log-file", "/b", "c"), [("--log-file", "/b")]),
        (("java", "-Dlog.dir=/b"), [("-Dlog.dir", "/b")]),
        (("tensorboard", "--logdir=/logs"), []),
        (("a", "-log_dir=/var/log/a"), [("-log_dir", "/var/log/a")]),
        (("a", "--log-dir=/b", "--alsologtostderr"), []),
        (("a", "--log-dir=/b", "--logtostderr=false"), [("--log-dir", "/b"), ("--logtostderr", "false")]),
        ((), []),
    ],
)
def test_options_are_read_with_their_values(words: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert list(options(words)) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("tail -F /logs/a.log & exec a --log-file /logs/a.log", "/logs/a.log", True),
        ("ln -sf /dev/stdout /logs/a.log; exec a", "/logs/a.log", True),
        ("tail -F /logs/b.log & exec a --log-dir=/logs", "/logs", True),
        ('touch "$LOG_FILE"; tail -F "$LOG_FILE" & exec a', "/logs/a.log", True),
        ("mkdir -p /logs; touch /logs/a.log; exec a --log-file /logs/a.log", "/logs/a.log", False),
        ("tail -F /logs/b.log & exec a --log-file=/logs/a.log", "/logs/a.log", False),
        ('exec a --log-file "$LOG_FILE"', "/logs/a.log", False),
    ],
)
def test_a_script_reads_what_it_streams_and_not_what_it_only_names(text: str, path: str, *, expected: bool) -> None:
    script = read_script(text)
    assert script is not None
    assert reads(script, path, variables=["LOG_FILE"]) is expected
