"""What `podwright image` shows and removes."""

from __future__ import annotations

from podwright.cli.image import rows, titles, unused
from podwright.cri.generated import cri_pb2 as pb

TAGGED = pb.Image(id=f"sha256:{'a' * 64}", repo_tags=["r.io/x:1", "r.io/x:2"], size=1_500_000)
BARE = pb.Image(id=f"sha256:{'b' * 64}", size=10, spec=pb.ImageSpec(runtime_handler="kata"))


def test_each_name_has_a_row_and_an_image_without_any_is_shown_by_its_id() -> None:
    assert titles(BARE) == ["b" * 12]
    assert rows([TAGGED, BARE], {"r.io/x:2"}) == [
        ("b" * 12, "b" * 12, "10B", "", "kata"),
        ("r.io/x:1", "a" * 12, "1.5MB", "yes", ""),
        ("r.io/x:2", "a" * 12, "1.5MB", "yes", ""),
    ]


def test_what_is_used_or_pinned_by_any_of_its_names_stays() -> None:
    assert unused([TAGGED, BARE], set(), set()) == [TAGGED, BARE]
    assert unused([TAGGED, BARE], {"r.io/x:1"}, {BARE.id}) == []
