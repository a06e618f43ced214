"""Questions with a short answer: passages about invented people and places, and general knowledge."""

PASSAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "The lemon market of Ostia Nera opens at midnight, because the fruit keeps better in the cool air. Sellers "
        "weigh it by lantern light and shout their prices in a dialect that buyers from the mainland cannot follow. "
        "By three o'clock the square is empty and has been washed with sea water.",
        "At what time does the market open?",
        ("midnight", "12 am", "00:00"),
    ),
    (
        "Wilhelmina Draper patented a folding bathtub in 1896. It could be hung on a wall behind a curtain and weighed "
        "less than a chair. Only forty were sold, since the hinges rusted, but one of them travelled to the South Pole "
        "and back with a scientific expedition.",
        "What did Wilhelmina Draper invent?",
        ("a folding bathtub", "folding bathtub", "bathtub"),
    ),
    (
        "On the night train to Korvin, the conductor wakes passengers by whistling. Each compartment has its own "
        "melody, which is printed on the ticket. Regular travellers swear that they sleep through every tune but "
        "theirs. The custom began when a predecessor lost his voice in a snowstorm.",
        "How does the conductor wake passengers?",
        ("whistling", "by whistling", "whistles"),
    ),
    (
        "The library ship Meridian visits twenty-six fishing villages along the fjord. It carries nine thousand "
        "books, a puppet theatre and a vet, who treats animals while their owners read. In rough weather the shelves "
        "are closed with nets knitted by the crew.",
        "How many villages does the ship visit?",
        ("twenty-six", "26", "twenty six"),
    ),
    (
        "Pim and Sanne Bakker restore carousel horses in a former chapel near Delft. Pim carves and Sanne paints; "
        "neither can do the other's work. A single horse takes them four months. Their own favourite, a grey mare "
        "with a chipped ear, is not for sale at any price.",
        "Who paints the horses?",
        ("Sanne", "Sanne Bakker"),
    ),
    (
        "The glass frog of Mount Ileka was discovered by a cook who was washing lettuce. Its skin is so clear that "
        "the heart can be seen beating. Biologists counted fewer than two hundred of them, all in one stream, and "
        "persuaded the government to move a planned road.",
        "What was the cook washing?",
        ("lettuce",),
    ),
    (
        "In the village of Hobbel every front door must be painted blue. The law dates from 1742, when a duke wanted "
        "to recognise his own tenants from a distance. Nobody has been fined for two centuries, yet a couple who "
        "chose red last year were given a tin of paint by the whole street.",
        "Which colour must the front doors have?",
        ("blue",),
    ),
    (
        "The Larch Quartet never rehearses indoors. Its members, all former foresters, say that walls teach bad "
        "habits. They play on borrowed instruments, carry folding stools and once finished a concert in hail. Their "
        "only recording, made beside a waterfall, has sold two million copies.",
        "What was the former profession of the members?",
        ("foresters", "forester"),
    ),
    (
        "A storm in 1931 uncovered the wreck of the Sainte Odile on a beach in Brittany. Its hold contained four "
        "hundred bells that had been cast for a cathedral in Quebec. The cathedral had meanwhile burnt down, so the "
        "bells were given to schools along the coast, where many still ring.",
        "For which city's cathedral had the bells been made?",
        ("Quebec",),
    ),
    (
        "Tea from the Narrow Terraces is picked by night and dried on the roofs of buses. The buses run between two "
        "monasteries, and the journey of ninety minutes is exactly long enough. Drivers receive a kilogram a week, "
        "which most of them exchange for petrol.",
        "Where are the tea leaves dried?",
        ("on the roofs of buses", "roofs of buses", "roofs", "bus roofs"),
    ),
    (
        "Doctor Amadi prescribes walking tours of the cemetery. Patients follow a trail of eleven graves, each with a "
        "short biography written by students. Blood pressure falls, she reports, and people return with questions "
        "about their ancestors. The idea came from an idle gravedigger called Fitch.",
        "Whose idea were the walking tours?",
        ("Fitch", "a gravedigger", "gravedigger"),
    ),
    (
        "The observatory on Bleak Ridge was built for studying meteors, but it is famous for its soup. Astronomers "
        "who waited for clouds to part began cooking out of boredom. Their leek broth won a prize, and hikers now "
        "outnumber scientists five to one. The telescope is used on Mondays, when the kitchen rests.",
        "On which day is the telescope used?",
        ("Monday", "Mondays", "on Mondays"),
    ),
    (
        "Every autumn, the shepherds of Valdrin bring home their flocks through the centre of the city. Trams wait, "
        "and judges have been known to adjourn trials. The leading ewe wears a crown of rosemary. In exchange for the "
        "right of way, the shepherds pay the mayor one cheese, which has to weigh more than his dog.",
        "What do the shepherds pay to the mayor?",
        ("one cheese", "a cheese", "cheese"),
    ),
    (
        "Captain Ursula Thorne flew mail across the Kalder Strait for thirty years without a radio. She navigated by "
        "the colour of the water and by the smell of a fish factory on the far shore. When the factory closed, she "
        "asked the post office to burn a barrel of herring there on foggy days.",
        "What did Captain Thorne carry by air?",
        ("mail", "the mail", "letters"),
    ),
)
KNOWLEDGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Which animal is the tallest in the world?", ("giraffe", "the giraffe")),
    ("In what year did the Second World War end?", ("1945",)),
    ("What is seven times eight?", ("56", "fifty-six")),
    ("Which organ pumps blood through the human body?", ("heart", "the heart")),
    ("What do you call frozen water?", ("ice",)),
    ("Which country is home to the city of Berlin?", ("Germany",)),
    ("Who invented the telephone, according to most schoolbooks?", ("Bell", "Alexander Graham Bell", "Graham Bell")),
    ("What is the chemical symbol of oxygen?", ("O",)),
    ("Name the river that flows through Cairo.", ("Nile", "the Nile")),
    ("How many letters are there in the English alphabet?", ("26", "twenty-six")),
    ("Into which ocean does the Amazon empty?", ("Atlantic", "the Atlantic", "Atlantic Ocean")),
    ("What is the past tense of the verb to go?", ("went",)),
    ("Which season comes after winter?", ("spring",)),
    ("What is the name of the galaxy in which we live?", ("Milky Way", "the Milky Way")),
)
