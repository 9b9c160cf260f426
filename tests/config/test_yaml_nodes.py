"""Every complaint about a YAML file names file, line and key, and no number passes through floating point."""

from __future__ import annotations

import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kehu.config.errors import SettingsError
from kehu.config.yaml_nodes import Value, did_you_mean, parse_yaml, read_yaml


def value_of(text: str) -> Value:
    return parse_yaml(f"top:\n  key: {text}\n", "x.yaml").require("top").section().values["key"]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", 3),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", "duplicate_key", 4),
        ("a: [1\nb: 2\n", "yaml_malformed", 2),
        ("a: 1\n\tb: 2\n", "yaml_malformed", 2),
        ("a: 1\n---\nb: 2\n", "yaml_malformed", 2),
        ("a: *nothing\n", "yaml_malformed", 1),
        ("# comment\n- a\n- b\n", "value_malformed", 2),
        ("[a, b]: 1\n", "value_malformed", 1),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(SettingsError) as caught:
        for _, value in parse_yaml(text, "policy/x.yaml"):
            if value.is_section:
                value.section()
    assert (caught.value.code, caught.value.file, caught.value.line) == (code, "policy/x.yaml", line)
    assert caught.value.exit_code == 10


def test_control_characters_are_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_yaml("a: \x07\n", "x.yaml")
    assert caught.value.code == "yaml_malformed"


def test_a_file_of_comments_is_empty() -> None:
    assert list(parse_yaml("# nothing yet\n", "x.yaml")) == []


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("\ufeff键: 值\n".encode())
    assert [key for key, _ in read_yaml(path, "x.yaml")] == ["键"]


def test_other_encodings_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes("键: 值\n".encode("gb18030"))
    with pytest.raises(SettingsError) as caught:
        read_yaml(path, "x.yaml")
    assert caught.value.code == "wrong_encoding"
    with pytest.raises(SettingsError) as caught:
        read_yaml(tmp_path / "absent.yaml", "absent.yaml")
    assert caught.value.code == "file_unreadable"


@pytest.mark.parametrize(
    ("written", "number"),
    [("0.1", "0.1"), ("-3", "-3"), ("0.30", "0.30"), ("1900000000000000.000001", "1900000000000000.000001")],
)
def test_numbers_are_exact(written: str, number: str) -> None:
    assert value_of(written).decimal() == Decimal(number)
    assert str(value_of(written).decimal()) == number


@pytest.mark.parametrize(
    "written", ["30%", "1e3", "nan", "inf", ".5", "1_000", "1,000", "１２", "abc", "true", "0x10", "[1]", "''"]
)
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(SettingsError) as caught:
        value_of(written).decimal()
    assert (caught.value.line, caught.value.setting) == (2, "top.key")


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=6, allow_nan=False))
def test_any_decimal_survives_unchanged(number: Decimal) -> None:
    assert value_of(format(number, "f")).decimal() == number


@pytest.mark.parametrize(
    ("written", "smallest", "largest"), [("1.0", None, None), ("0", 1, None), ("13", 1, 12), ("one", 1, 12)]
)
def test_whole_numbers_keep_their_bounds(written: str, smallest: int | None, largest: int | None) -> None:
    with pytest.raises(SettingsError):
        value_of(written).integer(smallest, largest)


def test_bounds_are_inclusive() -> None:
    assert [value_of(str(number)).integer(1, 12) for number in (1, 12)] == [1, 12]


@pytest.mark.parametrize("written", ["2026-2-1", "20260201", "2026-02-30", "2026-02-01 00:00:00", "yesterday"])
def test_dates_are_written_one_way_only(written: str) -> None:
    with pytest.raises(SettingsError):
        value_of(written).day()
    assert value_of("2026-02-01").day() == date(2026, 2, 1)


@pytest.mark.parametrize("written", ["yes", "no", "True", "1", "on"])
def test_flags_are_true_or_false(written: str) -> None:
    with pytest.raises(SettingsError):
        value_of(written).flag()


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_nothing_is_null(written: str) -> None:
    assert value_of(written).is_null
    with pytest.raises(SettingsError):
        value_of(written).text()


def test_an_unknown_key_comes_with_close_matches_and_all_the_others() -> None:
    section = parse_yaml("nmae: 1\ncity: 2\nwhatever: 3\n", "x.yaml")
    with pytest.raises(SettingsError) as caught:
        section.refuse_unknown(("name", "city"))
    assert (caught.value.code, caught.value.line, caught.value.setting) == ("unknown_key", 1, "nmae")
    assert caught.value.hint == "did you mean name?"
    assert caught.value.details == ("also unknown: whatever, line 3",)


def test_a_missing_key_names_the_section_it_is_missing_from() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_yaml("a: 1\nb:\n  c: 1\n", "x.yaml").require("b").section().require("d")
    assert (caught.value.code, caught.value.line, caught.value.setting) == ("missing_key", 2, "b.d")


def test_a_list_item_has_its_own_line() -> None:
    items = parse_yaml("a:\n  - 1\n  - 2\n", "x.yaml").require("a").items()
    assert [(item.line, item.key) for item in items] == [(2, "a[1]"), (3, "a[2]")]


def test_close_matches() -> None:
    assert did_you_mean("superstore", ["superstore_zh", "demo"]) == "did you mean superstore_zh?"
    assert did_you_mean("xyz", ["demo"]) is None


def test_an_error_keeps_its_place_when_it_crosses_a_process() -> None:
    with pytest.raises(SettingsError) as caught:
        value_of("abc").decimal()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.facts == caught.value.facts
    assert copy.lines() == caught.value.lines()
    assert copy.lines()[1] == "  file x.yaml, line 2, setting top.key"
