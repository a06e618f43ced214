"""Journeys at a steady speed: how far, how far still, how long."""

TRAIN = """
cycling
{who} cycles at {v} kilometres an hour for {t} hours. The whole tour is {d} kilometres long.
How many kilometres are still ahead of {him}?
v 8..12 kilometres an hour: the speed
t 2..6 hours: the riding time
d 60..110 kilometres of tour: the length of the tour
w = v * t kilometres: the distance ridden
r = d - w kilometres: the distance still ahead

hiking
In the morning {who} walks {m} kilometres. In the afternoon {she} walks for {t} hours and covers {v} kilometres in
each hour. How many kilometres does {she} walk on that day?
m 5..20 kilometres in the morning: the morning distance
t 2..6 hours: the afternoon time
v 3..6 kilometres an hour: the speed
w = t * v kilometres: the afternoon distance
d = m + w kilometres: the distance of the day

canoe
A river trip is {d} kilometres long. {who} has already paddled {w} kilometres and goes on at {v} kilometres an
hour. In how many hours will {she} arrive?
d 30..90 kilometres of river: the length of the trip
w 6..30 kilometres paddled: the distance paddled
v 4..9 kilometres an hour: the speed
k = d - w kilometres: the distance to go
h = k / v hours: the time to go

snail
A snail creeps {v} centimetres every minute. After {t} minutes the wind pushes it back by {b} centimetres.
How many centimetres is it from the start?
v 3..9 centimetres a minute: the speed of the snail
t 5..12 minutes: the creeping time
b 4..15 centimetres back: the push of the wind
w = v * t centimetres: the distance crept
r = w - b centimetres: the distance from the start

bus
A bus takes {p} minutes from one stop to the next. {who} rides {n} stops and then walks {w} minutes
to school. How many minutes is {she} on the way?
p 3..8 minutes a stop: the time for a stop
n 4..12 stops: the number of stops
w 5..25 minutes on foot: the walking time
b = p * n minutes: the time on the bus
t = b + w minutes: the time on the way

boat
{who} rows across a lake that is {d} metres wide. {She} makes {n} strokes, and every stroke brings the boat
{v} metres forward. How many metres are left to the other side?
d 120..190 metres of water: the width of the lake
n 6..12 strokes: the number of strokes
v 4..9 metres a stroke: the length of a stroke
w = n * v metres: the distance rowed
r = d - w metres: the distance left

desert
A camel caravan must cross {d} kilometres of desert. It has put {w} kilometres behind it and manages {v} kilometres
per day from now on. How many more days does the crossing take?
d 60..150 kilometres of desert: the width of the desert
w 15..50 kilometres behind: the distance behind the caravan
v 8..12 kilometres a day: the distance of a day
k = d - w kilometres: the distance that remains
h = k / v days: the number of days

jogging
{who} runs {n} rounds in the park. One round is {v} hundred metres, and the way home adds {m} hundred metres.
How many hundred metres does {she} run altogether?
n 3..9 rounds: the number of rounds
v 6..12 hundred metres a round: the length of a round
m 5..25 hundred metres home: the way home
w = n * v hundred metres: the distance in the park
d = w + m hundred metres: the whole distance

ladybird
A ladybird climbs a stalk at {v} centimetres a second. It climbs for {t} seconds and then slides down {b}
centimetres. At what height is it now, in centimetres?
v 3..9 centimetres a second: the climbing speed
t 4..12 seconds: the climbing time
b 3..16 centimetres down: the slide
w = v * t centimetres: the height climbed
r = w - b centimetres: the height now

car
A car drives {v} miles an hour. How many miles does it drive in {t} hours?
v 3..10 miles an hour: the speed of the car
t 2..9 hours: the driving time
d = v * t miles: the distance driven

walks
{who} walks {v} kilometres every day. How many kilometres does {she} walk in {t} days?
v 2..9 kilometres a day: the walk of a day
t 2..9 days: the number of days
d = v * t kilometres: the distance walked

marathon
{who} runs {d} miles in {t} hours. How many miles does {she} run in one hour?
d 6..50 miles: the distance run
t 2..9 hours: the running time
v = d / t miles: the distance of an hour

turtle
A turtle walks {v} metres in one minute. How many metres does it walk in {t} minutes?
v 2..9 metres a minute: the speed of the turtle
t 2..9 minutes: the walking time
d = v * t metres: the distance walked

trip
A trip is {d} miles long. {who} has gone {w} miles. How many miles are left?
d 11..20 miles of trip: the length of the trip
w 3..9 miles gone: the distance gone
r = d - w miles: the distance left

laps
One lap is {v} hundred metres long. How many hundred metres are {t} laps?
v 2..9 hundred metres a lap: the length of a lap
t 2..9 laps: the number of laps
d = v * t hundred metres: the length of all laps
"""

DEV = """
ferry
The island lies {d} miles from the coast. A ferry sails {v} miles per hour and has been under way for {t} hours.
How many miles separate it from the island?
d 70..130 miles to the island: the distance of the island
v 7..12 miles an hour: the speed of the ferry
t 3..6 hours: the time under way
w = v * t miles: the distance sailed
r = d - w miles: the distance to the island

drone
A drone hovers {m} metres above a roof. It rises {v} metres per second, {t} seconds in a row.
How many metres above the roof does it end up?
m 8..30 metres at first: the first height
v 3..9 metres a second: the rising speed
t 4..11 seconds: the rising time
w = v * t metres: the rise
d = m + w metres: the final height

skiing
{who} wants to ski {d} kilometres in the holidays. {w} kilometres are done, and from today on {she} skis {v}
kilometres daily. How many days are needed to reach the goal?
d 50..120 kilometres of goal: the goal
w 10..40 kilometres done: the distance done
v 5..12 kilometres a day: the distance of each day
k = d - w kilometres: the missing distance
h = k / v days: the number of days needed

walk
{who} walks {v} miles a day for {t} days. How many miles does {who} walk?
v 2..10 miles a day: the distance of a day
t 2..6 days: the number of days
d = v * t miles: the distance walked

sailing
A boat sails {v} kilometres an hour for {t} hours. How far does it sail?
v 2..10 kilometres an hour: the speed of the boat
t 2..6 hours: the sailing time
d = v * t kilometres: the distance sailed

journey
A trip has {t} days with {v} miles on each day. What is the total number of miles?
t 2..6 days: the number of days
v 2..10 miles a day: the distance of a day
d = t * v miles: the length of the trip
"""

TEST = """
train
A toy train goes {v} metres of track per minute. It runs {t} minutes before the battery dies on a track of {d} metres.
How many metres of the track did it not reach?
v 5..11 metres a minute: the speed of the train
t 4..12 minutes: the running time
d 100..160 metres of track: the length of the track
w = v * t metres: the distance run
r = d - w metres: the track not reached

elevator
From the lobby an elevator goes up {t} times, {v} floors each time, and then comes down {b} floors.
How many floors above the lobby does it stop?
t 3..8 rides: the number of rides up
v 4..9 floors a ride: the number of floors a ride
b 3..15 floors down: the way down
w = t * v floors: the number of floors gone up
r = w - b floors: the number of floors above the lobby

pilgrim
The old road to the abbey measures {d} miles. {who} set out last week, has walked {w} miles since and keeps up
a pace of {v} miles a day. After how many further days does {she} see the abbey?
d 60..130 miles of road: the length of the road
w 14..45 miles walked: the distance walked
v 6..12 miles a day: the pace
k = d - w miles: the rest of the road
h = k / v days: the number of further days

ride
{who} rides {v} kilometres a day for {t} days. How many kilometres does {who} ride?
v 2..10 kilometres a day: the distance of a day
t 2..6 days: the number of days
d = v * t kilometres: the distance ridden

raft
A raft drifts {v} miles an hour for {t} hours. How many miles does it drift?
v 2..10 miles an hour: the speed of the raft
t 2..6 hours: the drifting time
d = v * t miles: the distance drifted

tour
A tour has {t} stages with {v} kilometres in each stage. What is the total number of kilometres?
t 2..6 stages: the number of stages
v 2..10 kilometres a stage: the length of a stage
d = t * v kilometres: the length of the tour
"""
