"""Invent movie titles and users' demographics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LATEST, RECENT = 1997, 0.77  # year of the newest film; fraction of the films from its last six years
# As MovieLens files them: `Quiet Harbor, The`. More of a form makes it more frequent.
FORMS = (
    *["{adjective} {noun}", "{adjective} {noun}, The", "{noun} of {place}, The"] * 3,
    *["{name}'s {noun}", "{noun} and the {other}, The", "{preposition} the {adjective} {noun}"] * 2,
    *[
        "{noun} in {place}, A",
        "{preposition} the {noun}",
        "{name} and the {other}",
        "{adjective} {other}, The",
    ],
    *["{name} of {place}", "Last {noun} to {place}, The", "{place} {noun}", "{preposition} {place}"],
)
FRENCH, FRENCH_FORM = 0.006, "{nom} {épithète}, La"  # rare, so that a reader of the wrong encoding fails
WORDS = {
    "adjective": "Quiet Amber Borrowed Broken Crooked Distant Electric Faded Forgotten Gentle Gilded Hollow "
    "Hidden Impossible Invisible Late Lonely Lucky Marble Misplaced Narrow Northern Painted Paper Pale "
    "Patient Perfect Reluctant Restless Rusty Salted Scarlet Secret Seventh Silent Silver Sleepless Slow "
    "Southern Stolen Stubborn Tender Thirteenth Twisted Unfinished Unwritten Velvet Wandering Weathered "
    "Whispering Wooden Yellow Young",
    "place": "Alderbrook Avila Bergamo Blackmere Brackwater Calabria Calgary Cedarville Corinth Danzig "
    "Dunmore Eastport Elmira Fairhaven Ghent Granada Halifax Harrowgate Ithaca Jericho Kingsbury Kotor "
    "Lindow Lisbon Lucerne Maplewood Marrakesh Mendoza Minsk Nantes Odessa Oslo Palermo Penrith Quito "
    "Ravenna Riga Salem Samarkand Santorini Savannah Stillwater Tangier Toledo Trieste Umbria Valparaiso "
    "Westmere Zanzibar",
    "name": "Abigail Ambrose Anselm Beatrix Bernard Calvin Celeste Clement Cordelia Dorothea Edmund Eleanor "
    "Elias Esther Felix Flora Georgina Gideon Harriet Hector Hugo Imogen Irving Isadora Jasper Josephine "
    "Judith Leopold Lionel Lucinda Magnus Margot Matilda Millicent Nathaniel Octavia Ottilie Percy Philippa "
    "Quentin Rosalind Rupert Sebastian Sybil Theodora Tobias Ursula Winifred",
    "other": "Almanac Apprentice Architect Barometer Beekeeper Bellringer Cartographer Chessboard Clockmaker "
    "Cellist Ferryman Gardener Glassblower Goldsmith Greenhouse Heron Housekeeper Inkwell Jeweler "
    "Lighthouse Locksmith Milliner Notary Organist Parachute Pianist Piano Postmaster Quarry Sculptor "
    "Sparrow Staircase Stationmaster Suitcase Surgeon Tailor Typewriter Umbrella Violin Weathervane",
    "preposition": "Beyond After Before Under Without Against Beneath Toward Past Across",
    "nom": "Forêt Fenêtre Mémoire Rivière Lumière Fête Comédienne Maîtresse Poupée Clé Forge",
    "épithète": "tranquille étrange célèbre fidèle rêvée oubliée légère éternelle secrète dernière",
}
NOUNS = {
    "unknown": "Reel Negative Print Rehearsal Fragment Screening",
    "Action": "Vengeance Impact Strike Target Commando Recoil Blast Overdrive Gauntlet Showdown Pursuit",
    "Adventure": "Expedition Compass Voyage Island Caravan Treasure Summit Horizon Map Lagoon Crossing",
    "Animation": "Teapot Snowman Lantern Tortoise Moonbeam Dragonfly Toymaker Firefly Acorn Marionette",
    "Children's": "Puppy Treehouse Kite Circus Pony Holiday Kitten Sandcastle Balloon Scarecrow Playground",
    "Comedy": "Wedding Nephew Landlord Vacation Reunion Dentist Roommate Alibi Bachelor Casserole Caterer",
    "Crime": "Heist Racket Informer Verdict Ledger Syndicate Getaway Fence Precinct Bribe Accomplice",
    "Documentary": "Archive Orchard Assembly Chronicle Portrait Century Harvest Testimony Workshop Tide",
    "Drama": "Harbor Winter Daughter Inheritance Confession Distance Silence House Season Letter River",
    "Fantasy": "Enchanter Unicorn Oracle Prophecy Spellbook Griffin Kingdom Talisman Mirror Changeling",
    "Film-Noir": "Alley Streetlamp Stranger Cigarette Shadow Undertow Nocturne Widow Trenchcoat Pier",
    "Horror": "Cellar Crypt Scream Attic Possession Graveyard Ritual Scalpel Hatchet Nursery Séance",
    "Musical": "Overture Chorus Serenade Waltz Melody Ballroom Encore Cabaret Songbird Tambourine",
    "Mystery": "Clue Disappearance Cipher Witness Locket Telegram Riddle Gatehouse Conservatory Key",
    "Romance": "Kiss Promise Bouquet Valentine Sweetheart Embrace Honeymoon Courtship Rendezvous Balcony",
    "Sci-Fi": "Android Orbit Colony Signal Nebula Machine Paradox Satellite Protocol Eclipse Voyager",
    "Thriller": "Hostage Deadline Conspiracy Whisper Blackmail Stalker Motive Threshold Ransom Surveillance",
    "War": "Regiment Battalion Trench Armistice Bridgehead Soldier Convoy Siege Medal Frontier Barracks",
    "Western": "Saddle Canyon Homestead Marshal Prairie Stagecoach Outlaw Rancher Sheriff Gunsmith Corral",
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OCCUPATIONS = (
    "administrator artist doctor educator engineer entertainment executive healthcare homemaker lawyer "
    "librarian marketing none other programmer retired salesman scientist student technician writer"
)
OCCUPATIONS = _OCCUPATIONS.split()
FREQUENT = {"student": 7, "other": 4, "educator": 3, "administrator": 3, "engineer": 2, "programmer": 2}

_WORDS = {kind: words.split() for kind, words in WORDS.items()}
_NOUNS = {genre: words.split() for genre, words in NOUNS.items()}


@dataclass(frozen=True)
class Film:
    title: str  # as MovieLens files it: `Quiet Harbor, The (1994)`
    released: str  # `21-Oct-1994`
    genres: tuple[str, ...]


def films(genres: np.ndarray, names: tuple[str, ...], rng: np.random.Generator) -> list[Film]:
    """One for each row of `genres`, bool [n_movies, len(names)]; no two have the same title."""
    years = _years(len(genres), rng)
    made: dict[int, Film] = {}
    taken: dict[str, int] = {}
    for movie in np.argsort(years, kind="stable").tolist():  # so that `Harbor 2` is no older than `Harbor`
        own = tuple(name for name, has in zip(names, genres[movie], strict=True) if has)
        luck = rng.random(6 + len(WORDS)).tolist()
        title = _title(_NOUNS[_pick(own, luck.pop())], luck)
        taken[title] = taken.get(title, 0) + 1
        if taken[title] > 1:
            name, comma, article = title.partition(", ")
            title = f"{name} {taken[title]}{comma}{article}"
        released = f"{1 + int(28 * luck.pop()):02d}-{_pick(MONTHS, luck.pop())}-{years[movie]}"
        made[movie] = Film(f"{title} ({years[movie]})", released, own)
    return [made[movie] for movie in range(len(genres))]


def _title(nouns: Sequence[str], luck: list[float]) -> str:
    form = FRENCH_FORM if luck.pop() < FRENCH else _pick(FORMS, luck.pop())
    return form.format(
        **{kind: _pick(words, luck.pop()) for kind, words in {**_WORDS, "noun": nouns}.items()}
    )


def _pick(words: Sequence[str], luck: float) -> str:
    """One of them, by a number in 0..1."""
    return words[int(luck * len(words))]


def _years(n: int, rng: np.random.Generator) -> list[int]:
    """Mostly of the last six years, the rest thinning out back to 1922."""
    recent = LATEST - rng.binomial(5, 0.3, n)
    old = LATEST - 6 - (rng.beta(1, 2, n) * (LATEST - 5 - 1922)).astype(int)
    return np.where(rng.random(n) < RECENT, recent, old).tolist()


def demographics(n: int, rng: np.random.Generator) -> list[tuple[int, str, str, str]]:
    """Return (age, gender, occupation, zip code) of each user, distributed about as in ML-100K."""
    ages = 12 + rng.gamma(4, 5, n).astype(int).clip(max=60)
    genders = np.where(rng.random(n) < 0.71, "M", "F")
    weights = np.array([FREQUENT.get(name, 1) for name in OCCUPATIONS])
    occupations = rng.choice(OCCUPATIONS, n, p=weights / weights.sum())
    codes = [f"{code:05d}" for code in rng.integers(1000, 99951, n)]
    return list(zip(ages.tolist(), genders.tolist(), occupations.tolist(), codes, strict=True))
