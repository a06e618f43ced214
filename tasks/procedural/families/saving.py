"""Money put aside week after week, with something at the start, a goal, or an expense."""

TRAIN = """
piggy
{who} has {s} dollars in {her} piggy bank and adds {a} dollars every week.
How many dollars are in the piggy bank after {w} weeks?
s 5..60 dollars at the start: the money at the start
a 3..12 dollars a week: the weekly amount
w 3..12 weeks: the number of weeks
g = a * w dollars: the money added
t = s + g dollars: the money in the piggy bank

skateboard
A skateboard costs {g} dollars. {who} saves {a} dollars a week for {w} weeks.
How many dollars does {she} still need for the skateboard?
g 70..150 dollars for the skateboard: the price of the skateboard
a 4..11 dollars a week: the weekly amount
w 3..9 weeks: the number of weeks
k = a * w dollars: the money saved
r = g - k dollars: the money still needed

camera
{who} would like a camera for {g} dollars and already has {s} dollars. Each month {she} can put {a} dollars aside.
In how many months can {she} buy the camera?
g 60..150 dollars for the camera: the price of the camera
s 10..60 dollars so far: the money so far
a 6..12 dollars a month: the monthly amount
k = g - s dollars: the missing money
m = k / a months: the number of months

lawns
{who} mows {n} lawns and gets {p} dollars for every lawn. {She} spends {e} dollars on petrol.
How many dollars does {she} earn after paying for the petrol?
n 3..11 lawns: the number of lawns
p 6..12 dollars a lawn: the pay for a lawn
e 5..25 dollars for petrol: the cost of petrol
k = n * p dollars: the pay for all lawns
r = k - e dollars: the money earned in the end

grandmother
Grandmother gives {who} {s} dollars for {her} birthday. Besides, {she} gets {a} dollars of pocket money per week and
keeps all of it for {w} weeks. How many dollars does {she} have then?
s 15..60 dollars from grandmother: the birthday money
a 3..9 dollars a week: the weekly pocket money
w 4..12 weeks: the number of weeks
g = a * w dollars: the pocket money kept
t = s + g dollars: the money then

tank
A water tank holds {g} litres. A pump fills it with {a} litres per minute and has been running for {w} minutes.
How many litres are missing until it is full?
g 90..160 litres of space: the size of the tank
a 6..12 litres a minute: the flow of the pump
w 3..8 minutes: the running time
k = a * w litres: the water pumped
r = g - k litres: the water missing

loan
{who} borrowed {g} dollars from {other} and gave back {s} dollars right away. The rest is paid in steps of {a} dollars
a week. How many weeks does it take?
g 40..130 dollars borrowed: the loan
s 10..50 dollars back at once: the first payment
a 5..12 dollars a week: the weekly payment
k = g - s dollars: the rest of the loan
m = k / a weeks: the number of weeks

babysitting
{who} works as a babysitter for {p} dollars an hour. Last month it was {n} hours, and {she} bought a game for {e}
dollars from this pay. How many dollars remain?
n 4..12 hours: the number of hours
p 7..12 dollars an hour: the hourly pay
e 12..30 dollars for the game: the price of the game
k = n * p dollars: the pay of the month
r = k - e dollars: the money that remains

stickers
{who} starts the year with {s} stickers. On each of the next {w} Saturdays {she} buys a packet of {a} stickers.
How many stickers does {she} own in the end?
s 10..60 stickers at first: the number of stickers at first
w 3..9 Saturdays: the number of Saturdays
a 5..12 stickers a packet: the number of stickers in a packet
g = w * a stickers: the number of stickers bought
t = s + g stickers: the number of stickers in the end

jar
{who} saves {a} dollars every week. How many dollars does {she} save in {w} weeks?
a 2..9 dollars a week: the weekly amount
w 2..9 weeks: the number of weeks
t = a * w dollars: the money saved

waiter
{who} earns {p} dollars an hour and works {n} hours. How many dollars does {she} earn?
p 3..10 dollars an hour: the hourly pay
n 2..9 hours: the number of hours
t = p * n dollars: the money earned

scooter
{who} needs {g} dollars for a scooter and saves {a} dollars a week. How many weeks does it take?
g 6..50 dollars for the scooter: the price of the scooter
a 2..9 dollars a week: the weekly amount
w = g / a weeks: the number of weeks

hens
A hen lays {a} eggs each week. How many eggs does it lay in {w} weeks?
a 2..7 eggs a week: the number of eggs a week
w 2..10 weeks: the number of weeks
t = a * w eggs: the number of all eggs

wallet
{who} saved {s} dollars and spent {e} dollars. How many dollars are left?
s 10..20 dollars saved: the money saved
e 3..9 dollars spent: the money spent
r = s - e dollars: the money left

dogs
{who} gets {m} dollars for walking {n} dogs. The pay for each dog is the same. How many dollars is it per dog?
m 6..50 dollars for the walks: the pay for all dogs
n 2..9 dogs: the number of dogs
p = m / n dollars: the pay for a dog
"""

DEV = """
choir
For a new piano the choir must collect {g} dollars. A concert brought in {s} dollars, and selling cake yields {a}
dollars every Sunday. How many Sundays of cake will complete the sum?
g 80..150 dollars for the piano: the sum to collect
s 20..60 dollars from the concert: the money from the concert
a 5..12 dollars a Sunday: the cake money of a Sunday
k = g - s dollars: the money missing after the concert
m = k / a Sundays: the number of Sundays

firewood
{who} has stacked {s} logs behind the house. {She} chops {a} logs a day for another {w} days and stacks them too.
How many logs will the stack hold?
s 20..70 logs stacked: the number of logs stacked at first
a 6..12 logs a day: the number of logs chopped in a day
w 3..9 days: the number of days
g = a * w logs: the number of logs chopped
t = s + g logs: the number of logs in the stack

phone
A used phone is offered for {g} dollars. By helping in the bakery, {who} makes {a} dollars on each of {w} mornings.
What sum is lacking for the phone, in dollars?
g 80..140 dollars for the phone: the price of the phone
a 7..12 dollars a morning: the pay of a morning
w 3..8 mornings: the number of mornings
k = a * w dollars: the pay of all mornings
r = g - k dollars: the sum that is lacking

daily
{who} saves {a} dollars a day for {w} days. How many dollars does {who} save?
a 2..10 dollars a day: the daily amount
w 2..6 days: the number of days
t = a * w dollars: the money saved

rolls
A jar has {n} rolls with {p} coins in each roll. What is the total number of coins?
n 2..6 rolls: the number of rolls
p 2..10 coins a roll: the number of coins in a roll
t = n * p coins: the number of coins in the jar

lessons
If a lesson costs {p} dollars, how much do {n} lessons cost?
p 2..10 dollars a lesson: the price of a lesson
n 2..6 lessons: the number of lessons
t = p * n dollars: the cost of the lessons
"""

TEST = """
guitar
{who} dreams of a guitar that sells for {g} dollars. An uncle has promised {s} dollars towards it; the remainder comes
from a paper round that pays {a} dollars weekly. For how many weeks must {she} deliver papers?
g 80..150 dollars for the guitar: the price of the guitar
s 20..60 dollars from the uncle: the uncle's part
a 6..12 dollars a week: the pay of a week
k = g - s dollars: the part that {who} must pay
m = k / a weeks: the number of weeks

honey
There were {s} jars of honey in the cellar last spring. Since then {who} has carried down {a} jars in each of {w}
months. How many jars does the cellar hold today?
s 12..60 jars last spring: the number of jars of last spring
a 5..12 jars a month: the number of jars a month
w 3..10 months: the number of months
g = a * w jars: the number of jars carried down
t = s + g jars: the number of jars in the cellar today

carwash
The class washes {n} cars on a sunny afternoon and takes {p} dollars per car. Soap and sponges cost them {e} dollars.
What is the profit of the class, in dollars?
n 4..12 cars: the number of cars
p 5..11 dollars a car: the price of a wash
e 8..25 dollars for soap and sponges: the cost of soap and sponges
k = n * p dollars: the takings
r = k - e dollars: the profit

monthly
{who} collects {a} dollars a month for {w} months. How many dollars does {who} collect?
a 2..10 dollars a month: the monthly amount
w 2..6 months: the number of months
t = a * w dollars: the money collected

safe
A safe has {n} cases with {p} medals in each case. What is the total number of medals?
n 2..6 cases: the number of cases
p 2..10 medals a case: the number of medals in a case
t = n * p medals: the number of medals in the safe

courses
If a course costs {p} dollars, how much do {n} courses cost?
p 2..10 dollars a course: the price of a course
n 2..6 courses: the number of courses
t = p * n dollars: the cost of the courses
"""
