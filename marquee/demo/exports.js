"use strict";
// Exports of other sites, read in the browser as marquee/serving/exports.py and export_files.py read them.
// A fault that the visitor can correct is an ExportError; its message is shown.

class ExportError extends Error {}

const RATINGS = ["ratings.csv"], DIARY = ["diary.csv", "reviews.csv"], WATCHED = ["watched.csv", "likes/films.csv"];
const LARGEST = 256 << 20; // bytes of a file, unpacked

// [{name, text, likes}] of the files that were dropped: a CSV each, or a zip.
async function exportTables(files) {
  const tables = [];
  for (const file of files) {
    if (file.size > LARGEST) throw new ExportError(`${file.name} is larger than ${LARGEST >> 20} MiB: drop the export of one user`);
    const content = new Uint8Array(await file.arrayBuffer());
    if (content[0] === 0x50 && content[1] === 0x4b) {
      tables.push(...await zipTables(file.name, content));
    } else {
      const likes = ["likes.csv", "liked.csv"].includes(file.name.toLowerCase());
      tables.push({ name: file.name, text: decoded(content, file.name), likes });
    }
  }
  return tables;
}

async function zipTables(name, content) {
  const entries = zipEntries(name, content);
  const shallow = [...entries.keys()]
    .filter((path) => !path.split("/").some((part) => ["deleted", "orphaned", "__MACOSX"].includes(part)))
    .sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  const found = (wanted) => wanted.map((end) => shallow.find((path) => `/${path}`.endsWith(`/${end}`))).filter(Boolean);
  const rated = found(RATINGS);
  let chosen = [...found(WATCHED), ...(rated.length ? rated : found(DIARY))];
  const csvs = shallow.filter((path) => path.toLowerCase().endsWith(".csv"));
  if (!chosen.length && csvs.length === 1) chosen = csvs;
  if (!chosen.length) {
    throw new ExportError(`${name} has no ratings.csv, watched.csv, diary.csv, reviews.csv or likes/films.csv: `
      + "drop the file inside that has the ratings");
  }
  return Promise.all(chosen.map(async (path) => ({
    name: `${name}/${path}`,
    text: decoded(await unpacked(name, content, entries.get(path)), path),
    likes: `/${path}`.endsWith("/likes/films.csv"),
  })));
}

// Path → its place in the archive, by the central directory at the end.
function zipEntries(name, content) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const closed = new ExportError(`${name} is an archive that does not open: unpack it and drop the file inside`);
  let end = content.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw closed;
  const entries = new Map(), text = new TextDecoder();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    if (at + 46 > content.length || view.getUint32(at, true) !== 0x02014b50) throw closed;
    const [length, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const entry = {
      method: view.getUint16(at + 10, true), packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true), start: view.getUint32(at + 42, true),
    };
    const path = text.decode(content.subarray(at + 46, at + 46 + length));
    if (entry.size <= LARGEST && !path.endsWith("/")) entries.set(path, entry);
    at += 46 + length + extra + comment;
  }
  return entries;
}

async function unpacked(name, content, entry) {
  try {
    const view = new DataView(content.buffer, content.byteOffset + entry.start, 30);
    const start = entry.start + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    const packed = content.subarray(start, start + entry.packed);
    if (entry.method === 0) return packed;
    if (entry.method !== 8) throw new Error("another method");
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new ExportError(`${name} is an archive that does not open: unpack it and drop the file inside`);
  }
}

// The text of UTF-8 or UTF-16, or of Windows-1252 where it is neither.
function decoded(content, name) {
  const [first, second] = content;
  let encoding = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  if (encoding === "utf-8" && content.subarray(0, 1000).includes(0)) encoding = second === 0 ? "utf-16le" : "utf-16be";
  let text;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(content);
  } catch {
    text = new TextDecoder("windows-1252").decode(content);
  }
  if (text.includes("\0")) throw new ExportError(`${name} is no text file: drop a CSV or a zip`);
  return text;
}

// [[line number, cells]] of every line that is not empty; quotes as in RFC 4180.
function csvLines(text, separator) {
  const lines = [];
  let cells = [], cell = "", quoted = false, line = 1, started = false;
  const endCell = () => { cells.push(cell); cell = ""; started = false; };
  const endLine = () => {
    endCell();
    if (cells.some((one) => one.trim())) lines.push([line, cells]);
    cells = [];
  };
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted) {
      if (letter === '"' && text[at + 1] === '"') { cell += '"'; at += 1; }
      else if (letter === '"') quoted = false;
      else cell += letter;
      if (letter === "\n") line += 1;
    } else if (letter === '"' && !started) { quoted = true; started = true; }
    else if (letter === separator) endCell();
    else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[at + 1] === "\n") at += 1;
      endLine();
      line += 1;
    } else { cell += letter; started = true; }
  }
  if (cell || cells.length) endLine();
  return lines;
}

// Reads tables into rows {titles, year, movie, imdb, rating, date}; ratings come out on the page's scale.
class ExportReader {
  constructor(about, titleWords, scale) {
    this.about = about;
    this.rules = titleWords;
    this.scale = scale;
  }

  read(tables) {
    const found = { rated: [], unrated: [], others: [] };
    for (const table of tables) this.readTable(table, found);
    return found;
  }

  readTable(table, found) {
    const [separator, layout, lines] = this.recognised(table);
    const columns = new Map(lines[0][1].map((name, place) => [name.trim().toLowerCase(), place]).reverse());
    const users = new Set();
    for (const [line, cells] of lines.slice(1)) {
      const cell = (name) => (columns.has(name) ? (cells[columns.get(name)] ?? "").trim() : "");
      const first = (names) => names.map(cell).find(Boolean) ?? "";
      users.add(first(this.about.users));
      if (users.size > 1) throw new ExportError(`${table.name} line ${line}: a second user; drop the ratings of one user only`);
      let rating = this.rating(layout, cell, separator, `${table.name} line ${line}`);
      let date = layout.date.map((name) => isoDate(cell(name))).filter(Boolean).join(" ");
      if (table.likes && rating === null) {
        rating = this.scale ? this.scale.high : 1;
        date = ""; // a rating comes after a like, whenever that was
      }
      const [titles, year] = this.titles(layout, cell);
      const movie = first(layout.movie), imdb = Number(/[0-9]{1,9}$/.exec(first(layout.imdb))?.[0] ?? 0) || null;
      if (!titles.length && !movie && !imdb) continue;
      const kind = first(layout.kind).toLowerCase().replaceAll(" ", "");
      const other = kind === "tv" || this.about.other_kinds.some((word) => kind.includes(word));
      found[other ? "others" : rating === null ? "unrated" : "rated"].push({ titles, year, movie, imdb, rating, date });
    }
  }

  // The separator that makes the first line one of a known format, the format, and all lines.
  recognised(table) {
    let header = null;
    for (const separator of this.about.separators) {
      const lines = csvLines(table.text, separator);
      if (!lines.length) throw new ExportError(`${table.name} is empty: it needs a line of column names and a line for each rating`);
      header ??= lines[0][1];
      const names = new Set(lines[0][1].map((name) => name.trim().toLowerCase()));
      const layout = this.about.formats.find((one) =>
        [...one.needs, ...(one.rating && !table.likes ? [one.rating] : [])].every((name) => names.has(name)));
      if (layout) return [separator, layout, lines];
    }
    throw new ExportError(`${table.name} has the columns ${header.join(", ").slice(0, 80)}: drop an export of `
      + "Letterboxd, IMDb, TMDb or movielens.org, or a CSV with title,rating");
  }

  titles(layout, cell) {
    const titles = [...new Set(layout.titles.map(cell).filter(Boolean))];
    const split = titles.map((title) => this.rules.split(title));
    const given = layout.year.map((name) => /^(?:18|19|20)[0-9]{2}(?![0-9])/.exec(cell(name))).find(Boolean);
    if (given) { // brackets that do not repeat the year belong to the title
      const year = Number(given[0]);
      return [titles.map((whole, at) => (split[at][1] === null || split[at][1] === year ? split[at][0] : whole)), year];
    }
    return [split.map(([title]) => title), split.map(([, year]) => year).find((year) => year !== null) ?? null];
  }

  // The rating on the page's scale; null where there is none, or 0 of a site that has no 0.
  rating(layout, cell, separator, where) {
    let text = layout.rating ? cell(layout.rating) : "";
    if (separator !== ",") text = text.replace(",", ".");
    if (!text) return null;
    let value = /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
    const theirs = layout.scale ?? this.scale ?? { low: 0, high: Infinity, step: 0 };
    if (layout.scale && (value === 0 || value === -1)) return null;
    if (layout.scale && theirs.step === 0 && value > 0 && value < theirs.low) value = theirs.low;
    if (!allowedRating(value, theirs)) {
      throw new ExportError(`${where}: the rating “${text.slice(0, 40)}” is off the scale: give one from ${theirs.low} to ${theirs.high}`);
    }
    if (!this.scale || !layout.scale) return this.scale ? value : 1;
    const { low, high } = this.scale;
    return low + (value - theirs.low) / (theirs.high - theirs.low) * (high - low);
  }
}

function allowedRating(value, { low, high, step }) {
  if (!(value >= low && value <= high)) return false;
  return !step || Math.abs(((value - low) / step + 0.5) % 1 - 0.5) < 1e-3;
}

// A date in ISO form, which orders as text; "" where it is none.
function isoDate(text) {
  if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text)) return text.slice(0, 19).replace(" ", "T");
  if (!/^[0-9]{1,11}(\.[0-9]*)?$/.test(text)) return "";
  return new Date(Math.min(parseInt(text, 10), 253402300799) * 1000).toISOString().slice(0, 19);
}

// Finds the movies of rows: by IMDb id where the page has them, else by title, else by the release's own id.
class ExportMatcher {
  constructor(catalogue, titleWords) {
    this.catalogue = catalogue;
    this.rules = titleWords;
    this.titles = new TitleMatcher(catalogue, titleWords);
    this.imdb = new Map((catalogue.imdb ?? []).map((id, item) => [id, item]).filter(([id]) => id !== null));
  }

  find(row) {
    if (row.imdb !== null && this.imdb.has(row.imdb)) return [this.imdb.get(row.imdb)];
    const own = this.catalogue.place.get(row.movie.replace(/\.0$/, ""));
    if (own !== undefined && row.movie && this.sameName(row, own)) return [own];
    const found = this.titles.match(row.titles, row.year);
    const another = row.imdb !== null && found.length === 1 && (this.catalogue.imdb?.[found[0]] ?? null) !== null;
    return another ? [] : found; // the ids say that it is another movie of that name
  }

  sameName(row, item) {
    const title = this.catalogue.titles[item], year = this.catalogue.years[item];
    if (!row.titles.length || !title) return true;
    const key = this.rules.keys(title)[2];
    return row.titles.some((one) => this.rules.keys(one)[2] === key) && (row.year === null || year === null || row.year === year);
  }

  // {pairs: [[item, rating]] with the latest last, seen: [item], total, missing: [names]}
  match({ rated, unrated, others }) {
    const pairs = [], missing = [];
    for (const row of rated) {
      const found = this.find(row);
      if (found.length === 1) pairs.push([row.date, found[0], row.rating]);
      else missing.push(row.titles.at(-1) ?? `#${row.movie || row.imdb}`);
    }
    pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    const seen = unrated.map((row) => this.find(row)).filter((found) => found.length === 1).map(([item]) => item);
    return { pairs: pairs.map(([, item, rating]) => [item, rating]), seen, total: rated.length, missing, others: others.length };
  }
}
