"""Things put together or taken away, then packed or shared evenly."""

TRAIN = """
marbles
{who} has {a} red marbles and {b} blue marbles. {She} shares all of them equally among {c} children.
How many marbles does each child get?
a 6..40 red marbles: the number of red marbles
b 6..40 blue marbles: the number of blue marbles
c 3..9 children: the number of children
t = a + b marbles: the number of all marbles
e = t / c marbles: the share of each child

pencils
There are {n} boxes with {p} pencils each in the cupboard. The teacher puts all these pencils into {c} cups,
the same number in every cup. How many pencils are in one cup?
n 3..12 boxes: the number of boxes
p 4..12 pencils a box: the number of pencils in a box
c 2..12 cups: the number of cups
t = n * p pencils: the number of all pencils
e = t / c pencils: the number of pencils in a cup

eggs
The hens laid {a} eggs. {who} drops {b} of them on the way to the kitchen and packs the others in cartons of {c}.
How many cartons does {she} fill?
a 20..99 eggs laid: the number of eggs laid
b 2..12 broken eggs: the number of broken eggs
c 4|6|8|10|12 eggs a carton: the number of eggs in a carton
k = a - b eggs: the number of whole eggs
e = k / c cartons: the number of cartons

cookies
{who} bakes {n} trays of cookies with {p} cookies on each tray. {Her} family eats {g} of the cookies at once.
How many cookies are left?
n 3..8 trays: the number of trays
p 6..12 cookies a tray: the number of cookies on a tray
g 5..30 cookies eaten: the number of cookies eaten
t = n * p cookies: the number of cookies baked
r = t - g cookies: the number of cookies left

books
A library gets {a} new novels and {b} new comics. They are spread evenly over {c} shelves.
How many of these books stand on each shelf?
a 8..60 novels: the number of novels
b 8..50 comics: the number of comics
c 3..12 shelves: the number of shelves
t = a + b books: the number of new books
e = t / c books: the number of books on a shelf

seedlings
{who} has {a} seedlings, but {b} of them are too weak to plant. {She} sets the strong ones in {c} rows of equal
length. How many seedlings are in one row?
a 20..99 seedlings: the number of seedlings
b 3..15 weak seedlings: the number of weak seedlings
c 3..9 rows: the number of rows
k = a - b seedlings: the number of strong seedlings
e = k / c seedlings: the number of seedlings in a row

bottles
A van delivers {n} crates of juice, each with {p} bottles. The shop returns {g} bottles because the labels are
wrong. How many bottles does the shop keep?
n 3..12 crates: the number of crates
p 6..12 bottles a crate: the number of bottles in a crate
g 4..25 bottles returned: the number of bottles returned
t = n * p bottles: the number of bottles delivered
r = t - g bottles: the number of bottles kept

photos
{who} printed {n} rolls of film with {p} photos on each. Now {she} glues them into an album, {c} photos to a page.
How many pages will be full?
n 3..12 rolls: the number of rolls
p 5..12 photos a roll: the number of photos on a roll
c 3..12 photos a page: the number of photos on a page
t = n * p photos: the number of all photos
e = t / c pages: the number of full pages

teams
On sports day {a} girls and {b} boys want to play. They form {c} teams of the same size.
How many players are in a team?
a 10..50 girls: the number of girls
b 10..50 boys: the number of boys
c 4..12 teams: the number of teams
t = a + b players: the number of all players
e = t / c players: the size of a team

candies
{who} shares {a} candies equally among {c} friends. How many candies does each friend get?
a 6..50 candies: the number of candies
c 2..9 friends: the number of friends
e = a / c candies: the share of each friend

crayons
There are {n} packs with {p} crayons in each pack. How many crayons are there in total?
n 2..9 packs: the number of packs
p 2..10 crayons a pack: the number of crayons in a pack
t = n * p crayons: the number of all crayons

tulips
{who} puts {a} tulips into {c} vases, the same number in each vase. How many tulips are in one vase?
a 6..50 tulips: the number of tulips
c 2..9 vases: the number of vases
e = a / c tulips: the number of tulips in a vase

shirts
One shirt has {p} buttons. How many buttons do {n} shirts have?
p 3..10 buttons a shirt: the number of buttons of a shirt
n 2..9 shirts: the number of shirts
t = p * n buttons: the number of all buttons

grapes
{who} has {a} grapes and eats {b} of them. How many grapes are left?
a 10..20 grapes: the number of grapes
b 3..9 grapes eaten: the number of grapes eaten
r = a - b grapes: the number of grapes left

nuts
{c} children divide {a} nuts equally. How many nuts are there for each child?
c 2..9 children: the number of children
a 6..50 nuts: the number of nuts
e = a / c nuts: the share of each child
"""

DEV = """
beads
A jar holds {a} glass beads and {b} wooden beads. {who} strings {c} beads on every bracelet until the jar is empty.
How many bracelets does {she} make?
a 15..70 glass beads: the number of glass beads
b 15..60 wooden beads: the number of wooden beads
c 8..12 beads a bracelet: the number of beads on a bracelet
t = a + b beads: the number of all beads
e = t / c bracelets: the number of bracelets

bricks
{n} pallets stand at the building site and each carries {p} stone slabs. By the evening {g} slabs have been laid.
How many slabs are waiting for the next day?
n 3..9 pallets: the number of pallets
p 7..12 slabs a pallet: the number of slabs on a pallet
g 6..30 slabs laid: the number of slabs laid
t = n * p slabs: the number of slabs at the site
r = t - g slabs: the number of slabs waiting

oranges
Of {a} oranges in the basket, {b} are mouldy. The good ones are divided fairly between {c} neighbours.
How many oranges can every neighbour take?
a 25..99 oranges: the number of oranges
b 3..14 mouldy oranges: the number of mouldy oranges
c 4..9 neighbours: the number of neighbours
k = a - b oranges: the number of good oranges
e = k / c oranges: the share of each neighbour

eggs_in_rows
A box has {n} rows with {p} eggs in each row. What is the total number of eggs?
n 2..6 rows: the number of rows
p 2..10 eggs a row: the number of eggs in a row
t = n * p eggs: the number of eggs in the box

bags
{who} has {n} bags with {p} apples in each bag. What is the total number of apples?
n 2..6 bags: the number of bags
p 2..10 apples a bag: the number of apples in a bag
t = n * p apples: the number of all apples

cupcakes
{who} has {a} cupcakes and puts them into {c} boxes equally. How many cupcakes are in each box?
a 6..40 cupcakes: the number of cupcakes
c 2..6 boxes: the number of boxes
e = a / c cupcakes: the number of cupcakes in a box
"""

TEST = """
shells
After a walk by the sea, {who} owns {a} white shells and {other} owns {b} brown ones. They mix their shells and lay
them out in {c} equal circles. How many shells make up a circle?
a 10..60 white shells: the number of white shells
b 10..50 brown shells: the number of brown shells
c 4..10 circles: the number of circles
t = a + b shells: the number of shells together
e = t / c shells: the number of shells in a circle

candles
A workshop poured {n} batches of candles, {p} in a batch. Each gift set consists of {c} candles.
How many gift sets can the workshop offer?
n 3..12 batches: the number of batches
p 5..12 candles a batch: the number of candles in a batch
c 2..12 candles a set: the number of candles in a set
t = n * p candles: the number of all candles
e = t / c sets: the number of gift sets

tiles
{who} ordered {a} tiles for the bathroom wall. {b} tiles arrived cracked, so only the remaining tiles are used, with
{c} tiles in every line. How many lines will there be?
a 40..120 tiles ordered: the number of tiles ordered
b 4..20 cracked tiles: the number of cracked tiles
c 6..12 tiles a line: the number of tiles in a line
k = a - b tiles: the number of usable tiles
e = k / c lines: the number of lines

bottles_in_stacks
A case has {n} stacks with {p} bottles in each stack. What is the total number of bottles?
n 2..6 stacks: the number of stacks
p 2..10 bottles a stack: the number of bottles in a stack
t = n * p bottles: the number of bottles in the case

baskets
{who} has {n} baskets with {p} peaches in each basket. What is the total number of peaches?
n 2..6 baskets: the number of baskets
p 2..10 peaches a basket: the number of peaches in a basket
t = n * p peaches: the number of all peaches

almonds
{who} has {a} almonds and puts them into {c} bowls equally. How many almonds are in each bowl?
a 6..40 almonds: the number of almonds
c 2..6 bowls: the number of bowls
e = a / c almonds: the number of almonds in a bowl
"""
