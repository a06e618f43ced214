"""Buying several things of one price, with change, extras, vouchers and budgets."""

TRAIN = """
notebooks
{who} buys {n} notebooks at {p} dollars each and hands over {m} dollars.
How many dollars does {she} get back?
n 3..9 notebooks: the number of notebooks
p 3..9 dollars a notebook: the price of a notebook
m 40|50|60|80|100 dollars handed over: the money handed over
c = n * p dollars: the cost of the notebooks
r = m - c dollars: the change

bakery
A loaf of bread costs {p} dollars. {who} takes {n} loaves and a cake for {s} dollars.
What does {she} pay in total, in dollars?
n 3..9 loaves: the number of loaves
p 3..8 dollars a loaf: the price of a loaf
s 10..30 dollars for the cake: the price of the cake
b = n * p dollars: the cost of the bread
t = b + s dollars: the total to pay

roses
{who} has {m} dollars for the garden. {She} first buys a spade for {s} dollars, and the rest goes on roses
that cost {p} dollars a piece. How many roses can {she} buy?
m 40..120 dollars for the garden: the money for the garden
s 10..30 dollars for the spade: the price of the spade
p 4..12 dollars a rose: the price of a rose
k = m - s dollars: the money left for roses
r = k / p roses: the number of roses

socks
A shop sells socks for {p} dollars a pair. {who} chooses {n} pairs and has a voucher that takes {v} dollars
off the bill. How many dollars does {she} still have to pay?
n 3..12 pairs: the number of pairs
p 4..9 dollars a pair: the price of a pair
v 5..20 dollars off: the value of the voucher
b = n * p dollars: the bill before the voucher
r = b - v dollars: the amount still to pay

apples
At the market {who} fills {n} bags with apples. Every bag costs {p} dollars, and {she} came with {m} dollars
in {her} purse. How much money is left in the purse?
n 3..8 bags: the number of bags
p 3..9 dollars a bag: the price of a bag
m 60..120 dollars in the purse: the money in the purse
c = n * p dollars: the cost of the apples
r = m - c dollars: the money left in the purse

paint
To paint the kitchen {who} needs {n} tins of paint. One tin is {p} dollars, and the brushes come to {s} dollars
together. How many dollars does the job cost?
n 3..9 tins: the number of tins
p 5..12 dollars a tin: the price of a tin
s 8..25 dollars for brushes: the price of the brushes
b = n * p dollars: the cost of the paint
t = b + s dollars: the cost of the job

stamps
{who} goes to the post office with {m} dollars. After paying {s} dollars to send a parcel, {she} spends all
that remains on sheets of stamps at {p} dollars per sheet. How many sheets does {she} get?
m 30..99 dollars to begin with: the money at the start
s 6..20 dollars for the parcel: the cost of the parcel
p 5..12 dollars a sheet: the price of a sheet
k = m - s dollars: the money left for stamps
r = k / p sheets: the number of sheets

towels
Bath towels are on sale for {p} dollars. The hotel orders {n} of them and gets a discount of {v} dollars on the
whole order. How many dollars does the hotel pay?
n 4..12 towels: the number of towels
p 6..12 dollars a towel: the price of a towel
v 8..30 dollars of discount: the discount
b = n * p dollars: the price of the order
r = b - v dollars: the amount the hotel pays

lunch
{who} treats {her} friends to lunch. There are {n} plates of pasta for {p} dollars each on the bill, and drinks
for {s} dollars. What is the whole bill, in dollars?
n 3..8 plates: the number of plates
p 6..12 dollars a plate: the price of a plate
s 8..28 dollars for drinks: the price of the drinks
b = n * p dollars: the cost of the pasta
t = b + s dollars: the whole bill

balloons
{who} buys {n} balloons for {p} dollars each. How many dollars does {she} pay?
n 2..9 balloons: the number of balloons
p 2..9 dollars a balloon: the price of a balloon
c = n * p dollars: the cost of the balloons

cinema
A cinema ticket costs {p} dollars. What do {n} tickets cost, in dollars?
p 3..10 dollars a ticket: the price of a ticket
n 2..9 tickets: the number of tickets
c = p * n dollars: the cost of the tickets

pens
{who} pays {m} dollars for {n} pens. All pens have the same price. How many dollars does one pen cost?
m 6..50 dollars for the pens: the cost of the pens
n 2..9 pens: the number of pens
p = m / n dollars: the price of a pen

melons
{who} sells {n} melons at {p} dollars each. How many dollars does {she} get?
n 2..9 melons: the number of melons
p 2..9 dollars a melon: the price of a melon
c = n * p dollars: the money for the melons

comics
{who} has {m} dollars and spends {s} dollars on a comic. How many dollars does {she} have left?
m 10..20 dollars at first: the money at first
s 3..9 dollars for the comic: the price of the comic
r = m - s dollars: the money left

ribbon
One metre of ribbon costs {p} dollars. What is the price of {n} metres, in dollars?
p 2..9 dollars a metre: the price of a metre
n 2..9 metres: the length of the ribbon
c = p * n dollars: the price of the ribbon
"""

DEV = """
lamps
A cafeteria replaces {n} lamps. A new lamp is {p} dollars, and the owner has set aside {m} dollars for this.
How many of these dollars will not be needed?
n 3..9 lamps: the number of lamps
p 5..12 dollars a lamp: the price of a lamp
m 90..150 dollars set aside: the money set aside
c = n * p dollars: the cost of the lamps
r = m - c dollars: the money that is not needed

fish
{who} sets up an aquarium: the tank costs {s} dollars and the {n} fish cost {p} dollars apiece.
How much does everything cost, in dollars?
n 3..10 fish: the number of fish
p 3..9 dollars a fish: the price of a fish
s 30..60 dollars for the tank: the price of the tank
b = n * p dollars: the cost of the fish
t = b + s dollars: the cost of everything

mugs
With {m} dollars from the coffee fund, {who} pays a debt of {s} dollars and then orders mugs for {p} dollars each
until the fund is empty. How many mugs is that?
m 50..110 dollars in the fund: the money in the fund
s 12..30 dollars of debt: the debt
p 4..9 dollars a mug: the price of a mug
k = m - s dollars: the money left for mugs
r = k / p mugs: the number of mugs

tea
If a box of tea costs {p} dollars, how much do {n} boxes cost?
p 2..10 dollars a box: the price of a box
n 2..6 boxes: the number of boxes
c = p * n dollars: the cost of the boxes

one_lamp
If a lamp costs {p} dollars, how many dollars do {n} lamps cost?
p 2..10 dollars a lamp: the price of a lamp
n 2..6 lamps: the number of lamps
c = p * n dollars: the cost of the lamps

mangoes
Wlamp is the total cost of {n} mangoes at {p} dollars each?
n 2..6 mangoes: the number of mangoes
p 2..10 dollars a mango: the price of a mango
c = n * p dollars: the cost of the mangoes
"""

TEST = """
tents
A scout group rents {n} tents for the weekend. The rent is {p} dollars per tent, but the firm lowers the sum by
{v} dollars because the scouts are regular guests. How many dollars does the group owe?
n 4..11 tents: the number of tents
p 5..12 dollars a tent: the rent of a tent
v 6..25 dollars less: the reduction
b = n * p dollars: the full rent
r = b - v dollars: the amount the group owes

keys
The locksmith asks {p} dollars for every key. {who} orders {n} keys and puts {m} dollars on the counter.
How many dollars come back to {him}?
n 3..9 keys: the number of keys
p 4..11 dollars a key: the price of a key
m 70|80|90|100|110|120 dollars on the counter: the money on the counter
c = n * p dollars: the cost of the keys
r = m - c dollars: the money that comes back

seats
The club owns {m} dollars. New curtains for the stage take {s} dollars away, and folding chairs for {p} dollars
each use up the remainder exactly. How many folding chairs does the club buy?
m 60..140 dollars in the club: the money of the club
s 18..50 dollars for curtains: the price of the curtains
p 6..12 dollars a chair: the price of a chair
k = m - s dollars: the money left for chairs
r = k / p chairs: the number of chairs

toys
If a toy costs {p} dollars, how much do {n} toys cost?
p 2..10 dollars a toy: the price of a toy
n 2..6 toys: the number of toys
c = p * n dollars: the cost of the toys

rope
If one metre of rope costs {p} dollars, how much do {n} metres cost?
p 2..10 dollars a metre: the price of a metre
n 2..6 metres: the length of the rope
c = p * n dollars: the cost of the rope

candles
What is the total cost of {n} candles at {p} dollars each?
n 2..6 candles: the number of candles
p 2..10 dollars a candle: the price of a candle
c = n * p dollars: the cost of the candles
"""
