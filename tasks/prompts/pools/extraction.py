"""Messages and notices from which one field is to be copied out."""

from random import Random

from offbook.tasks.prompts.filling import fill
from offbook.tasks.prompts.pools import Row
from offbook.tasks.prompts.pools.further import extraction as further

TRAIN_DRAWS = 6
# passage, instruction, accepted answers
TEST: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Good afternoon, I am writing about the blue armchair you advertised. Could I view it on Saturday? I live "
        "nearby and have a van. If the price is still negotiable, I would offer eighty pounds in cash. Reach me at "
        "lotte.brandt@postbox.example, as my phone is being mended. Kind regards, Lotte Brandt",
        "Extract the email address.",
        ("lotte.brandt@postbox.example",),
    ),
    (
        "Statement for the Whitmore account: opening balance $1,204.10, deposits $350.00, card purchases $412.75, "
        "monthly fee $6.50. Closing balance $1,134.85. Please report any irregularities within thirty days, otherwise "
        "the statement will be treated as approved. Thank you for banking with us.",
        "Extract the closing balance.",
        ("$1,134.85", "1,134.85", "1134.85"),
    ),
    (
        "To all tenants: the lift in staircase B will be inspected on 14 October between nine and noon. During that "
        "time please use the stairs. Anyone who needs help with shopping or prams may ring the caretaker, Mr Olu, who "
        "will be on site all morning. We apologise for the inconvenience.",
        "Extract the date of the inspection.",
        ("14 October", "October 14", "14th October", "October 14th", "14th of October"),
    ),
    (
        "Dear Dr Sandoval, thank you for agreeing to review the manuscript 'Lichens of the Northern Coast'. The "
        "editors would be grateful for your report by the end of the month. The author has asked to remain anonymous "
        "until publication. Your usual fee will be transferred to the account on file. Yours, Miriam Katz, managing "
        "editor",
        "Extract the title of the manuscript.",
        ("Lichens of the Northern Coast",),
    ),
    (
        "Flight update: Your journey from Lisbon to Oslo has been rebooked. New flight number TX 4471, departing "
        "06:35 from gate C19, arriving 12:10. Your seat, 22A, is unchanged. Checked bags will be transferred "
        "automatically. Meal vouchers are available at the information desk.",
        "Extract the gate.",
        ("C19",),
    ),
    (
        "Lost on the footpath between the mill and the cricket ground: a grey tabby cat answering to the name of "
        "Mortimer. He wears a red collar without a bell and is afraid of bicycles. He may be hiding in sheds. A "
        "reward is offered. Please call 555-318-2046 at any hour.",
        "Extract the name of the cat.",
        ("Mortimer",),
    ),
    (
        "Order summary. Customer: Renata Bloom. Items: two linen tablecloths, one brass bell, six napkin rings. "
        "Delivery to 48 Harbour View, third floor. The courier will need a signature. Gift wrapping was requested for "
        "the bell only. Expected arrival in five working days.",
        "Extract the delivery address.",
        ("48 Harbour View",),
    ),
    (
        "Minutes of the allotment society. Present: nineteen members. The treasurer reported a surplus of 260 pounds. "
        "It was agreed to buy a shared wheelbarrow. Plot 7, vacant since spring, goes to the Achebe family. The next "
        "meeting takes place on the first Tuesday in March in the green hut.",
        "Extract the surplus in pounds.",
        ("260", "260 pounds", "£260"),
    ),
    (
        "Recipe card: Grandmother's barley soup. Soak 200 grams of barley overnight. Fry two leeks in butter, add the "
        "barley and a litre of stock, and simmer for 50 minutes. Stir in a spoonful of mustard before serving. The "
        "soup tastes even better on the second day.",
        "Extract the simmering time.",
        ("50 minutes", "50 min", "fifty minutes"),
    ),
    (
        "The lecture series continues with Professor Ingrid Solheim, University of Tromsø, who will speak about whale "
        "songs and shipping noise. The talk begins at 7 pm in the Marine Hall; entry is free, but seats are limited. "
        "Coffee will be served afterwards in the foyer.",
        "Extract the name of the speaker.",
        ("Ingrid Solheim", "Solheim"),
    ),
    (
        "Service reminder for your vehicle: registration KLM 582, last inspected at 61,300 km. The front brake pads "
        "are worn and should be replaced before the holidays. Our workshop has free places on Wednesday and Friday "
        "mornings. Bring the service book and the second key.",
        "Extract the registration of the vehicle.",
        ("KLM 582", "KLM582"),
    ),
    (
        "Hello Jonah, the band is confirmed and so is the tent. What we still lack is somebody to run the cake stall. "
        "Could you ask Philippa? She did it so well two years ago. Otherwise I will beg my cousin. The flyers are "
        "already at the printer's. See you on Sunday, Rashid",
        "Extract the name of the person who sent the message.",
        ("Rashid",),
    ),
)
# passage, then pairs of what to extract and the slot that holds it
TRAIN: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Hi <a=person>, [it was great to see you|thanks for your call] last week. I have moved, so please update your "
        "list: my new number is <tel=phone> and my new email is <mail=email>. The flat is on <street=street>, [above "
        "the chemist|next to the park]. Come by any <day=weekday>! Best, <b=person>",
        (("the phone number", "tel"), ("the email address", "mail"), ("the sender's name", "b")),
    ),
    (
        "INVOICE <ref=code>. Billed to: <who=person>, <town=town>. [Garden work|Roof repair|Piano tuning], <h=2..9> "
        "hours. Amount due: <sum=amount>. Please pay by <due=date>. [Late payments incur a fee|Bank details "
        "overleaf]. Issued by <firm=firm>. [Thank you for your business|Questions are welcome at any time].",
        (
            ("the invoice number", "ref"),
            ("the amount due", "sum"),
            ("the due date", "due"),
            ("the company name", "firm"),
        ),
    ),
    (
        "Dear patient, your appointment with Dr <who=person> is on <day=date> at <hour=time>. Please [arrive ten "
        "minutes early|bring your insurance card] and [do not eat beforehand|wear loose clothing]. If you cannot "
        "come, call <tel=phone>. The practice is on <street=street>, [first floor|entrance at the rear].",
        (("the appointment date", "day"), ("the appointment time", "hour"), ("the doctor's name", "who")),
    ),
    (
        "For sale: <thing=oak desk/folding bike/aquarium/electric guitar/pram>, [hardly used|in good condition], "
        "collected from <town=town>. Price <sum=amount>, [not negotiable|or nearest offer]. [No pets or smokers|It "
        "fits into a small car]. Write to <mail=email> or phone <tel=phone> [after six|at weekends].",
        (("the item for sale", "thing"), ("the price", "sum"), ("the contact email", "mail")),
    ),
    (
        "Your parcel <ref=code> is on its way. It left our depot in <town=town> on <day=date> and will be delivered "
        "by <firm=firm>. The driver will ring twice; otherwise it goes to [the corner shop|a neighbour]. It weighs "
        "<n=2..19> kilograms. [Customs have cleared it|No signature is needed].",
        (("the parcel number", "ref"), ("the dispatch date", "day"), ("the weight in kilograms", "n")),
    ),
    (
        "You are invited! <who=person> turns <age=18..90> and we are celebrating on <day=date> at the "
        "<where=boathouse/old cinema/village hall/Rose Inn>. Doors open at <hour=time>. [No presents, please|Bring a "
        "song or a story]. Let <host=person> know by phone, <tel=phone>, if you [eat no meat|need a bed].",
        (("the venue", "where"), ("the age", "age"), ("the start time", "hour"), ("the host", "host")),
    ),
    (
        "Notice: the water on <street=street> will be shut off on <day=date> from <hour=time>. The interruption "
        "should last <n=2..8> hours. [Fill a few bottles in advance|Keep the taps closed]. For emergencies dial "
        "<tel=phone>. [We regret the trouble|The new pipes will last for decades]. <town=town> Water Works",
        (("the street", "street"), ("the date", "day"), ("the emergency number", "tel")),
    ),
    (
        "Booking confirmed for <who=person>: <n=2..7> nights at the <hotel=Grand Alba/Seagull/Linden Court/Blue "
        "Door>, room <room=101..620>, arrival <day=date>. Total <sum=amount> including breakfast. Quote <ref=code> in "
        "all letters. [Pets are allowed|Parking is behind the house]. [Check-in is from three|The bar closes at "
        "midnight].",
        (
            ("the room number", "room"),
            ("the booking code", "ref"),
            ("the hotel name", "hotel"),
            ("the arrival date", "day"),
        ),
    ),
    (
        "Job advert: <firm=firm> in <town=town> seeks a <job=welder/receptionist/translator/pastry chef/driver>. "
        "Salary <pay=24..78> thousand a year, start on <day=date>. [Experience is useful but not required|You enjoy "
        "working early]. Send your papers to <mail=email>, for the attention of <who=person>.",
        (("the position", "job"), ("the employer", "firm"), ("the contact person", "who"), ("the start date", "day")),
    ),
    (
        "Hello, I bought a <thing=kettle/headset/rucksack/lawn mower> from you on <day=date> (order <ref=code>) and "
        "it [stopped working|arrived with a dent] after <n=2..20> days. I would like [my money back|a replacement]. I "
        "paid <sum=amount>. [I have kept the box|Photos are attached]. <who=person>",
        (
            ("the order number", "ref"),
            ("the product", "thing"),
            ("the amount paid", "sum"),
            ("the customer's name", "who"),
        ),
    ),
    (
        "Match report: <a=town> beat <b=town> <x=3..6> to <y=0..2> on <day=weekday>. <who=person> scored twice, [both "
        "with the head|in the last minutes]. <n=900..8000> spectators came despite [the rain|the cold]. The referee, "
        "<ref=person>, showed [two yellow cards|no cards at all].",
        (("the winning team", "a"), ("the referee", "ref"), ("the number of spectators", "n")),
    ),
    (
        "Found: one <thing=silver earring/black wallet/child's scooter/wool hat> on <street=street> on <day=date>. "
        "[Describe it and it is yours|Please prove that it belongs to you]. I am at home most evenings. Call "
        "<who=person>, <tel=phone>. [The finder wants no reward|A coffee would be nice].",
        (("the object found", "thing"), ("the place", "street"), ("the finder", "who")),
    ),
    (
        "Course: <topic=Pottery/Bookkeeping/First Aid/Italian/Woodcarving> for beginners. Tutor: <who=person>. Ten "
        "evenings, every <day=weekday> at <hour=time>, room <room=11..48>. Fee <sum=amount>, materials "
        "[included|extra]. [Places are limited to twelve|The last course was full in a day]. Register with "
        "<mail=email>.",
        (("the tutor", "who"), ("the weekday", "day"), ("the fee", "sum"), ("the topic of the course", "topic")),
    ),
    (
        "Dear <a=person>, the committee has awarded you the <prize=Hartley/Silver Quill/Meadow/Northlight> Prize. It "
        "is worth <sum=amount> and will be handed over in <town=town> on <day=date>. Please [prepare a short "
        "speech|keep this secret for now]. [Travel costs will be paid|A guest may come with you]. Sincerely, "
        "<b=person>",
        (("the prize", "prize"), ("the ceremony date", "day"), ("the city of the ceremony", "town")),
    ),
    (
        "Voice mail, transcribed: This is <who=person> from <firm=firm>. Your <thing=glasses/watch/bicycle/cake> can "
        "be collected from <day=weekday>. The bill comes to <sum=amount>. We close at <hour=time>. [Ring the bell "
        "twice|Use the side door]. If you have questions, our number is <tel=phone>.",
        (
            ("the caller", "who"),
            ("the object to be collected", "thing"),
            ("the closing time", "hour"),
            ("the bill", "sum"),
        ),
    ),
    (
        "Timetable change from <day=date>: bus <line=11..97> will no longer stop at <street=street>. Use the stop at "
        "<b=street> instead, [two minutes on foot|round the corner]. The first bus leaves at <hour=time>. [Tickets "
        "stay valid|The detour lasts until further notice]. Information: <tel=phone>.",
        (("the bus number", "line"), ("the replacement stop", "b"), ("the first departure", "hour")),
    ),
    (
        "Lab report <ref=code>. Patient: <who=person>, born <born=date>. Blood pressure [normal|slightly raised], "
        "iron <n=41..160>. [Repeat in six months|No treatment is needed]. The sample was taken on <day=date> and "
        "analysed by <lab=person>. [The full table is attached|Copies go to the clinic].",
        (("the patient's name", "who"), ("the report number", "ref"), ("the iron value", "n")),
    ),
    (
        "Rental agreement: <a=person> lets a <what=garage/cellar/studio/beach hut> on <street=street> to <b=person> "
        "from <day=date>. The monthly rent is <sum=amount>, payable [in advance|on the first]. Notice period: "
        "<n=2..6> months. [Subletting is not allowed|Keys are handed over on site].",
        (("the monthly rent", "sum"), ("the tenant", "b"), ("the owner", "a"), ("the notice period in months", "n")),
    ),
    (
        "Reminder from the library: the book '<book=The Quiet Tide/Seven Ladders/A Map of Salt/Winter Engines>' was "
        "due on <day=date>. The fine so far is <sum=amount>. [Other readers are waiting|You may extend it once]. "
        "Return it to the desk or the box on <street=street>. Card holder: <who=person>.",
        (("the book title", "book"), ("the fine", "sum"), ("the card holder", "who")),
    ),
    (
        "Expedition log, <day=date>: left camp at <hour=time>, <n=3..14> degrees below zero. <who=person> saw a "
        "<seen=snow fox/wolverine/white owl> near the ridge. [One sledge needs repair|Spirits are high]. Food for "
        "<d=5..19> days. We expect to meet the team of <b=person> at [the hut|the glacier].",
        (
            ("the animal seen", "seen"),
            ("the days of food left", "d"),
            ("the name of the person who saw the animal", "who"),
        ),
    ),
    (
        "Donation receipt: we thank <who=person> for <sum=amount>, received on <day=date>, in support of <cause=the "
        "hedgehog clinic/the youth orchestra/the mountain rescue/the reading van>. Receipt <ref=code>. [Please keep "
        "it for your taxes|A newsletter will follow]. [Every contribution counts|We are run by volunteers].",
        (("the donor", "who"), ("the cause", "cause"), ("the receipt number", "ref")),
    ),
    (
        "Conference badge desk: <who=person>, <firm=firm>, speaks on <day=weekday> at <hour=time> in hall "
        "<hall=2..9>. Title of the talk: '<talk=Quiet Machines/Paper Cities/The Patient Robot/Glass and Light>'. "
        "[Slides are due the evening before|A microphone is provided]. Contact: <mail=email>.",
        (
            ("the title of the talk", "talk"),
            ("the hall", "hall"),
            ("the speaker", "who"),
            ("the contact email", "mail"),
        ),
    ),
    (
        "Price list of the <where=kiosk/swimming pool/ice rink/boat hire>: adults <a=4..9> dollars, children <b=1..3> "
        "dollars, family card <c=11..25> dollars. Open from <hour=time> except on <day=weekday>. [Dogs must wait "
        "outside|Towels can be borrowed]. Manager: <who=person>, telephone <tel=phone>.",
        (("the price of a family card", "c"), ("the closing day", "day"), ("the manager", "who")),
    ),
    (
        "Accident note: on <day=date> at <hour=time> a <colour=white/black/silver/green> car touched my parked van on "
        "<street=street>. The driver, <who=person>, left [a note|a card] with the number <tel=phone>. The "
        "[mirror|rear light] is broken; the garage asks <sum=amount>. [No one was hurt|There is a witness].",
        (("the colour of the car", "colour"), ("the driver", "who"), ("the repair cost", "sum")),
    ),
    (
        "Username for <who=person>: <user=bluefox/nightowl/redmaple/stonecat><n=11..98>. Your first password is "
        "<ref=code>; change it before <day=date>. The help desk, led by <b=person>, answers at <mail=email>. [Never "
        "share your data|Two wrong tries lock the account]. [Welcome aboard|Have a good start].",
        (("the first password", "ref"), ("the help desk email", "mail"), ("the date for changing the password", "day")),
    ),
    (
        "Seed packet: <plant=Purple carrot/Climbing bean/Summer kale/Black radish>. Sow in <a=month>, harvest in "
        "<b=month>. Depth <n=1..4> cm, distance <d=11..40> cm. [Keep the soil moist|Likes full sun]. Packed by "
        "<firm=firm> in <town=town>. Lot <ref=code>. [Store in a dry place|Enough for two beds].",
        (
            ("the plant", "plant"),
            ("the sowing month", "a"),
            ("the planting distance in cm", "d"),
            ("the lot number", "ref"),
        ),
    ),
)
FRAMES = (
    "From the text below, give me {field}.\n\n{passage}",
    "{passage}\n\nWhat is {field}? Reply with nothing else.",
    "Read this and write down {field}:\n{passage}",
    "Find {field}.\n\n{passage}",
)


def test_rows() -> list[Row]:
    """Return the rows of the test split."""
    return [
        _row(f"{instruction} Answer with the value only.\n\n{text}", accepted)
        for text, instruction, accepted in (*TEST, *further.TEST)
    ]


def train_rows() -> list[Row]:
    """Return the rows of the training split."""
    rows = []
    for draw in range(TRAIN_DRAWS):
        for number, (template, fields) in enumerate(TRAIN):
            values: dict[str, str] = {}
            passage = fill(template, Random(f"extraction-train-{draw}-{number}"), values)
            field, slot = fields[draw % len(fields)]
            frame = FRAMES[(draw + number) % len(FRAMES)]
            rows.append(_row(frame.format(field=field, passage=passage), (values[slot],)))
    return rows


def _row(prompt: str, accepted: tuple[str, ...]) -> Row:
    return {"prompt": prompt, "answer": accepted[0], "check": {"accept": list(accepted)}}
