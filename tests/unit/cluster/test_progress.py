"""Progress: numbered, timed, alive, and honest about failure."""

import io
import re
import time

import pytest

from tests.cluster.images import step_text
from tests.cluster.progress import Progress, line
from tests.waiting import eventually


def test_a_line_says_which_of_how_many_what_and_how_long() -> None:
    assert line(3, 9, "kube", "compiling, 812 of 2697 packages", 120.4) == (
        "[3/9] kube: compiling, 812 of 2697 packages, 120 s"
    )


def test_stages_are_numbered_and_end_with_their_seconds() -> None:
    out = io.StringIO()
    progress = Progress(2, out=out)
    for title in ("one", "two"):
        with progress.stage(title):
            pass
    assert out.getvalue().splitlines() == ["[1/2] one: done, 0 s", "[2/2] two: done, 0 s"]


def test_a_stage_more_than_planned_does_not_count_past_the_total() -> None:
    out = io.StringIO()
    progress = Progress(1, out=out)
    for title in ("one", "two"):
        with progress.stage(title):
            pass
    assert out.getvalue().splitlines()[1] == "[2/2] two: done, 0 s"


def test_without_a_total_there_is_none() -> None:
    out = io.StringIO()
    progress = Progress(out=out)
    for title in ("one", "two"):
        with progress.stage(title):
            pass
    assert out.getvalue().splitlines() == ["[1] one: done, 0 s", "[2] two: done, 0 s"]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("[1/2] STEP 2/3: ARG GCSFUSE=v3.13.0", "step 2/3 of part 1/2: ARG GCSFUSE=v3.13.0"),
        ("STEP 4/9: RUN pip   install", "step 4/9: RUN pip install"),
        ("[1/2] COMMIT", ""),
        ("Collecting STEP", ""),
    ],
)
def test_a_step_of_an_image_is_told_once(output: str, told: str) -> None:
    assert step_text(output) == told


def test_a_long_stage_says_what_it_does_meanwhile() -> None:
    out = io.StringIO()
    with Progress(1, out=out, interval=0.02).stage("kube") as stage:
        stage.say("compiling")
        eventually(lambda: "[1/1] kube: compiling, 0 s" in out.getvalue(), "a beat", within=5, every=0.01)


@pytest.mark.parametrize(("error", "word"), [(ValueError, "FAILED"), (KeyboardInterrupt, "interrupted")])
def test_a_stage_that_does_not_end_well_says_so(error: type[BaseException], word: str) -> None:
    out = io.StringIO()
    with pytest.raises(error), Progress(1, out=out).stage("kube"):
        raise error
    assert re.fullmatch(rf"\[1/1\] kube: {word}, 0 s\n", out.getvalue())


def test_waiting_names_what_did_not_become_true() -> None:
    began = time.monotonic()
    with pytest.raises(Exception, match=r"not within 0\.05 s: the moon is full; last answer: False"):
        eventually(lambda: False, "the moon is full", within=0.05, every=0.01)
    assert time.monotonic() - began < 2
