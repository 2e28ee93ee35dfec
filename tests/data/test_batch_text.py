"""Lists and tables as people have them: in any encoding that can be told, with everything that is left out said."""

import codecs

import pytest

from data.batch_text import MOST_BYTES, MOST_LINES, Line, decoded, pasted, table
from data.errors import InvalidRequest

CHINESE = "prompt,比例\n一只红色的风筝在沙丘上飞翔，远景,16:9\n雨中的纸船，柔和的光线,1:1\n"


def test_each_line_is_a_prompt_and_what_is_left_out_is_said() -> None:
    found = pasted("a red kite\n\n  a paper boat  \r\na  red kite\n \n")
    assert found.lines == (Line(1, "a red kite"), Line(3, "a paper boat"))
    assert (found.blank, found.twice) == (2, (4,))


def test_a_list_without_end_is_read_no_further_than_anybody_means() -> None:
    assert len(pasted("\n".join(f"kite {number}" for number in range(MOST_LINES + 10))).lines) == MOST_LINES


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode(),
        CHINESE.encode("utf-8-sig"),
        CHINESE.encode("utf-16"),
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        CHINESE.encode("utf-16-le"),
        CHINESE.encode("gb18030"),
    ],
)
def test_a_chinese_file_is_read_as_it_was_saved(data: bytes) -> None:
    lines = table(decoded(data)).lines
    assert [(line.number, line.prompt, line.ratio) for line in lines] == [
        (2, "一只红色的风筝在沙丘上飞翔，远景", "16:9"), (3, "雨中的纸船，柔和的光线", "1:1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        "prompt\nun café près de la forêt\n".encode("latin-1"),
        "prompt\nein Kätzchen, größer als üblich\n".encode("cp1252"),
        "prompt\n赤い凧が砂丘の上を飛ぶ\n".encode("shift_jis"),
        b"prompt\n\x00\x01\x02\x03",
        bytes(range(256)) * 8,
    ],
)
def test_a_file_that_might_be_anything_is_refused_rather_than_guessed(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Save it as CSV in UTF-8"):
        decoded(data)


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="larger than 2 MB"):
        decoded(b"a" * (MOST_BYTES + 1))


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_columns_are_told_apart_as_the_spreadsheet_does_it(sign: str) -> None:
    text = sign.join(("Prompt", "Model", "Aspect ratio", "COUNT", "resolution", "项目")) + "\n"
    text += sign.join(('"a kite, red;\nand far"', "Seedream 4.5", "16:9", "2", "2K", "Spring")) + "\n"
    assert table(text, {"resolution"}).lines == (
        Line(3, "a kite, red;\nand far", "Seedream 4.5", "16:9", "2", (("resolution", "2K"),), "Spring"),
    )


def test_a_table_says_which_columns_and_rows_it_leaves_out() -> None:
    found = table("note,prompt,resolutoin\nx,a kite,2K\n,,\ny,a kite,1K\nz,a boat\n", {"resolution"})
    assert [(line.number, line.prompt) for line in found.lines] == [(2, "a kite"), (5, "a boat")]
    assert (found.unknown, found.twice, found.blank) == (("note", "resolutoin"), (4,), 1)


def test_a_row_that_says_all_but_its_prompt_is_no_blank_line() -> None:
    assert table("prompt,model\n,Seedream 4.5\n").lines == (Line(2, "", "Seedream 4.5"),)


@pytest.mark.parametrize("text", ["", "a red kite\na boat\n", "model,ratio\nx,y\n"])
def test_a_table_without_a_column_of_prompts_says_so(text: str) -> None:
    assert "one of them must be “prompt”" in table(text).missing


def test_a_cell_beyond_all_measure_is_a_sentence() -> None:
    assert "no CSV file that can be read" in table("prompt\n" + "a" * 200_000).missing
