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
muffins
{who} bakes {n} trays of {p} muffins and gives {g} muffins away. How many muffins are left?
n 2..5 trays: the number of trays
p 3..9 muffins a tray: the number of muffins on a tray
g 2..9 muffins given away: the number of muffins given away
t = n * p muffins: the number of all muffins
r = t - g muffins: the number of muffins left

chairs
A hall has {n} rows of {p} chairs. {g} chairs are taken. How many chairs are free?
n 2..6 rows: the number of rows
p 3..9 chairs a row: the number of chairs in a row
g 2..15 chairs taken: the number of chairs taken
t = n * p chairs: the number of all chairs
r = t - g chairs: the number of free chairs

pens
{who} has {a} red pens and {b} green pens. {She} puts them equally into {c} cups. How many pens are in a cup?
a 4..20 red pens: the number of red pens
b 4..20 green pens: the number of green pens
c 2..6 cups: the number of cups
t = a + b pens: the number of all pens
e = t / c pens: the number of pens in a cup

ducks
There are {n} ponds with {p} ducks each. {g} ducks fly away. How many ducks stay?
n 2..6 ponds: the number of ponds
p 3..9 ducks a pond: the number of ducks on a pond
g 2..15 ducks gone: the number of ducks gone
t = n * p ducks: the number of all ducks
r = t - g ducks: the number of ducks that stay

toffees
{who} has {a} toffees and {other} has {b} toffees. They share them among {c} children.
How many toffees does each child get?
a 4..20 toffees: the number of toffees of {who}
b 4..20 toffees too: the number of toffees of {other}
c 2..6 children: the number of children
t = a + b toffees: the number of all toffees
e = t / c toffees: the share of each child

bulbs
{n} boxes hold {p} light bulbs each. {g} bulbs are broken. How many bulbs still work?
n 2..6 boxes: the number of boxes
p 3..9 bulbs a box: the number of bulbs in a box
g 2..15 broken bulbs: the number of broken bulbs
t = n * p bulbs: the number of all bulbs
r = t - g bulbs: the number of bulbs that work

eggs_in_rows
A box has {n} rows with {p} eggs in each row. What is the total number of eggs?
n 2..9 rows: the number of rows
p 2..10 eggs a row: the number of eggs in a row
t = n * p eggs: the number of eggs in the box

bags
{who} packs {a} apples into {c} bags, equally many in each. How many apples does a bag hold?
a 6..50 apples: the number of apples
c 2..9 bags: the number of bags
e = a / c apples: the number of apples in a bag

cupcakes
{who} has {a} cupcakes and puts them into {c} boxes equally. How many cupcakes are in each box?
a 6..40 cupcakes: the number of cupcakes
c 2..6 boxes: the number of boxes
e = a / c cupcakes: the number of cupcakes in a box

crabs
{who} caught {a} crabs and set {b} crabs free. How many crabs does {who} still have?
a 11..20 crabs: the number of crabs caught
b 3..9 crabs set free: the number of crabs set free
r = a - b crabs: the number of crabs that {who} still has

lockers
{n} lockers hold {p} towels each. How many towels is that?
n 2..12 lockers: the number of lockers
p 3..9 towels a locker: the number of towels in a locker
t = n * p towels: the number of all towels

pearls
{a} pearls are sewn onto {c} dresses, as many on each. How many pearls does a dress get?
a 6..50 pearls: the number of pearls
c 2..9 dresses: the number of dresses
e = a / c pearls: the number of pearls on a dress
"""

TEST = """
cartons
A farmer fills {n} cartons with {p} eggs each and sells {g} eggs. How many eggs does he still have?
n 2..5 cartons: the number of cartons
p 3..9 eggs a carton: the number of eggs in a carton
g 2..9 eggs sold: the number of eggs sold
t = n * p eggs: the number of all eggs
r = t - g eggs: the number of eggs that he still has

players
{a} old cards and {b} new cards are dealt to {c} players. How many cards does every player hold?
a 4..20 old cards: the number of old cards
b 4..20 new cards: the number of new cards
c 2..6 players: the number of players
t = a + b cards: the number of all cards
e = t / c cards: the number of cards of a player

buckets
{who} picks {n} buckets of {p} apples. {g} apples are rotten. How many apples are good?
n 2..6 buckets: the number of buckets
p 3..9 apples a bucket: the number of apples in a bucket
g 2..15 rotten apples: the number of rotten apples
t = n * p apples: the number of all apples
r = t - g apples: the number of good apples

pots
{who} buys {a} tulip bulbs and {b} lily bulbs for {c} pots of equal size. How many bulbs go into each pot?
a 4..20 tulip bulbs: the number of tulip bulbs
b 4..20 lily bulbs: the number of lily bulbs
c 2..6 pots: the number of pots
t = a + b bulbs: the number of all bulbs
e = t / c bulbs: the number of bulbs in a pot

shelves
There are {n} shelves with {p} novels each. {g} novels are lent out. How many novels are on the shelves?
n 2..6 shelves: the number of shelves
p 3..9 novels a shelf: the number of novels on a shelf
g 2..15 novels lent: the number of novels lent
t = n * p novels: the number of all novels
r = t - g novels: the number of novels on the shelves

stickers
{who} has {n} sheets of {p} stickers and uses {g} stickers. How many stickers remain?
n 2..6 sheets: the number of sheets
p 3..9 stickers a sheet: the number of stickers on a sheet
g 2..15 stickers used: the number of stickers used
t = n * p stickers: the number of all stickers
r = t - g stickers: the number of stickers that remain

bottles_in_stacks
A case has {n} stacks with {p} bottles in each stack. What is the total number of bottles?
n 2..9 stacks: the number of stacks
p 2..10 bottles a stack: the number of bottles in a stack
t = n * p bottles: the number of bottles in the case

baskets
{who} lays {a} peaches into {c} baskets evenly. How many peaches lie in each basket?
a 6..50 peaches: the number of peaches
c 2..9 baskets: the number of baskets
e = a / c peaches: the number of peaches in a basket

almonds
{who} has {a} almonds and puts them into {c} bowls equally. How many almonds are in each bowl?
a 6..40 almonds: the number of almonds
c 2..6 bowls: the number of bowls
e = a / c almonds: the number of almonds in a bowl

stones
Of {a} stones, {who} throws {b} into the lake. How many stones are not thrown?
a 11..20 stones: the number of stones
b 3..9 stones thrown: the number of stones thrown
r = a - b stones: the number of stones that are not thrown

wheels
{n} wagons have {p} wheels each. How many wheels do they have?
n 2..12 wagons: the number of wagons
p 3..9 wheels a wagon: the number of wheels of a wagon
t = n * p wheels: the number of all wheels

ribbons
{c} girls divide {a} ribbons fairly. How many ribbons does every girl take?
c 2..9 girls: the number of girls
a 6..50 ribbons: the number of ribbons
e = a / c ribbons: the share of every girl
"""
