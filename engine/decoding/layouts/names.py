"""What layouts are called; known without what is slow to import."""

from typing import Literal

LAYOUTS = ("transformers", "prepacked", "packed")  # the plainest first
AUTO: Literal["auto"] = "auto"  # the fastest that needs no compiler
LayoutName = Literal["auto", "transformers", "prepacked", "packed"]
