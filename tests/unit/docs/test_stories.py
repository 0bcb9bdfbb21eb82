"""Which of the docs' stories a run reads that has no time for all. Pure."""

from __future__ import annotations

import pytest
from live.stories import STORIES, Story, told


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_a_story_begins_where_the_demo_waits(story: Story) -> None:
    """What comes before is how to start it; its outputs are counted from there."""
    waiting, rest = story.begun()
    assert "audit again, in another terminal:\n" in waiting.text
    assert sum(block.language == "text" for block in rest) == story.outputs


def test_each_has_its_turn() -> None:
    """Three runs in a row read all three."""
    assert [[str(story) for story in told([], turn)] for turn in (3, 4, 5)] == [
        ["tutorial-pipeline"],
        ["tutorial"],
        ["tutorial-release"],
    ]


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        (["docs/tutorial-release.md"], ["tutorial-pipeline", "tutorial-release"]),
        (["docs/tutorial-pipeline.md", "README.md"], ["tutorial-pipeline"]),
        (["docs/tutorial.md", "docs/tutorial-release.md"], ["tutorial-pipeline", "tutorial", "tutorial-release"]),
    ],
)
def test_a_page_that_has_changed_is_read_beside_the_one_whose_turn_it_is(changed: list[str], read: list[str]) -> None:
    """In the stories' own order: the last one mends the service."""
    assert [str(story) for story in told(changed, 0)] == read
