"""Sizes of paper: how the faces of a design lie on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posters.content import Content, DesignName, FormatName
from posters.designs import CARD, DRAWN, TALL, WIDTH, picture_place
from posters.sheet import BLEED, Face, Item, Picture, Sheet


@dataclass(frozen=True, slots=True)
class Paper:
    """A size of paper in mm, and the height of the face that lies on it, 148 mm wide before it is scaled."""

    width: float
    height: float
    face: float = TALL
    across: int = 1
    down: int = 1

    @property
    def scale(self) -> float:
        """How much larger than the face's own mm the face is on this paper."""
        return self.width / self.across / WIDTH


PAPERS: Mapping[FormatName, Paper] = {
    "a4": Paper(210, 297),
    "a5": Paper(148, 210),
    "a6": Paper(105, 148),
    "four": Paper(210, 297, across=2, down=2),
    "tent": Paper(148, 210, face=CARD, down=2),
}


def bleed_of(paper: Paper) -> float:
    """Return the bleed in the mm of the face."""
    return BLEED / paper.scale


def picture_mm(paper: Paper, content: Content) -> tuple[float, float]:
    """Return width and height of the cover on this paper, with its bleed, in mm."""
    _, _, width, height = picture_place(content, paper.face, bleed_of(paper))
    return width * paper.scale, height * paper.scale


def lay_out(design: DesignName, paper_name: FormatName, content: Content) -> Sheet:
    """Return a sheet with a design on a size of paper; a sheet may have several faces."""
    paper = PAPERS[paper_name]
    items: list[Item] = list(DRAWN[design](content, paper.face))
    if design == "photo" and content.cover is not None:
        items.insert(0, Picture(content.cover, *picture_place(content, paper.face, bleed_of(paper))))
    faces = [
        _face(items, paper, column, row, turned=paper.face == CARD and row == 0)
        for row in range(paper.down)
        for column in range(paper.across)
    ]
    middle = (("y", paper.height / 2),)
    if paper.face == CARD:
        return Sheet(paper.width, paper.height, faces, folds=middle)
    cuts = (*middle, ("x", paper.width / 2)) if paper.across > 1 else ()
    return Sheet(paper.width, paper.height, faces, cuts=cuts)


def _face(items: Sequence[Item], paper: Paper, column: int, row: int, *, turned: bool) -> Face:
    width, height = paper.width / paper.across, paper.height / paper.down
    left, top = column * width, row * height
    # Only at the edges of the sheet is there anything beyond the cut.
    begin_x, begin_y = (left - BLEED if column == 0 else left), (top - BLEED if row == 0 else top)
    end_x = left + width + (BLEED if column == paper.across - 1 else 0)
    end_y = top + height + (BLEED if row == paper.down - 1 else 0)
    clip = (begin_x, begin_y, end_x - begin_x, end_y - begin_y)
    return Face(items, WIDTH, paper.face, left, top, paper.scale, turned, clip)
