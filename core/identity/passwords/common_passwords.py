"""Words of which common passwords consist: names, places, games, gods, rows of keys, and the words of the office.

A list of whole passwords would miss their variants (`Password@2026`, `p4ssw0rd!!1234`): the policy folds a password to
letters and looks for these.
"""

COMMON_STEMS = frozenset(
    """
    aarav abc abcd abcde abcdef abcdefgh abcxyz access account accounts aditi aditya admin administrator ahmedabad
    airtel ajay akash alex alexander allah alok always amanda amazon america amit amita anand ananya and andrew
    android angel anil anita anjali ankit anna anthony anu anuj apple april archana are arjun arsenal arun asdf
    asdfgh asdfghjkl asha ashish ashley ashok ashwin assam august austin autumn avengers ayyappa azerty babu baby
    babyboy babygirl bailey bajrangbali balaji banana bangalore bank barcelona baseball basketball batman bear
    beautiful bengaluru benjamin berlin best bestfriend bharat bhopal bible big bihar biology biryani black blue
    board bombay brazil brian brother bull bunny bursar buster butter butterfly calcutta canada candy cash cat cbse
    chai champion chandra change changeme charles charlie charlotte cheese chelsea chemistry chennai cherry chess
    chicken china chocolate christ christian christopher class classroom clerk cobra coffee college computer control
    cookie cool corvette cowboys crazy cricket crystal cute dad daddy daisy dallas dance dancer daniel darling
    daughter david december deepa deepak default delhi demo demon department dev devil diamond divya dog doggy
    dollar dolphin dragon dream dreams drummer dubai durga eagle eagles edward eight elephant elizabeth emily emma
    energy england english evening exam examination example exams facebook falcon fall family father february fee
    fees ferrari finance fire first fish five flipkart flower football for forever fortnite four france freedom
    freefire friday friend friends friendship funny game gamer games gaming ganesh ganesha ganga ganpati gate gaurav
    gauri geeta george germany ghost ginger gmail goa god goku gold golden golf good google gopal government gray
    great green grey guest guitar gujarat hannah hanuman happiness happy hari harish harley harrypotter hawk heart
    hearts hello hero hey hindi hindustan hockey hogwarts honda honey horse hot hotmail hulk hunter husband
    hyderabad ice icse iloveyou imran india indian indore instagram internet iphone ironman isha islam jai jaihind
    jaimatadi jaipur jaishriram james january japan jasmine jason jee jennifer jessica jesus jio john joker jonathan
    jordan joseph joshua julia july june justin juventus jyoti kamal kanpur kapil karan karnataka kavita kerala
    kevin khan khushi killer king kingdom kiran kitten kitty kochi kolkata krishna kumar kumari lakers lakshmi lalit
    laptop lata laura laxmi legend lemon letmein library life lightning lily linux lion little live liverpool login
    london lotus love lovely loveme lover loveyou lucknow lucky madison madras madrid maggie magic mahadev
    maharashtra mahesh mama manchester mango manish manoj march maria mario mark master mataram maths matrix matthew
    may maya meena mega mercedes metal michael michelle microsoft minecraft mohan mohit mom mommy monday money
    monkey moon morning mother mukesh mumbai mummy murugan music mustang nagpur naruto naveen neet neha nepal
    netflix new newdelhi nice nicholas nicole nidhi night nikhil nine ninja nisha nitin nokia not november october
    odisha office old olivia omnamahshivaya omsairam one oneplus open opensesame oppo orange our panda pankaj
    panther papa paris pass passcode passphrase passwd password passwort patna patrick paul payment paytm peace
    peach pearl pepper peter phoenix physics piano pikachu pink pirate pizza platinum player pokemon pony pooja
    porsche power pradeep prakash pramod prasad pretty prince princess principal private priya pubg pune punjab
    puppy purple qazwsx qazwsxedc queen qwerty qwertyuiop qwertz rabbit rachel radha radhe rahul rainbow raj raja
    rajasthan rajesh raju rakesh ram ramesh ranger rani rapper ravi realmadrid rebecca receipt red redmi reena rekha
    result results rich richard ritu robert roblox rock rohan rohit root rose ruby rugby rupee rupees ryan sachin
    sai saibaba sairam samantha sample samsung samuel samurai sandeep sanjay sanskrit santosh sarah saraswati sarita
    satnam saturday saurabh school science second secret seema september server seven sexy shadow shah shark sharma
    shiv shiva shivam shreya shyam signin silver singh sister sita sitaram six sky smile snake sneha soccer soldier
    son sonia sonu sophie spider spiderman spring ssc star stars starwars steelers steven storm student students
    sudha sugar summer sun sunday sunil sunita sunshine super superman superuser surat suresh suzuki swati sweet
    sweetheart sweetie system tamilnadu tanvi taylor teacher telangana ten tennis test tester testing that the this
    thomas three thunder thursday tiger tirupati today together tokyo tomorrow toor toyota trustno tuesday turtle
    twitter two tyler ubuntu unicorn united university upsc usa user username usha vande vandemataram varun
    venkatesh victoria vijay vikas vikram vinod violet virat vishal vivek vivo vodafone waheguru warrior was
    wednesday welcome whatsapp white wife william windows winner winter with wizard wolf wsxedc xiaomi xyz yadav
    yahoo yamaha yankees yash yellow you your youtube zara zxcvbn zxcvbnm
    """.split()  # noqa: SIM905 - a list of 700 literals has a page for each fifty
)
