"""What the codes of ML-1M's users.dat stand for, as its README defines them."""

AGES = {1: "under 18", 18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56 or more"}
OCCUPATIONS = (
    *("other", "educator", "artist", "clerical", "student", "customer service", "health care", "executive"),
    *("farmer", "homemaker", "K-12 student", "lawyer", "programmer", "retired", "sales", "scientist"),
    *("self-employed", "engineer", "craftsman", "unemployed", "writer"),
)


def occupation(code: str | None) -> str | None:
    """Return the name of an occupation's code; anything else as it is."""
    known = code is not None and code.isdecimal() and int(code) < len(OCCUPATIONS)
    return OCCUPATIONS[int(code)] if known and code else code
