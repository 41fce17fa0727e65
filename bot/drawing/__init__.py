"""Drawing pictures: what may be asked for, asking for it, and files that fit into a message."""

from bot.drawing.drawing import Drawing, Drawn, DrawnFile, PreparedDrawing
from bot.drawing.request import MOST_PICTURES, DrawRequest, sizes_of

__all__ = ["MOST_PICTURES", "DrawRequest", "Drawing", "Drawn", "DrawnFile", "PreparedDrawing", "sizes_of"]
