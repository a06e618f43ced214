"""EAGLE (arXiv:2401.15077): the draft layer that EAGLE-2 has too, under a static tree.

At temperature 0 its candidates are the likeliest, above it they are drawn without replacement, and verified by the rule
for drawn candidates. Beside EAGLE-2, whose trained drafter it takes, it shows what the dynamic tree brings.
"""

from offbook.engine.decoding.static_draft import RankTree

# Section 4.1 and the released code: 25 nodes in levels of 4, 8, 8, 3 and 2.
PUBLISHED = RankTree(
    tuple(
        tuple(map(int, path))
        for path in (
            *("0", "1", "2", "3"),
            *("00", "01", "02", "10", "11", "20", "21", "30"),
            *("000", "001", "002", "010", "011", "020", "021", "100"),
            *("0000", "0001", "0002"),
            *("00000", "00001"),
        )
    )
)
