"""Writes src/Crosshead/Text/Jinja/Resources/casing.txt from the Unicode data that Python carries:
    python3 scripts/make-casing-data.py > src/Crosshead/Text/Jinja/Resources/casing.txt
Chat templates are written for Python's strings, so upper and lower case must be Python's: with mappings to several
characters (ß to SS), title case, and the sigma at a word's end. Each character with a mapping has a line: its code,
then its upper, lower and title case. Upper and lower case are left out where they equal the character, title case where
it equals the upper case. Two more lines hold the ranges of characters that have a case, and of characters that are
skipped when a neighbour with a case is looked for."""
import unicodedata

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def codes(text):
    return " ".join(f"{ord(c):04X}" for c in text)


def ranges(characters):
    found = []
    for code in map(ord, characters):
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return " ".join(f"{first:04X}" if first == last else f"{first:04X}-{last:04X}" for first, last in found)


# A letter after a cased letter is not the first of its word. A sigma is not the last letter of its word if a cased
# letter follows, skipped characters aside.
cased = {c for c in CHARACTERS if (c + "A").title().endswith("a")}
ignorable = {c for c in CHARACTERS if ("A\u03a3" + c + "A").lower()[1] == "\u03c3"} - cased

print(f"# Unicode {unicodedata.unidata_version}: code;upper;lower;title. Made by scripts/make-casing-data.py.")
print(f"cased;{ranges(sorted(cased))}")
print(f"ignorable;{ranges(sorted(ignorable))}")
for c in CHARACTERS:
    upper, lower, title = c.upper(), c.lower(), c.title()
    if (upper, lower, title) != (c, c, c):
        print(
            f"{ord(c):04X};{codes(upper) if upper != c else ''};{codes(lower) if lower != c else ''};"
            f"{codes(title) if title != upper else ''}")
