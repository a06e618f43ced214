"""Work that goes on at so much a day: pages, exercises, rows, letters."""

TRAIN = """
novel
A novel has {g} pages. {who} reads {a} pages a day for {w} days.
How many pages has {she} not read yet?
g 90..180 pages in the novel: the pages of the novel
a 5..12 pages a day: the pages of a day
w 3..9 days: the number of days
k = a * w pages: the pages read
r = g - k pages: the pages not read yet

chapters
{who} has a book of {g} pages and has read {s} of them. From now on {she} reads {a} pages every evening.
How many evenings will it take to finish the book?
g 60..150 pages in the book: the pages of the book
s 15..60 pages read: the pages read so far
a 6..12 pages an evening: the pages of an evening
k = g - s pages: the pages left
m = k / a evenings: the number of evenings

scarf
{who} has knitted {s} rows of a scarf. {She} knits {a} rows an hour and goes on for {w} hours.
How many rows does the scarf have then?
s 10..60 rows so far: the rows so far
a 5..12 rows an hour: the rows of an hour
w 3..9 hours: the number of hours
n = a * w rows: the new rows
t = s + n rows: the rows of the scarf

letters
A postman carries {g} letters. He has delivered {s} of them and puts {a} letters into the boxes of each house that is
left. How many houses are left?
g 40..120 letters: the letters of the postman
s 10..40 letters delivered: the letters delivered
a 4..9 letters a house: the letters for a house
k = g - s letters: the letters not delivered
m = k / a houses: the number of houses left

exercises
The workbook contains {g} exercises. {who} does {a} exercises in each lesson, and there have been {w} lessons.
How many exercises are still open?
g 80..150 exercises in the workbook: the exercises in the workbook
a 4..10 exercises a lesson: the exercises of a lesson
w 4..11 lessons: the number of lessons
k = a * w exercises: the exercises done
r = g - k exercises: the exercises still open

words
{who} knew {s} words of Spanish. Then {she} learned {a} new words a day for {w} days without forgetting any.
How many words does {she} know now?
s 20..80 words at first: the words known at first
a 4..12 words a day: the words of a day
w 4..9 days: the number of days
n = a * w words: the new words
t = s + n words: the words known now

fence
{who} paints a fence of {g} boards. {She} manages {a} boards per hour and works for {w} hours today.
How many boards remain for tomorrow?
g 70..140 boards: the boards of the fence
a 6..12 boards an hour: the boards of an hour
w 3..7 hours: the number of hours
k = a * w boards: the boards painted
r = g - k boards: the boards for tomorrow

emails
There are {g} unread emails in the inbox. {who} deletes {s} advertisements first. After that {she} answers {a} emails
a day. After how many days is the inbox empty?
g 40..120 unread emails: the unread emails
s 10..40 advertisements: the advertisements
a 4..10 emails a day: the emails of a day
k = g - s emails: the emails to answer
m = k / a days: the number of days

cabbages
A farmer has planted {s} cabbages before lunch. After lunch he plants {w} rows with {a} cabbages in each.
How many cabbages does he plant that day?
s 15..70 cabbages before lunch: the cabbages before lunch
w 3..9 rows: the number of rows
a 6..12 cabbages a row: the cabbages in a row
n = w * a cabbages: the cabbages after lunch
t = s + n cabbages: the cabbages of the day
"""

DEV = """
diary
{who} fills {a} sides of {her} diary each week. The diary offers {g} sides, and {w} weeks have gone by since the first
entry. How many sides are blank?
g 80..150 sides in the diary: the sides of the diary
a 4..9 sides a week: the sides of a week
w 5..12 weeks: the number of weeks
k = a * w sides: the sides filled
r = g - k sides: the blank sides

signs
Of the {g} street signs that need cleaning, {s} were cleaned on Monday. The crew cleans {a} signs a day from Tuesday on.
How many more days will the crew be busy?
g 50..130 signs to clean: the signs to clean
s 8..40 signs on Monday: the signs cleaned on Monday
a 5..12 signs a day: the signs of a day
k = g - s signs: the signs that are still dirty
m = k / a days: the number of days

drawings
{s} drawings already hang in the school hall. {w} classes bring {a} drawings each, and all of them are hung up as well.
How many drawings can visitors see?
s 12..60 drawings in the hall: the drawings in the hall
w 3..9 classes: the number of classes
a 6..12 drawings a class: the drawings of a class
n = w * a drawings: the drawings that are brought
t = s + n drawings: the drawings to see
"""

TEST = """
podcast
A podcast series runs to {g} episodes. During {w} train rides {who} listened to {a} episodes per ride.
How many episodes does {she} have to look forward to?
g 70..140 episodes: the episodes of the series
w 4..10 rides: the number of rides
a 3..9 episodes a ride: the episodes of a ride
k = w * a episodes: the episodes heard
r = g - k episodes: the episodes to come

nails
The carpenter's plan asks for {g} nails. {s} nails are in the wood, and with every minute {a} others follow.
How many minutes of hammering does the plan still require?
g 50..130 nails in the plan: the nails of the plan
s 10..50 nails in the wood: the nails in the wood
a 6..12 nails a minute: the nails of a minute
k = g - s nails: the nails that are missing
m = k / a minutes: the minutes of hammering

stars
{who} counted {s} stars before the clouds came. When the sky cleared, {she} counted for {w} more minutes, {a} stars in
each of them. What total did {she} write down?
s 15..70 stars before the clouds: the stars before the clouds
w 3..9 minutes: the number of minutes
a 5..12 stars a minute: the stars of a minute
n = w * a stars: the stars after the clouds
t = s + n stars: the total number of stars
"""
