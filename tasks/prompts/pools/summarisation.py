"""Short passages to be summarised in one sentence, each with a reference summary written beside it."""

from random import Random

from offbook.tasks.prompts.filling import fill
from offbook.tasks.prompts.pools import Row
from offbook.tasks.prompts.pools.further import summarisation as further

TRAIN_DRAWS = 6
# passage, reference
TEST: tuple[tuple[str, str], ...] = (
    (
        "For three summers the swifts did not come back to the old library, and the staff assumed they had lost them "
        "for good. Then a school class built forty nesting boxes out of scrap wood and played recorded calls from the "
        "roof each morning. This spring, eleven pairs moved in. The librarian now closes one reading room at dawn so "
        "that nobody disturbs them.",
        "After a school class built nesting boxes and played recorded calls, swifts returned to the old library.",
    ),
    (
        "Nobody in the harbour could remember a quieter winter. Ice kept the trawlers at their moorings for nine "
        "weeks, and the fish market shrank to a single stall. To keep their crews paid, the owners agreed to share "
        "the few licences for lake fishing. It was not much, but no family had to leave, and the arrangement may "
        "become permanent.",
        "During a nine-week freeze, trawler owners shared lake fishing licences so that no crew went unpaid.",
    ),
    (
        "Sleep researchers asked two hundred nurses to wear wristbands for a year. Those whose shifts rotated "
        "forward, from morning to evening to night, slept almost an hour longer than those whose shifts rotated "
        "backward. They also made fewer mistakes when copying doses. The hospital has since changed all its rosters, "
        "at no extra cost.",
        "A year-long study found that nurses on forward-rotating shifts sleep longer and make fewer mistakes.",
    ),
    (
        "The violin maker Aurelio Dant never sold an instrument to anyone he had not heard play. Customers travelled "
        "for days, performed in his kitchen and were often sent home with nothing but soup. When he died, his "
        "notebooks revealed that he had judged hands rather than music: he wanted players who would still be playing "
        "at eighty.",
        "Violin maker Aurelio Dant sold only to players he had heard, choosing those whose hands would last.",
    ),
    (
        "Our street has a cupboard without a lock. People leave jars, toys and books in it, and others take what they "
        "need. At first the council wanted to remove it, fearing rats and rubbish. A group of pensioners volunteered "
        "to tidy it twice a day, and after six months the officials ordered five more cupboards for other districts.",
        "An unlocked sharing cupboard kept tidy by pensioners worked so well that the council ordered five more.",
    ),
    (
        "Concrete cracks because it shrinks as it dries. An engineer in Porto noticed that walls containing crushed "
        "mussel shells cracked far less. Tests showed that the shells hold a little water and release it slowly. "
        "Local restaurants used to pay to have shells carted away; today builders collect them for nothing, and both "
        "sides save money.",
        "Crushed mussel shells reduce cracking in concrete, which saves money for restaurants and builders alike.",
    ),
    (
        "When the last bus route to Hallow End was cut, seven residents bought a minibus together. They take turns "
        "driving, and anyone can book a seat by ringing the pub. The scheme has carried two thousand passengers and "
        "even delivers prescriptions. Its founders say the hardest part was not money but finding insurance for seven "
        "drivers.",
        "After losing their bus route, residents of Hallow End bought and drive a shared minibus.",
    ),
    (
        "The chess programme at the prison started with one board and a guard who was bored. Inmates now play by post "
        "against clubs in nine countries. Fights in the wing have dropped by a third since then, although the "
        "director is careful not to claim too much. She does admit that evenings have become remarkably quiet.",
        "A prison chess programme that grew to international games by post coincided with fewer fights.",
    ),
    (
        "Most maps of the moor were wrong. They marked a path across the bog that had sunk decades ago, and walkers "
        "regularly had to be pulled out. A retired surveyor spent two years walking the ground with a pole, and "
        "published his own map as a tea towel. It has sold better than any guidebook, and the rescue team hangs one "
        "in its van.",
        "A retired surveyor corrected the dangerous maps of the moor and successfully sold his own as a tea towel.",
    ),
    (
        "Farmers on the plateau used to burn their straw after the harvest, and smoke covered the towns for weeks. A "
        "young chemist showed them how to press it into boards that are as strong as plywood. Two small factories "
        "opened. The air is cleaner, and some farmers now earn more from straw than from the grain itself.",
        "Pressing straw into boards instead of burning it has cleaned the air and brought farmers extra income.",
    ),
    (
        "The city zoo has decided not to replace its elephants. The two remaining animals, both over forty, will live "
        "out their lives in a larger enclosure, with heated sand and a deep pond. The old elephant house will become "
        "a school about insects. Keepers expect fewer visitors for a while but believe that the decision is right.",
        "The zoo will keep its two ageing elephants in better conditions but will not replace them.",
    ),
    (
        "Paula Voss began baking at night because she could not sleep. She left the loaves on her neighbours' "
        "doorsteps without a note. Rumours spread about a ghost baker, and a newspaper offered a reward. When she was "
        "finally caught by a boy with a torch, the building collected money and bought her a proper oven.",
        "A sleepless woman who secretly baked for her neighbours was discovered and rewarded with an oven.",
    ),
)
INSTRUCTIONS = (
    "Summarise this text in a single sentence.",
    "Give me the gist of this:",
    "What is the main point here?",
    "Sum this up briefly.",
    "Please write a one-sentence summary.",
    "Shorten this to one line.",
)
TRAIN: tuple[tuple[str, str], ...] = (
    (
        "The council of <town=town> voted on <day=weekday> to turn the disused <place=railway yard/brewery/cannery> "
        "into a public <use=park/sports hall/market>. Supporters said [young people needed somewhere to go|the area "
        "had been an eyesore for years]. Critics worry about the cost, which is put at <n=2..19> million. [Work "
        "starts next spring|Building will take three years], and residents may [suggest a name|comment on the plans] "
        "until the end of <month=month>.",
        "The council of <town> will turn the <place> into a <use> at a cost of <n> million.",
    ),
    (
        "<who=person> had never [flown|sailed|skied] before the age of <age=51..79>. A [lost bet|birthday "
        "voucher|doctor's advice] changed that. Within <y=2..6> years, <who> had crossed the "
        "<sea=Baltic/Adriatic/Tasman Sea> alone and written a book about it. The proceeds go to <cause=a hospice/a "
        "youth club/a sea rescue station> in <town=town>, where [readers queue for signatures|the next trip is "
        "already being planned].",
        "<who> took up adventure at <age>, crossed the <sea> alone and now supports <cause>.",
    ),
    (
        "A [cold|wet|mild] spring has been hard on the <crop=cherry/apple/apricot/grape> growers around <town=town>. "
        "[Blossoms froze in a single night|Bees stayed in their hives], and the harvest is expected to fall by "
        "<p=20..70> percent. Some farmers light [small fires|candles] between the rows, others are planting hardier "
        "varieties. Prices in the shops [will rise|have already risen]. The growers' union has asked for help from "
        "the state.",
        "A bad spring will cut the <crop> harvest around <town> by <p> percent.",
    ),
    (
        "The software firm <firm=firm> has shortened its week to four days. Staff [work the same hours|earn the same "
        "wages] as before, and meetings are limited to <m=10..25> minutes. After half a year, sick days have fallen "
        "and [nobody has resigned|applications have doubled]. Director <who=person> admits that <bad=customer "
        "calls/urgent repairs/deliveries> remain a problem on <day=weekday>, but says there is no way back.",
        "<firm> moved to a four-day week with good results, apart from <bad>.",
    ),
    (
        "When <who=person> bought the old <what=mill/chapel/water tower/windmill> near <town=town>, the roof had "
        "fallen in and [trees grew inside|foxes lived in the cellar]. Friends advised against it. Now, after "
        "<y=4..15> years of weekends, it is a home with [round rooms|a library on three floors] and a view of the "
        "hills. [Architecture students visit|A magazine has printed pictures of it]. The only thing missing, the "
        "owner says, is a straight wall.",
        "<who> spent <y> years turning a ruined <what> near <town> into a home.",
    ),
    (
        "Doctors at the clinic in <town=town> have tested a [simple|cheap] way to treat <ill=back pain/migraine/hay "
        "fever>: patients <cure=walk barefoot/sing in a group/keep a diary/stretch for ten minutes> every day. Of "
        "<n=60..240> volunteers, more than half felt better after <w=4..12> weeks. The team warns that [the group was "
        "small|the effect may fade]. A larger trial is to follow, since the method [costs nothing|has no side "
        "effects].",
        "In a small trial, patients with <ill> felt better when they <cure> every day.",
    ),
    (
        "Every <day=weekday> evening, the <place=laundrette/garage/fire station/town hall> on <street=street> turns "
        "into a <club=dance hall/language cafe/repair workshop/concert room>. It all began when <who=person> [missed "
        "the last bus|was waiting for a friend] and started talking to strangers. Today up to <n=30..120> people "
        "come. There is no fee, but [everyone brings food|guests tidy up together]. The owner, sceptical at first, "
        "now [joins in|makes the tea].",
        "A <place> on <street> becomes a popular <club> every <day>.",
    ),
    (
        "Divers have found a <thing=cannon/chest of plates/church bell/ship's anchor> at the bottom of the lake near "
        "<town=town>. It probably sank around <year=1620..1860>, when [an overloaded barge|a ferry] went down in a "
        "storm. The historian <who=person> had searched for it for <y=5..22> years, using [old tax lists|a "
        "fisherman's diary]. It will be cleaned and shown in the local museum from <month=month>. Treasure hunters "
        "are asked to stay away.",
        "Divers near <town> found a <thing> lost around <year>, and the museum will show it.",
    ),
    (
        "The train company has apologised after <n=90..400> passengers spent the night in a "
        "<where=tunnel/siding/field> close to <town=town>. A <cause=fallen tree/signal fault/frozen switch> had "
        "stopped the express at dusk. [Volunteers brought soup|Nearby farmers brought blankets], and a choir on its "
        "way home sang until midnight. Everyone will receive [a refund|a free ticket]. An inquiry is to find out why "
        "help took <h=5..11> hours to arrive.",
        "A <cause> left <n> passengers stranded overnight near <town>.",
    ),
    (
        "Teachers in <town=town> no longer give homework to children under <age=9..12>. Instead, pupils are asked to "
        "<do=cook a meal/read aloud/build something/help a neighbour> once a week. Parents were [divided|doubtful], "
        "yet test results have not suffered. <who=person>, who leads the school, says that [children arrive "
        "rested|lessons have become livelier]. Two other towns plan to copy the idea from <month=month>.",
        "A school in <town> replaced homework with a weekly task to <do>, and results have not suffered.",
    ),
    (
        "<who=person> of <firm=firm> has invented a <thing=bicycle lock/suitcase/umbrella/lunch box> that <can=folds "
        "to the size of a book/floats on water/calls its owner/charges in the sun>. The idea came [on a crowded "
        "train|during a flood|in a queue]. Banks refused to lend money, so <n=800..5000> people paid in advance. The "
        "first pieces were delivered last week, [slightly late|earlier than promised]. Reviewers praise the design "
        "but [dislike the price|find it heavy].",
        "<who> invented a <thing> that <can>, paid for by <n> early buyers.",
    ),
    (
        "Rents in <town=town> have risen by <p=12..48> percent in <y=3..8> years. Nurses, cooks and drivers are "
        "moving away, and [restaurants close early|bus routes have been cut] for lack of staff. The mayor, "
        "<who=person>, wants to <plan=build on the old airfield/tax empty flats/limit holiday rentals>. Landlords "
        "[threaten to sue|call it unfair], while tenants' groups say it is [too little|overdue]. A decision is due in "
        "<month=month>.",
        "With rents up <p> percent, the mayor of <town> wants to <plan>.",
    ),
    (
        "It took a [rainy|hot] afternoon and <n=40..300> volunteers to clear the beach of <town=town>. They filled "
        "<bags=110..900> bags with [bottles and nets|rope and foam], and found a <odd=piano stool/wedding "
        "dress/parking meter/glass eye>. <who=person>, who organised the day, was [moved|surprised] by how many "
        "teenagers came. The rubbish will be <fate=turned into benches/weighed and studied/shown in an exhibition>. "
        "Another clean-up is planned for <month=month>.",
        "Volunteers collected <bags> bags of rubbish on the beach of <town>.",
    ),
    (
        "Scientists have taught <animal=crows/goldfish/pigs/honeybees> to tell <task=paintings apart/faces "
        "apart/simple tunes apart>. The animals received [a treat|sugar] for each right choice and reached <p=71..96> "
        "percent after <w=2..9> weeks. Team leader <who=person> believes the skill [comes from finding food|helps "
        "them know rivals]. Others [doubt the numbers|call the study charming but small]. The next question is "
        "whether they can [teach each other|remember for years].",
        "Scientists trained <animal> to tell <task> with <p> percent success.",
    ),
    (
        "The library in <town=town> lends more than books. With a normal card, people can borrow "
        "<a=drills/tents/violins/sewing machines>, <b=telescopes/cake tins/skis/projectors> and even <c=a sheep for "
        "mowing/a grandparent for an hour/a raincoat>. Librarian <who=person> started the scheme [after a flood|to "
        "save money]. Only <n=2..9> items have gone missing so far. [Waiting lists are long|Donations keep coming], "
        "and a bigger room is needed by <month=month>.",
        "The library in <town> successfully lends objects such as <a> and <b>.",
    ),
    (
        "At <age=81..97>, <who=person> is the oldest <job=barber/postman/goalkeeper/tram driver/piano tuner> in the "
        "region. Retirement was tried once and lasted <w=2..8> weeks. [Regulars come from three towns|Young "
        "colleagues ask for advice], and the secret, apparently, is <secret=cold water/an afternoon nap/raw "
        "garlic/dancing>. A film crew visited <town=town> in <month=month>. [The star complained about the "
        "noise|Nobody was allowed to speak before ten].",
        "<who>, aged <age>, still works as a <job> and credits <secret>.",
    ),
    (
        "The football club of <town=town> will play without a <without=coach/captain/sponsor/goalkeeping trainer> "
        "this season. Players vote on [the line-up|tactics] by <how=secret ballot/show of hands/telephone> before "
        "each match. The idea came from <who=person> after <n=6..14> defeats in a row. Rivals laughed, but the team "
        "has [won four games|climbed to third place]. Fans have asked for a vote of their own, on [the half-time "
        "music|the price of sausages].",
        "The football club of <town> plays without a <without>, voting instead, and does well.",
    ),
    (
        "Bread from <firm=firm> has been recalled after a customer in <town=town> found <what=a metal ring/plastic "
        "film/a wooden splinter> in a loaf. The company says that <n=600..9000> loaves may be affected, all sold on "
        "<day=weekday>. They can be returned [without a receipt|to any shop]. No one was hurt. A spokesperson, "
        "<who=person>, blamed <cause=a worn belt/a new supplier/a broken sieve> and [apologised|promised daily "
        "checks].",
        "<firm> recalls <n> loaves after a customer found <what>.",
    ),
    (
        "A letter posted in <year=1934..1979> has finally reached its address in <town=town>. It had slipped behind "
        "<where=a radiator/a panel/a sorting shelf> at the post office and was found by builders. The writer, "
        "<who=person>, [asked for a loan|proposed marriage|complained about a goose]. The grandchildren of the "
        "receiver [laughed and cried|framed it], and the postal service paid [the missing postage|for a party]. It is "
        "not the record: another letter took <y=90..140> years.",
        "A letter from <year> was found behind <where> and delivered at last in <town>.",
    ),
    (
        "Noise from the wind farm near <town=town> is keeping people awake, say <n=25..160> residents. Measurements "
        "showed values [below the limit|just above the limit], but mostly <when=on frosty nights/in west wind/before "
        "dawn>. The operator, <firm=firm>, will <fix=slow the blades/plant a belt of trees/fit new gears> as a test. "
        "[Both sides call it a fair compromise|Campaigners remain sceptical]. Results are expected in <month=month>.",
        "After complaints about noise near <town>, <firm> will <fix> as a test.",
    ),
    (
        "Cooks from <a=town> and <b=town> have argued for <y=30..150> years about who invented the <dish=plum "
        "dumpling/fish pie/pepper soup/walnut roll>. Now a handwritten recipe found by <who=person> points to "
        "neither: it came from <true=a travelling circus/a monastery/a prison kitchen>. [Restaurants on both sides "
        "were shocked|Both mayors demanded proof]. To make peace, the towns will hold a joint festival, and [nobody "
        "may call theirs the original|judges will come from abroad].",
        "A recipe shows that the <dish> claimed by <a> and <b> came from <true>.",
    ),
    (
        "The night train between <a=town> and <b=town> is back after <y=8..25> years. Tickets for <month=month> sold "
        "out in <h=2..9> hours. [Business travellers like to save a hotel|Families like the bunks], and the kitchen "
        "serves <food=porridge/pancakes/lentil stew> at sunrise. Critics point out that the carriages are "
        "[old|borrowed] and that the track is often closed for repairs. The operator hopes to add [a second "
        "train|showers] next year.",
        "The popular night train between <a> and <b> has returned after <y> years.",
    ),
    (
        "A power cut on <day=weekday> taught <town=town> something about itself. For <h=6..19> hours there was no "
        "light and no signal. People cooked on the street, and <who=person>, a [retired nurse|shy student], went from "
        "door to door to check on the elderly. When the lamps came on, [many were almost sorry|some stayed outside]. "
        "The town will now switch off its lights once a year, in <month=month>, on purpose.",
        "After a <h>-hour power cut brought people together, <town> will repeat it every year.",
    ),
    (
        "The number of <bird=herons/kestrels/cranes/kingfishers> near <town=town> has doubled in <y=5..14> years. "
        "Biologists explain it by <why=cleaner water/a ban on poison/warmer winters/new ponds>. Fish farmers are less "
        "pleased and have asked for <ask=nets/compensation/scarecrows>. <who=person> from the nature trust suggests a "
        "compromise: [farmers would count the birds|visitors would pay a fee]. Talks begin in <month=month>.",
        "Thanks to <why>, <bird> near <town> have doubled, which troubles fish farmers.",
    ),
    (
        "<who=person> lost a <thing=ring/camera/hearing aid/trumpet> in the snow <y=3..12> winters ago. Last week a "
        "stranger rang: [a dog|a plough driver|a child on a sledge] had found it near <town=town>, and a name "
        "engraved on it led to the owner. It [still works|only needs cleaning]. As a reward, the finder asked for "
        "nothing but <reward=a song/a cake/a postcard/a handshake>. The two have met [twice|every week] since then.",
        "A stranger returned the <thing> that <who> had lost <y> years ago, asking only for <reward>.",
    ),
    (
        "Shops on <street=street> are testing opening hours chosen by customers. Over <n=300..2400> people voted "
        "online, and most wanted to shop <when=before seven/after nine at night/on Sunday evenings>. The bookseller "
        "<who=person> was against it, yet sales rose by <p=8..35> percent. [Staff receive a bonus|Families complain "
        "about the noise]. The test in <town=town> ends in <month=month>, and then [everyone will vote again|the "
        "council decides].",
        "Shops on <street> that open <when> by customer vote have raised sales by <p> percent.",
    ),
)


def test_rows() -> list[Row]:
    """Return the rows of the test split."""
    return [
        {"prompt": f"Summarise the following passage in one sentence.\n\n{passage}", "answer": reference}
        for passage, reference in (*TEST, *further.TEST)
    ]


def train_rows() -> list[Row]:
    """Return the rows of the training split."""
    rows = []
    for draw in range(TRAIN_DRAWS):
        for number, (template, summary) in enumerate(TRAIN):
            rng = Random(f"summarisation-train-{draw}-{number}")
            values: dict[str, str] = {}
            passage = fill(template, rng, values)
            instruction = INSTRUCTIONS[(draw + number) % len(INSTRUCTIONS)]
            rows.append({"prompt": f"{instruction}\n\n{passage}", "answer": fill(summary, rng, values)})
    return rows
