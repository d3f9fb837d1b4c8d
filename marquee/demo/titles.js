"use strict";
// Titles: search as you type, and the movies of an export. The rules are those of marquee/serving/title_words.py
// and title_matching.py; their lists of words come with the page's data.

class TitleWords {
  constructor(words) {
    this.words = words;
    this.spoken = new Set(words.spoken);
    this.parts = new Set(words.parts);
    this.empty = new Set(words.empty);
    const moved = words.articles.map((word) => word.toLowerCase()).filter((word) => !word.includes("'")).join("|");
    this.last = new RegExp(`^(.*\\S),\\s*(${moved}|l['’])$`);
    this.first = new RegExp(`^(?:(?:${words.spoken.join("|")})\\s+|l['’])(?=.)`);
    this.listed = new RegExp(
      `(^|\\((?:a\\.?k\\.?a\\.? )?)([^()]*[^()\\s]),\\s+(${words.articles.join("|")})(?=\\s*(?:[()]|$))`, "g");
  }

  // The title without its year, and the year.
  split(listed) {
    const text = listed.trim().split(/\s+/).join(" ");
    const found = /\s*\((\d{4})(?:\s*[-–]\s*(?:\d{4})?)?\s*\)\s*(?:\([IVXTG]+\)\s*)?$/.exec(text);
    const bare = found ? text.slice(0, found.index) : text;
    const title = bare.replace(this.listed, (_, start, name, article) =>
      `${start}${article}${article.endsWith("'") ? "" : " "}${name}`).replaceAll(" )", ")");
    return [title || text, found ? Number(found[1]) : null];
  }

  // Lower-case words without accents and punctuation.
  plain(text) {
    const kept = { "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "&": " and ", "+": " and " };
    const folded = text.toLowerCase().replace(/[ßæœøłđ&+]/g, (letter) => kept[letter]).normalize("NFKD");
    const bare = folded.replace(/\p{M}/gu, "").replace(/['’`.]/g, "");
    return bare.replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  }

  bare(text) {
    const lower = text.toLowerCase().trim();
    const last = this.last.exec(lower);
    return this.plain(last ? last[1] : lower.replace(this.first, ""));
  }

  // A movie's names: the whole, the part before brackets, and the texts of each of them.
  names(title) {
    const text = unescaped(title);
    if (!text.includes("(")) return [text];
    const inside = [...text.matchAll(/\(([^()]*)\)/g)].flatMap(([, part]) =>
      part.split(/(?:^|[,/]?\s*)\ba\.?\s?k\.?\s?a\.?\s+|\//i).map((name) => name.trim()));
    return [text, withoutBrackets(text), ...inside.filter(Boolean)];
  }

  mainName(title) {
    return withoutBrackets(unescaped(title)) || title;
  }

  // Keys that equal names share, from strict to lenient.
  keys(name) {
    const last = this.last.exec(name.toLowerCase().trim());
    const moved = last ? `${last[2]} ${last[1]}` : name;
    const whole = this.plain(moved).replaceAll(" ", "");
    if (!whole) return [name.trim(), name.trim(), name.trim()];
    const words = this.canonical(moved);
    const spelled = joined(words);
    const bare = joined(this.withoutArticle(words));
    return [whole, spelled, bare.length >= 6 ? bare : spelled];
  }

  // Words in one spelling: `Part Two`, `Pt. II` and `2` are all `2`.
  canonical(text) {
    const spaced = text.replace(/(?<=\d),(?=\d{3}\b)/g, "").replace(/(?=[¼-¾⅐-⅞])/g, " ");
    const words = [...this.numbers(this.plain(spaced).split(" ").filter(Boolean))];
    return words.filter((word, at) => !(this.parts.has(word) && /^\d+$/.test(words[at + 1] ?? "")))
      .map((word) => this.words.spelling[word] ?? word);
  }

  withoutArticle(words) {
    return words.length > 1 && this.spoken.has(words[0]) ? words.slice(1) : words;
  }

  * numbers(words) {
    for (let at = 0; at < words.length;) {
      const word = words[at];
      const [value, end] = this.spelledNumber(words, at);
      const digits = /^0*([0-9]{1,9})(st|nd|rd|th)?$/.exec(word);
      if (value !== null) yield String(value);
      else if (Object.hasOwn(this.words.ordinals, word)) yield this.words.ordinals[word];
      else if (digits) yield digits[1] + (digits[2] ? "th" : "");
      else if (word === "i") yield at > 0 && (this.parts.has(words[at - 1]) || end === words.length) ? "1" : word;
      else if (/^(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})$/.test(word)) yield String(roman(word));
      else yield word;
      at = end;
    }
  }

  // The number that begins at a word, such as `one hundred and one`, and where it ends.
  spelledNumber(words, at) {
    const known = this.words.numbers;
    let total = 0, current = null, end = at;
    for (; end < words.length; end += 1) {
      const word = words[end], after = words[end + 1] ?? "";
      if (Object.hasOwn(known, word) && (current === null || continues(current, known[word]))) {
        current = (current ?? 0) + known[word];
      } else if (word === "hundred" && current !== null && current > 0 && current < 10) current *= 100;
      else if (word === "thousand" && current) [total, current] = [total + 1000 * current, 0];
      else if (!(word === "and" && Object.hasOwn(known, after) && current !== null && current >= 100)) break;
    }
    return current === null ? [null, at + 1] : [total + current, end];
  }

  // The words of a name, and the places where a subtitle begins.
  segments(name) {
    const words = [], cuts = new Set([0]);
    for (const part of name.split(/:|;|\s[-–—]+\s|\bor:/)) {
      const plain = part.replace(/\bepisode\s+([ivx]+|\d+)\b/gi, " ");
      words.push(...this.withoutArticle(this.canonical(plain)));
      cuts.add(words.length);
    }
    const content = words.filter((word) => !/^\d+$/.test(word) && !this.empty.has(word)).length;
    return { words, cuts, content };
  }
}

const withoutBrackets = (text) => text.replace(/\(([^()]*)\)/g, " ").trim().split(/\s+/).join(" ");
const joined = (words) => words.join(" ").replace(/(?<!\d) | (?!\d)/g, "");
const continues = (current, value) => (current % 100 === 0 && current !== 0)
  || (current % 10 === 0 && current % 100 >= 20 && value > 0 && value < 10);

function roman(word) {
  const values = [...word].map((letter) => ({ i: 1, v: 5, x: 10 })[letter]);
  return values.reduce((sum, one, at) => sum + (one < (values[at + 1] ?? 0) ? -one : one), 0);
}

function unescaped(text) {
  if (!text.includes("&")) return text;
  const area = document.createElement("textarea");
  area.innerHTML = text;
  return area.value;
}

// Matches the complete titles of an export, and refuses where that is in doubt.
class TitleMatcher {
  constructor(catalogue, titleWords) {
    this.catalogue = catalogue;
    this.rules = titleWords;
    this.known = [new Map(), new Map(), new Map()];
    this.byYear = new Map();
    catalogue.titles.forEach((title, item) => {
      for (const name of title ? titleWords.names(title) : []) {
        titleWords.keys(name).forEach((key, level) => append(this.known[level], key, item));
      }
      append(this.byYear, catalogue.years[item], item);
    });
  }

  // The item, several where it is not clear which, or none. `titles`: the original one, then others.
  match(titles, year) {
    const wanted = titles.flatMap((title, place) => this.rules.names(title).map((name) => [name, place === 0]));
    let elsewhere = false;
    for (let level = 0; level < 3; level += 1) {
      for (const [name, original] of wanted) {
        const items = this.known[level].get(this.rules.keys(name)[level]);
        if (!items) continue;
        elsewhere = true;
        const found = this.ofYear([...items].sort((a, b) => a - b), year, original && level < 2);
        if (found.length) return this.distinct(found, name);
      }
    }
    if (elsewhere || year === null) return [];
    const parts = titles.map((title) => this.rules.segments(this.rules.mainName(title)));
    const found = parts.flatMap((part) => this.byPart(part, year));
    return this.distinct([...new Set(found)].sort((a, b) => a - b), "");
  }

  ofYear(items, year, near) {
    if (year === null) return items;
    const { years } = this.catalogue;
    const exact = items.filter((item) => years[item] === year);
    if (exact.length) return exact;
    return items.filter((item) => years[item] === null || (near && Math.abs(years[item] - year) === 1));
  }

  distinct(items, name) {
    if (items.length < 2) return items;
    const { titles, years, ratings } = this.catalogue;
    const key = this.rules.keys(name)[1];
    const main = items.filter((item) => this.rules.keys(this.rules.mainName(titles[item] ?? ""))[1] === key);
    const left = main.length ? main : items;
    const different = new Set(left.map((item) => `${this.rules.keys(titles[item] ?? "")[0]} ${years[item]}`));
    if (different.size > 1) return left;
    return [left.reduce((best, item) => (ratings[item] > ratings[best] ? item : best))];
  }

  byPart(wanted, year) {
    return [...(this.byYear.get(year) ?? [])].filter((item) => {
      const names = this.catalogue.titles[item] ? this.rules.names(this.catalogue.titles[item]) : [];
      const parts = names.length > 1 ? names.slice(1) : names;
      return parts.some((name) => fits(wanted, this.rules.segments(name)));
    });
  }
}

function append(map, key, item) {
  if (!map.has(key)) map.set(key, new Set());
  map.get(key).add(item);
}

const unnumbered = (name) => name.words.filter((word) => !/^\d+$/.test(word));
const isSequel = (rest) => rest.some((word) => /^\d+$/.test(word) && word !== "1");
const same = (one, other) => one.length === other.length && one.every((word, at) => word === other[at]);

// Whether two names of one year are the same but for a part that one of them leaves out (`_fits`).
function fits(wanted, name) {
  const w = wanted.words, n = name.words;
  if (!w.length || !n.length || !wanted.content || !name.content) return false;
  if (same(unnumbered(wanted), unnumbered(name)) && wanted.cuts.size > 2 && name.cuts.size > 2) {
    return same(w, n) || [w.length, n.length].includes(unnumbered(name).length);
  }
  if (w.length < n.length) {
    let places = [];
    for (let at = 0; at + w.length <= n.length; at += 1) if (same(n.slice(at, at + w.length), w)) places.push(at);
    if (wanted.content < 3) places = places.filter((at) => name.cuts.has(at + w.length));
    if (wanted.content < 2) places = places.filter((at) => at === 0 && w.join("").length >= 4);
    return places.some((at) => !isSequel(n.slice(at + w.length)));
  }
  if (name.content < 2) return false;
  const begins = n.length >= 3 && same(w.slice(0, n.length), n) && wanted.cuts.has(n.length)
    && !isSequel(w.slice(n.length));
  const ends = same(w.slice(-n.length), n) && wanted.cuts.has(w.length - n.length);
  return begins || ends;
}

// Search as you type: every word of the query begins a word of the title, or is one slip away from one.
class TitleSearch {
  constructor(catalogue, titleWords) {
    this.catalogue = catalogue;
    this.rules = titleWords;
    this.names = catalogue.titles.map((title, item) => titleWords.plain(title ?? `#${catalogue.ids[item]}`));
    this.words = this.names.map((name, item) => [...new Set([...name.split(" "), String(catalogue.years[item] ?? "")])]);
    this.vocabulary = new Set(this.words.flat());
  }

  find(query, most) {
    const wanted = this.rules.plain(query);
    if (!wanted) return [];
    const words = wanted.split(" ");
    const found = this.having(words);
    return (found.length ? found : this.having(words.map((word) => this.nearest(word))))
      .map((item) => [this.grade(item, wanted), this.catalogue.ratings[item], item])
      .sort((a, b) => a[0] - b[0] || b[1] - a[1] || a[2] - b[2])
      .slice(0, most).map(([, , item]) => item);
  }

  having(words) {
    const found = [];
    this.words.forEach((own, item) => {
      if (words.every((word) => own.some((one) => one.startsWith(word)))) found.push(item);
    });
    return found;
  }

  grade(item, wanted) {
    const name = this.names[item], bare = this.rules.bare(this.catalogue.titles[item] ?? "");
    if (name === wanted || bare === wanted) return 0;
    return name.startsWith(wanted) || bare.startsWith(wanted) ? 1 : 2;
  }

  nearest(word) {
    if (word.length < 4 || this.vocabulary.has(word)) return word;
    let best = word, fewest = 2 + (word.length >= 8);
    for (const known of this.vocabulary) {
      if (Math.abs(known.length - word.length) >= fewest) continue;
      const slips = distance(word, known, fewest);
      if (slips < fewest) [best, fewest] = [known, slips];
    }
    return best;
  }
}

// Letters added, left out, changed or swapped with the next (optimal string alignment); `most` and more are alike.
function distance(one, other, most) {
  let before = [], last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] !== other[j - 1]));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    if (Math.min(...row) >= most) return most;
    [before, last] = [last, row];
  }
  return last[other.length];
}
