"""leaderboard.html: the tables and what they show as pictures, in one file that needs no network.

`gather` collects what a writer of tables has at hand, `sections` says what of it stands where, `page` writes it and its
pictures as files. A table's columns are those of its description (`columns`); a picture is drawn by the functions of
`svg`.
"""
