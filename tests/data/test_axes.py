"""What varies in a batch, and the table of it: every task stands in it once, wherever the axes are put."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.axes import Asked, axes, grid

NANO, SEED = "nano", "seedream"


def asked(*prompts: str, models: tuple[str, ...] = (NANO, SEED), repeat: int = 1, **params: object) -> list[Asked]:
    return [Asked(prompt, model, params) for prompt in prompts for model in models for _ in range(repeat)]


def names(tasks: list[Asked]) -> list[str]:
    return [axis.name for axis in axes(tasks)]


def test_what_varies_is_an_axis_and_what_does_not_is_none() -> None:
    assert names(asked("a", "b")) == ["prompt", "model"]
    assert names(asked("a", models=(NANO,), repeat=3)) == ["repeat"]
    assert names(asked("a", models=(NANO,), quality="2K")) == []
    both = [*asked("a", aspect_ratio="1:1"), *asked("a", aspect_ratio="16:9")]
    assert [(axis.name, axis.values) for axis in axes(both)] == [("model", (NANO, SEED)), ("ratio", ("1:1", "16:9"))]


def test_a_setting_that_follows_from_the_model_is_no_axis_of_its_own() -> None:
    apart = [Asked("a", NANO, {}), Asked("a", SEED, {"quality": "4K"})]
    assert names(apart) == ["model"]
    assert names([*apart, Asked("a", SEED, {"quality": "2K"})]) == ["model", "quality"]
    assert names([Asked("a", NANO, {"seed": seed}) for seed in (1, 2)]) == ["seed"]


def test_true_is_not_one_and_a_list_can_be_a_value() -> None:
    (axis,) = axes([Asked("a", NANO, {"safe": value}) for value in (True, 1, [1], None)])
    assert [type(value) for value in axis.values] == [bool, int, list, type(None)]


def test_models_stand_beside_one_another_prompts_below_and_the_rest_are_lines() -> None:
    table = grid(asked("a", "b", repeat=2))
    assert (table.rows and table.rows.name, table.cols and table.cols.name) == ("prompt", "model")
    assert [(group.value, [(line.values, line.cells) for line in group.lines]) for group in table.groups] == [
        ("a", [((1,), (0, 2)), ((2,), (1, 3))]), ("b", [((1,), (4, 6)), ((2,), (5, 7))]),
    ]  # fmt: skip


def test_prompts_alone_are_rows_of_one_column_and_repeats_alone_one_row() -> None:
    table = grid(asked("a", "b", models=(NANO,)))
    assert (table.rows and table.rows.name, table.cols, table.width) == ("prompt", None, 1)
    table = grid(asked("a", models=(NANO,), repeat=3))
    assert (table.rows, table.cols and table.cols.name, table.groups[0].lines[0].cells) == (None, "repeat", (0, 1, 2))


def test_the_axes_that_are_named_are_taken_and_a_wrong_name_is_none() -> None:
    tasks = asked("a", "b", repeat=2)
    table = grid(tasks, "model", "repeat")
    assert (table.rows and table.rows.name, table.cols and table.cols.name) == ("model", "repeat")
    assert grid(tasks, "nonsense", "prompt; drop") == grid(tasks) == grid(tasks, "prompt", "prompt")


def test_what_nobody_asked_for_is_a_hole() -> None:
    table = grid([Asked("a", NANO, {}), Asked("a", SEED, {}), Asked("b", SEED, {})])
    assert [line.cells for group in table.groups for line in group.lines] == [(0, 1), (None, 2)]


TASKS = st.lists(
    st.builds(
        Asked, st.sampled_from("ab"), st.sampled_from((NANO, SEED)),
        st.dictionaries(st.sampled_from(("aspect_ratio", "quality", "seed")), st.sampled_from(("1:1", "2K", 7))),
    ),
    min_size=1, max_size=16,
)  # fmt: skip
NAMES = st.sampled_from(("", "prompt", "model", "ratio", "quality", "seed", "repeat"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a machine that others use too
@given(TASKS, NAMES, NAMES)
def test_every_task_stands_in_the_table_once_whatever_is_chosen(tasks: list[Asked], rows: str, cols: str) -> None:
    table = grid(tasks, rows, cols)
    cells = [at for group in table.groups for line in group.lines for at in line.cells if at is not None]
    assert sorted(cells) == list(range(len(tasks)))
    assert all(len(line.cells) == table.width for group in table.groups for line in group.lines)
