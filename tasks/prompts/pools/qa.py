"""Questions with a short answer: half with a passage that holds it, half from general knowledge.

Passages describe invented people and places, so that the answer must be read rather than remembered.
"""

from random import Random

from offbook.tasks.prompts.filling import fill
from offbook.tasks.prompts.pools import Row
from offbook.tasks.prompts.pools.further import qa as further

TRAIN_DRAWS = 4
TEST_PASSAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "The Heron Clock stands in the market square of Vellmar. It was built in 1871 by the watchmaker Ida Strand, "
        "who worked on it for nine years. Instead of ringing bells, the clock releases a copper heron that dips its "
        "beak once for every hour. The mechanism is wound by hand each Sunday, a duty that passes between four "
        "families of the town.",
        "Who built the Heron Clock?",
        ("Ida Strand", "Strand"),
    ),
    (
        "Brackish tea is the favourite drink on the island of Sorrel. Islanders boil dried kelp with ginger and serve "
        "it in shallow wooden bowls. Visitors usually find the first sip unpleasant, yet most ask for a second bowl. "
        "According to tradition, the drink was invented by sailors who had run out of ordinary tea leaves during a "
        "long storm.",
        "Which spice is boiled with the kelp?",
        ("ginger",),
    ),
    (
        "When the bridge over the Tamsin Gorge closed for repairs, the postal service had to improvise. For eleven "
        "weeks the mail crossed the gorge in a basket on a steel cable. Children gathered every noon to watch it "
        "swing past. Only one parcel was ever lost: a box of oranges, which fell into the river and was never seen "
        "again.",
        "For how many weeks did the mail cross by basket?",
        ("eleven", "11"),
    ),
    (
        "Tomas Arle keeps the smallest cinema in the country. It seats nine people and occupies a former bathhouse "
        "near the harbour. Tickets are free, but every guest must bring a cushion. On Thursdays Arle shows silent "
        "comedies, and his sister Betka accompanies them on the accordion.",
        "What must every guest bring?",
        ("a cushion", "cushion"),
    ),
    (
        "The dusk beetle of the Orrin valley glows faintly blue for a few minutes after sunset. Researchers long "
        "believed that the light attracted mates. A recent study suggests another purpose: the glow warns bats that "
        "the beetle tastes bitter. In tests, bats avoided glowing beetles in eight cases out of ten.",
        "According to the recent study, which animals does the glow warn?",
        ("bats", "bat"),
    ),
    (
        "Before it became a hotel, the Grand Pelham was a factory for umbrellas. The owner, Lucien Pelham, went "
        "bankrupt after three dry summers in a row. His daughter turned the workshops into bedrooms and kept one "
        "umbrella from every line ever made. Today they hang from the ceiling of the dining room.",
        "What did the factory produce before the building became a hotel?",
        ("umbrellas", "umbrella"),
    ),
)
TEST_KNOWLEDGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What is the capital city of Japan?", ("Tokyo",)),
    ("Which planet in our solar system has the largest mass?", ("Jupiter",)),
    ("What gas do humans need to breathe in order to live?", ("oxygen",)),
    ("How many sides does a hexagon have?", ("six", "6")),
    ("Who wrote the play Romeo and Juliet?", ("Shakespeare", "William Shakespeare")),
    ("On which continent does the Sahara lie?", ("Africa",)),
)
# passage, then pairs of question and the slot that answers it
TRAIN_PASSAGES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "<who=person> opened a small bakery on <where=street> in <town=town> in <year=1962..2019>. At first it sold "
        "only <food=rye bread/almond cake/cheese pies/ginger biscuits>, which [sold out before noon|drew queues on "
        "Saturdays]. The shop later added a [reading corner|tiny garden|second oven], and it now employs "
        "<staff=4..17> people.",
        (("Who opened the bakery?", "who"), ("What did it sell at first?", "food"), ("In which town is it?", "town")),
    ),
    (
        "The <town=town> museum owns a <thing=stuffed walrus/glass piano/bronze bicycle/wooden submarine> that was "
        "donated by <who=person> in <year=1890..1985>. It weighs <kilos=90..640> kilograms and had to be brought in "
        "[through the roof|by crane|in three parts]. [Children love it|Most visitors photograph it], although nobody "
        "knows why it was made.",
        (("What does the museum own?", "thing"), ("When was it donated?", "year"), ("Who donated it?", "who")),
    ),
    (
        "Every <month=month>, people in <town=town> celebrate the <fest=Turnip/Lantern/Pebble/Wool/Sparrow> Festival. "
        "It began when <who=person>, a <job=miller/teacher/sailor/tailor>, [lost a bet|returned from a long "
        "journey|wanted to cheer up the town]. The day ends with [a dance|fireworks|a shared supper] on "
        "<street=street>.",
        (("In which month is the festival held?", "month"), ("What was the founder's profession?", "job")),
    ),
    (
        "The <river=Arden/Moss/Silver/Tarn/Willow> River is <km=48..390> kilometres long. It rises near <a=town>, "
        "passes <b=town> and reaches the sea at <c=town>. [Otters returned to it a decade ago|Barges no longer use "
        "it], and [anglers|canoeists] come for its [cold pools|gentle rapids].",
        (("How long is the river in kilometres?", "km"), ("Where does the river reach the sea?", "c")),
    ),
    (
        "<who=person> collects <thing=lighthouse stamps/old door keys/toy trains/sea glass/train tickets>. The "
        "collection started at the age of <age=6..14> with a gift from <giver=an uncle/a neighbour/a teacher/a "
        "grandmother>. Today it counts more than <n=300..4800> pieces and fills [an attic|two rooms|a garage]. The "
        "rarest one came from <town=town>.",
        (("What does the collector collect?", "thing"), ("At what age did it start?", "age")),
    ),
    (
        "A new tram line links <a=town> and <b=town>. The ride takes <min=14..55> minutes, which is [half the time of "
        "the bus|much quicker than driving]. The <colour=green/yellow/red/orange> carriages were designed by "
        "<who=person>. [Dogs ride free|Bicycles are welcome] except during the morning rush.",
        (("How many minutes does the ride take?", "min"), ("What colour are the carriages?", "colour")),
    ),
    (
        "The orchestra of <town=town> has <n=23..71> members and rehearses on <day=weekday> evenings in an old "
        "<hall=brewery/station/school/warehouse>. Its conductor, <who=person>, used to be a "
        "<job=vet/carpenter/pilot/chemist>. The group is known for [playing outdoors|ending each concert with a "
        "joke|never using sheet music].",
        (("On which day does the orchestra rehearse?", "day"), ("Who is the conductor?", "who")),
    ),
    (
        "Botanists at <town=town> found a <plant=fern/orchid/moss/lily> thought to be extinct since "
        "<year=1870..1968>. It was growing [behind a petrol station|on a cliff|beside a football pitch]. "
        "<who=person>, who led the search, [laughed|wept] at the sight. About <n=11..60> specimens survive, and the "
        "site is now fenced.",
        (("Which plant was found?", "plant"), ("Who led the search?", "who")),
    ),
    (
        "The hotel <name=Albatross/Bellflower/Comet/Driftwood/Ember> has <rooms=12..90> rooms and one rule: guests "
        "may not <rule=whistle/wear hats/use phones/run>. The owner, <who=person>, introduced it after [a noisy "
        "wedding|a quarrel between guests]. [Surprisingly|Oddly enough], bookings rose by <pct=11..60> percent in the "
        "next year.",
        (("What may guests not do?", "rule"), ("By how many percent did bookings rise?", "pct")),
    ),
    (
        "During the storm of <year=1903..1998>, the lighthouse at <town=town> went dark. The keeper's "
        "<kin=daughter/nephew/wife/brother> climbed the stairs with <tool=a lantern/a mirror/a torch/an oil lamp> and "
        "signalled all night. <n=3..14> ships reached the harbour safely. A plaque on <street=street> [recalls|marks] "
        "the event.",
        (("How many ships reached the harbour?", "n"), ("Who climbed the stairs?", "kin")),
    ),
    (
        "<firm=firm> was founded in <year=1921..2012> by <who=person> and a friend from school. The first workshop "
        "was a <place=garage/barn/cellar/boat shed> in <town=town>. [Business was slow for years|The first product "
        "failed], until a large order from <land=Norway/Chile/Kenya/Korea> arrived. The company still answers every "
        "letter by hand.",
        (("Where did the large order come from?", "land"), ("In what year was the firm founded?", "year")),
    ),
    (
        "Mount <peak=Calder/Ferrin/Ostrel/Veyra> is <m=1150..4400> metres high. It was first climbed by <who=person>, "
        "who carried [no rope|only bread and tea] and reached the top after <d=2..9> days. Today a path leads up from "
        "<town=town>, and hikers sign a <book=blue/leather/torn/tiny> book at the summit.",
        (("How high is the mountain in metres?", "m"), ("Who climbed it first?", "who")),
    ),
    (
        "A survey in <town=town> asked <n=210..980> residents what they wanted most. The favourite answer was <wish=a "
        "swimming pool/more trees/later buses/a cinema>, followed by <second=benches/street lamps/a skate park>. The "
        "mayor, <who=person>, promised [to reply by autumn|a vote on it|to find the money].",
        (("What did residents want most?", "wish"), ("Who is the mayor?", "who")),
    ),
    (
        "The ship <ship=Amberjack/Corvina/Halcyon/Meridel> left <a=town> on <day=date> with a cargo of "
        "<cargo=salt/timber/olives/tiles/coffee>. [Fog|A broken rudder|Ice] delayed it, and it reached <b=town> "
        "<d=3..12> days late. The captain, <who=person>, [blamed the weather|apologised in person].",
        (("What was the cargo?", "cargo"), ("What was the captain's name?", "who")),
    ),
    (
        "At the school on <street=street>, pupils run their own <shop=radio station/cafe/newspaper/bicycle workshop>. "
        "<n=11..38> children take part, and <who=person> supervises them on <day=weekday> afternoons. The profit goes "
        "to <goal=a bird shelter/new books/a trip to the coast/the school garden>.",
        (("What do the pupils run?", "shop"), ("Where does the profit go?", "goal")),
    ),
    (
        "The <fruit=quince/damson/medlar/fig> is the pride of <town=town>. Farmers harvest it in <month=month>, "
        "[always by hand|before the first frost], and turn most of it into <made=jam/wine/syrup/vinegar>. "
        "<who=person> holds the record with a fruit of <g=410..980> grams. [Tourists|Judges] may taste it for free.",
        (("In which month is the harvest?", "month"), ("What is most of the fruit turned into?", "made")),
    ),
    (
        "<who=person> crossed the desert on <mount=a camel/a bicycle/foot/a donkey> to deliver <load=medicine/letters/"
        "books/seeds> to <town=town>. The journey took <d=11..44> days. [A sandstorm destroyed the tent|Two water bags "
        "leaked], but [shepherds|truck drivers] helped out. A film about the trip was released in <year=1975..2020>.",
        (("What was delivered?", "load"), ("How many days did the journey take?", "d")),
    ),
    (
        "In <year=1955..2010>, engineers in <town=town> built a bridge out of <mat=bamboo/recycled glass/paper/ice>. "
        "It was <m=14..90> metres long and carried <what=a lorry/an elephant/forty students/a brass band> without "
        "cracking. [It was taken down after a month|Experts came from abroad]. The chief engineer was <who=person>.",
        (("What was the bridge made of?", "mat"), ("What did the bridge carry?", "what")),
    ),
    (
        "The parrot <bird=Biscuit/Captain/Pepper/Tango> lives at the post office of <town=town>. It can say "
        "<n=13..60> words, most of them [rude|polite|place names]. Its owner, <who=person>, feeds it "
        "<food=walnuts/mango/oats/grapes> every morning. Customers [greet it before the clerk|send it postcards].",
        (("What does the parrot eat?", "food"), ("How many words can the parrot say?", "n")),
    ),
    (
        "Astronomers led by <who=person> spotted a comet on <day=date>. They used a telescope on the roof of a "
        "<place=school/hospital/farm/theatre> in <town=town>. The comet returns every <n=31..190> years and looks "
        "<colour=greenish/bluish/white/golden> through binoculars. [It will be visible for a week|Clouds hid it soon].",
        (("Where was the telescope?", "place"), ("How often does the comet return, in years?", "n")),
    ),
)
TRAIN_KNOWLEDGE = (
    "What is the capital of France?|Paris", "What is the capital of Italy?|Rome", "What is the capital of Egypt?|Cairo",
    "What is the capital of Canada?|Ottawa", "Which ocean lies between Europe and America?|Atlantic",
    "What is the tallest mountain on Earth?|Everest", "What is the chemical symbol for gold?|Au",
    "How many legs does a spider have?|eight", "Who painted the Mona Lisa?|Leonardo da Vinci",
    "Which planet is known as the red planet?|Mars", "What is the largest mammal?|blue whale",
    "How many days are there in a leap year?|366", "What do bees collect from flowers?|nectar",
    "Which metal is liquid at room temperature?|mercury", "Who developed the theory of relativity?|Einstein",
    "In which country would you find the Eiffel Tower?|France", "What is the opposite of north?|south",
    "How many minutes are in an hour?|60", "What language is mainly spoken in Brazil?|Portuguese",
    "Which animal is called the king of the jungle?|lion", "What is the square root of 81?|9",
    "Who was the first person to walk on the Moon?|Neil Armstrong", "What is the currency of Japan?|yen",
    "Which star is closest to Earth?|Sun", "How many continents are there?|seven",
    "What is the hardest natural substance?|diamond", "Which bird is a symbol of peace?|dove",
    "What colour do you get by mixing blue and yellow?|green", "Which country has the shape of a boot?|Italy",
    "Who wrote the novel Oliver Twist?|Charles Dickens", "What is the main ingredient of bread?|flour",
    "At what temperature in Celsius does water boil?|100", "Which instrument has 88 keys?|piano",
    "What is a young dog called?|puppy", "Which river flows through London?|Thames",
    "What is the largest desert in Asia?|Gobi", "How many players are in a football team on the pitch?|eleven",
    "What is the fastest land animal?|cheetah", "Which vitamin does sunlight help us make?|vitamin D",
    "What is the capital of Australia?|Canberra", "Which gas do plants absorb from the air?|carbon dioxide",
    "Who discovered penicillin?|Alexander Fleming", "What is the smallest prime number?|2",
    "Which month has the fewest days?|February", "What is the largest ocean?|Pacific",
    "Near which city do the pyramids of Giza stand?|Cairo", "How many strings does a violin have?|four",
    "What is the study of stars and planets called?|astronomy", "Which insect turns into a butterfly?|caterpillar",
    "What is the first letter of the Greek alphabet?|alpha",
    "Which country gave the Statue of Liberty to America?|France",
    "What do pandas mainly eat?|bamboo", "What is the capital of Spain?|Madrid",
    "How many wheels has a tricycle?|three",
    "Which sense do we use with our ears?|hearing", "What is frozen rain called?|hail",
    "Which composer became deaf but kept writing music?|Beethoven", "What is the longest bone in the body?|femur",
    "Which tree do acorns come from?|oak", "What instrument measures temperature?|thermometer",
    "What is the capital of Greece?|Athens", "How many zeros are in one million?|six",
    "Which animal has a trunk?|elephant", "What is the boiling point of water in Fahrenheit?|212",
    "Which ship sank in 1912 after hitting an iceberg?|Titanic", "What is the sweet food that bees make?|honey",
    "Which hot drink is made from roasted beans?|coffee", "What is the colour of an emerald?|green",
    "Who was the first president of the United States?|George Washington", "Which planet has bright rings?|Saturn",
    "What is the name for a baby cat?|kitten", "How many months have 31 days?|seven",
    "What force pulls objects towards the ground?|gravity",
    "Which country is famous for tulips and windmills?|Netherlands",
    "What is the chemical formula of water?|H2O", "Which side of a ship is starboard?|right",
    "What is a group of wolves called?|pack", "What do we call a shape with three sides?|triangle",
    "Which animal sleeps upside down in caves?|bat", "What is the national language of Mexico?|Spanish",
)  # fmt: skip
TRAIN_FRAMES = (
    "{passage}\n\nQuestion: {question}",
    "Answer from the text.\n\n{passage}\n\n{question}",
    "{question}\n\n{passage}",
)


def test_rows() -> list[Row]:
    """Return the rows of the test split."""
    rows = [_read(*entry) for entry in TEST_PASSAGES] + [_row(*entry) for entry in TEST_KNOWLEDGE]
    for passage, knowledge in zip(further.PASSAGES, further.KNOWLEDGE, strict=True):
        rows += [_read(*passage), _row(*knowledge)]
    return rows


def train_rows() -> list[Row]:
    """Return the rows of the training split."""
    rows = []
    for draw in range(TRAIN_DRAWS):
        for number, (template, questions) in enumerate(TRAIN_PASSAGES):
            values: dict[str, str] = {}
            passage = fill(template, Random(f"qa-train-{draw}-{number}"), values)
            question, slot = questions[draw % len(questions)]
            frame = TRAIN_FRAMES[(draw + number) % len(TRAIN_FRAMES)]
            rows.append(_row(frame.format(passage=passage, question=question), (values[slot],)))
    for entry in TRAIN_KNOWLEDGE:
        question, answer = entry.split("|")
        rows.append(_row(question, (answer,)))
    return rows


def _read(passage: str, question: str, answers: tuple[str, ...]) -> Row:
    return _row(f"Read the passage and answer briefly.\n\n{passage}\n\n{question}", answers)


def _row(prompt: str, answers: tuple[str, ...]) -> Row:
    return {"prompt": prompt, "answer": answers[0], "check": {"accept": list(answers)}}
