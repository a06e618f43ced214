"""Messages and notices: passage, instruction, accepted answers."""

TEST: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Weather bulletin for shipping: gale warning for the eastern sounds, wind force 8 backing south-west, "
        "visibility poor in rain. The small craft harbour at Skelby stays closed. Next bulletin at 17:30. Fishing "
        "vessels should double their moorings.",
        "Extract the wind force.",
        ("8", "force 8", "wind force 8"),
    ),
    (
        "Casting call: amateur theatre looks for a baritone between thirty and fifty who can juggle. Rehearsals on "
        "Tuesdays, premiere in the Kiosk Theatre. Bring a song of your own. Questions to the director, Lorna Quist; "
        "she answers after sunset only.",
        "Extract the name of the director.",
        ("Lorna Quist", "Quist"),
    ),
    (
        "Museum label: Oil lamp in the form of a hedgehog, fired clay, found in a well at Tell Marun during the third "
        "campaign. Inventory number 3307-B. Height 9 cm. On loan from the Institute of Oriental Studies until the end "
        "of the exhibition.",
        "Extract the inventory number.",
        ("3307-B",),
    ),
    (
        "Swimming pool, rules for the sauna: towels are compulsory, phones forbidden. The temperature is 85 degrees. "
        "Quiet hours from eight. Children under twelve only on family mornings. Whoever breaks the rules pays for a "
        "round of mineral water.",
        "Extract the temperature in degrees.",
        ("85", "85 degrees"),
    ),
    (
        "Auction catalogue, lot 61: a walnut writing box with a secret drawer, brass corners, one hinge replaced. "
        "Provenance: the estate of a river pilot. Estimate 300 to 400 euros. Starting bid 180 euros. Viewing by "
        "appointment.",
        "Extract the starting bid.",
        ("180 euros", "180", "€180"),
    ),
    (
        "Message from the school kitchen: today's lentil curry contains celery and mustard. A plain version is "
        "available at hatch three. Please do not swap trays. Tomorrow there will be potato pancakes for everyone, "
        "whatever the rumours say.",
        "Extract the dish planned for tomorrow.",
        ("potato pancakes",),
    ),
    (
        "Ship's manifest, page 4: 112 sacks of cocoa, 36 rolls of canvas, 2 crated pianos, 1 circus tent. Port of "
        "loading Takora, port of discharge Bremen. Master: E. Lindgaard. The pianos must stand upright.",
        "Extract the port of discharge.",
        ("Bremen",),
    ),
    (
        "Hi team, the standup moves to 9:20 because the cleaners need the room until nine. Please read the incident "
        "report beforehand. Ravi brings the projector. Whoever broke the coffee machine is asked to confess before "
        "Friday. Cheers, Noor",
        "Extract the new time of the standup.",
        ("9:20", "09:20"),
    ),
    (
        "Seed packet: Runner bean 'Scarlet Acrobat'. Sow outdoors from mid-May, 5 cm deep, one seed for each pole. "
        "Harvest after 80 days. Pick young, or the pods turn stringy. Packed for Holloway Seeds. Do not eat raw.",
        "Extract the sowing depth.",
        ("5 cm", "5 centimetres"),
    ),
    (
        "Parish notice: the jumble sale raised 1,912 pounds, for which the roof thanks you. Unsold hats may be claimed "
        "until Sunday. The bell ropes will be replaced in August. Our oldest helper, Mrs Pettigrew, has asked for a "
        "chair with wheels.",
        "Extract the amount that the sale raised.",
        ("1,912 pounds", "1,912", "1912", "£1,912"),
    ),
    (
        "Train announcement: the 14:08 to Pollard's Cross has been cancelled owing to a cow. Passengers may take the "
        "replacement coach from bay 2. Those with bicycles should wait for the 15:38. First-class tickets are valid in "
        "the buffet.",
        "Extract the cause of the cancellation.",
        ("a cow", "cow"),
    ),
    (
        "Prescription label: Take one capsule of Nerolin twice a day with food, for ten days, even if you feel better. "
        "Do not drive after the evening dose. Keep below 25 degrees. Dispensed by the Anchor Pharmacy. Refills: none.",
        "Extract the name of the medicine.",
        ("Nerolin",),
    ),
    (
        "Trail sign: Summit of Crow Hill 2 h 40 min, Waterfall 55 min, Goose Inn 1 h 15 min. The footbridge is closed "
        "after heavy rain. Dogs on leads among sheep. In an emergency read out marker number 0417.",
        "Extract the walking time to the waterfall.",
        ("55 min", "55 minutes"),
    ),
    (
        "Club newsletter: our new president is Bartholomew Finch, elected by a single vote. The outgoing president "
        "keeps the bee costume. Subscriptions stay the same. The annual outing leads to a cheese cave, and warm socks "
        "are advised.",
        "Extract the destination of the annual outing.",
        ("a cheese cave", "cheese cave"),
    ),
    (
        "Customs form: sender Hanneke Vos, Utrecht; recipient Professor J. Obi, Accra. Contents: twelve glass slides "
        "with pollen, no commercial value. Gross weight 0.84 kg. Handle as fragile. Return to sender if it cannot be "
        "delivered.",
        "Extract the gross weight.",
        ("0.84 kg", "0.84", "0.84 kilograms"),
    ),
    (
        "Radio log: 03:12 contact with yacht Calliope, engine failure, drifting north at two knots. 03:15 lifeboat "
        "launched. 04:02 tow established. 06:30 all three crew ashore, one with mild seasickness. Log closed by "
        "officer Danjuma.",
        "Extract the name of the yacht.",
        ("Calliope",),
    ),
    (
        "Knitting pattern, back piece: cast on 96 stitches with the grey wool. Work in rib for six rows, then change "
        "to larger needles. Decrease at both ends of every fourth row. Block under a damp cloth. Suitable for patient "
        "people.",
        "Extract the number of stitches to cast on.",
        ("96", "96 stitches", "ninety-six"),
    ),
    (
        "Dear residents, the scaffolding comes down next week. Please bring in your laundry and apologise to your "
        "pigeons. The painters have left four tins of leftover green by the meter cupboard, first come first served. "
        "For complaints ask for Mr Szabo in flat 12.",
        "Extract the number of the flat for complaints.",
        ("12", "flat 12"),
    ),
    (
        "Concert programme: Part one, Suite for Two Tubas by Edda Marlow. Interval of twenty minutes with elderflower "
        "punch. Part two, the Ninth Nocturne, arranged for marimba. Latecomers are seated between movements. Page "
        "turner: the composer's nephew.",
        "Extract the composer of the suite.",
        ("Edda Marlow", "Marlow"),
    ),
    (
        "Error report from the lighthouse automation: lamp motor overheated, sector white, rotation 6 rpm instead of "
        "8. Backup lamp switched on without delay. Suggested action: replace bearing, part KX-219. Severity medium. "
        "Acknowledged by nobody yet.",
        "Extract the part to be replaced, with its code.",
        ("KX-219", "bearing, part KX-219"),
    ),
    (
        "Obituary: Ottoline Brae, puppeteer, died on the third of June aged ninety-one. She carved four hundred "
        "puppets and gave each of them a birthday. Her workshop passes to the children's hospital. Mourners are "
        "requested to wear something striped.",
        "Extract the profession of the deceased.",
        ("puppeteer",),
    ),
    (
        "Bakery order for the regatta: 300 rolls with poppy seeds, 40 without, 9 gluten-free in a separate box. "
        "Collection from the side door at a quarter past five. The invoice goes to the rowing federation. No icing on "
        "anything, please.",
        "Extract how many gluten-free rolls are ordered.",
        ("9", "nine"),
    ),
    (
        "Science fair entry 28: Does music help cress grow? By Imke and Tariq, class 7c. Six boxes, three weeks, "
        "headphones lent by the choir. Result: the silent box grew tallest. We suspect the window. Supervised by Ms "
        "Oyelaran.",
        "Extract the name of the supervisor.",
        ("Ms Oyelaran", "Oyelaran"),
    ),
    (
        "Handwritten note under a wiper: I scratched your bumper while avoiding a hedgehog, which is fine. I am "
        "insured with Boreal Mutual, policy 77 120 4. My name is Teodor, and I wait tables at the Pelican until "
        "eleven. Very sorry.",
        "Extract the name of the insurance company.",
        ("Boreal Mutual",),
    ),
    (
        "Field diary: dawn count at the salt lake, 1,420 flamingos, 37 avocets, one lost pelican. Water level down by "
        "a hand. Someone has stolen the bench again. Moved the camera trap to the dead acacia. Ink freezing, so this "
        "entry ends here.",
        "Extract the number of avocets.",
        ("37", "thirty-seven"),
    ),
    (
        "Wanted: companion for a slow journey by canal from Tarvin to the sea. You should like silence, locks and "
        "stewed plums. I own the boat, the kettle and a shy dog named Biscotti. Departure when the swallows leave. "
        "Chiffre 5510.",
        "Extract the name of the dog.",
        ("Biscotti",),
    ),
    (
        "Elevator certificate: maximum load 630 kilograms or eight persons. Manufactured by Brandt and Ruoff. Last "
        "examined by inspector H. Castellan. In the event of a fault press the yellow button and stay calm. The button "
        "is illuminated.",
        "Extract the maximum load in kilograms.",
        ("630", "630 kilograms", "630 kg"),
    ),
    (
        "Chess column: White resigned after move 34, when the knight on f3 could no longer be saved. It was the first "
        "defeat of Zsofia Keller in nineteen games. Her opponent, a baker from Graz, had slept in his van. Next week: "
        "the problem of the two bishops.",
        "Extract the name of the player who resigned.",
        ("Zsofia Keller", "Keller"),
    ),
)
