"""What is said in Chinese of facts: numbers, times and money, and sentences that the database keeps in English."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard import language, retold
from dashboard.components import formats
from data.causes import explain
from data.images import prepare_reference
from data.sentences import Sentence, listed, paragraph

NOW = datetime(2026, 11, 27, 14, 20, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (language, retold):
        monkeypatch.setattr(module, "language", lambda: "zh")


def test_times_and_money_have_chinese_forms() -> None:
    ages = [formats.age(NOW - timedelta(seconds=gone), NOW) for gone in (5, 200, 7_300, 90_000, 900_000)]
    assert ages == ["刚刚", "3 分钟前", "2 小时前", "1 天前", "2026年11月17日"]
    assert formats.date_and_time(NOW) == "2026年11月27日 14:20"
    assert [formats.day(NOW + timedelta(days=days), NOW) for days in (0, 11)] == ["11月27日 14:20", "12月8日"]
    assert formats.money(4_000_000) == "4 积分（$0.02）"
    assert formats.about(4_000_000, practice=True) == "≈ 4 练习积分"
    assert formats.about_short(4_000_000) == "≈ 4 积分"
    assert [formats.span(9, 40), formats.span(40, 180)] == ["9–40 秒", "40 秒到 3 分钟"]
    assert [formats.requests(1), formats.requests(10_001)] == ["1 个任务", "超过 10,000 个任务"]


def test_what_is_joined_is_joined_as_in_chinese() -> None:
    assert language.t(listed(["Veo", "Seedream 4", "Sora 2"])) == "Veo、Seedream 4 和 Sora 2"
    assert language.t(explain("policy")) == "模型拒绝了这个提示词（内容政策）。没有扣费。请修改提示词，或换一个模型。"
    assert language.t(explain("storage_full", practice=True)).endswith("没有扣费。需要管理员腾出空间，然后会继续。")


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("Answers in 0.3 s.", "0.3 秒内响应。"),
        ("rotated upright, 3 → 2.1 MB", "已转正、3 → 2.1 MB"),
        ("The database is read-only. Work waits and nothing is paid twice.",
         "数据库是只读的。工作会等待，不会重复付费。"),
        ("A call to http://h:1 did not come home (it was answered 502). Results are asked for instead.",
         "对 http://h:1 的调用没有返回（应答状态 502）。改为主动查询结果。"),
        ('state/catalog.toml, line 12: model "x": is missing · line 20: model "y": min is larger than max',
         'state/catalog.toml, line 12: model "x": 缺失 · line 20: model "y": min 大于 max'),
        ("cats.example is a web page, not a picture. Nothing was charged. Choose a PNG, JPEG or WebP picture.",
         "cats.example是网页，不是图片。没有扣费。请选择 PNG、JPEG 或 WebP 图片。"),
        ("a b.png could not be fetched. The file did not arrive within 30 s. Nothing was charged. "
         "Save the picture and upload it.",
         "a b.png 未能下载。文件没有在 30 秒内到达。没有扣费。请把图片保存下来再上传。"),
        ("Provider said: you have no credits", "Provider said: you have no credits"),
        ("Internal error, please try again later.", "Internal error, please try again later."),
    ],
)  # fmt: skip
def test_a_sentence_of_ours_is_known_again_and_others_stay(kept: str, told: str) -> None:
    assert retold.retold(kept) == told


def test_a_sentence_is_known_again_whatever_stands_in_its_slots() -> None:
    said = [
        Sentence("{n} stored pictures are missing or damaged.", n="12"),
        Sentence("{account}: {n} credits are left; compared from the next time on.", account="kie", n="1,204"),
        Sentence("The file {fact}.", fact=Sentence("is a video of {n} seconds; the limit is {most}", n=900, most=600)),
    ]
    assert [retold.retold(str(one)) for one in said] == [language.t(one) for one in said]


def test_an_error_reaches_the_screen_as_its_sentence() -> None:
    with pytest.raises(Exception, match="is empty") as caught:
        prepare_reference(b"", filename="a.png", max_bytes=1000, max_pixels=1000, position=1)
    told = language.t(caught.value.sentence)
    assert told == "图片 1（a.png）是空的。没有扣费。请选择 PNG、JPEG 或 WebP 图片。"
    assert language.t(paragraph("Nothing was charged.", "")) == "没有扣费。"
