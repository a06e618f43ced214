"""leaderboard.html: the tables and what they show as pictures, in one file that needs no network.

`page` writes it from what `write` has at hand; `sections` says what stands on it. A table's columns are those of its
description (`columns`), a picture is drawn by the few functions of `svg`, and the same pictures are written as files by
`pictures`.
"""
