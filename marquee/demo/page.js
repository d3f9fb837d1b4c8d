"use strict";
// The page: what the visitor rated, the list that follows from it, and everything that changes either.

const PAGE = 20; // films that a list grows by
const FOUND = 6; // results of a search
const SMALL = 0.05; // part of a score below which a second or third reason is not named
const part = (id) => document.getElementById(id);

class Page {
  constructor(data, engine, catalogue) {
    Object.assign(this, { data, engine, catalogue });
    this.scale = new RatingScale(data.scale);
    this.genreNames = data.genres;
    this.rules = new TitleWords(data.words);
    this.search = new TitleSearch(catalogue, this.rules);
    this.films = new Map(); // id → film, of all that were shown
    this.ratings = new Map(); // id → rating, the latest last
    this.hidden = new Set();
    this.seen = new Set();
    this.history = [];
    this.length = PAGE;
    this.shown = [];
    this.asked = 0;
    this.kept = { rated: new Map(), cards: new Map(), found: new Map() };
  }

  async start() {
    this.describe();
    this.listen();
    this.readLink();
    await this.draw();
    document.documentElement.dataset.ready = "";
  }

  // What has to be said once.
  describe() {
    const { data, catalogue, genreNames } = this, server = this.engine instanceof ServerEngine;
    part("privacy").textContent = server
      ? `Your ratings are sent to the server of this page and to nobody else. It ${data.stores ? "keeps them to learn from." : "does not keep them."}`
      : "Nothing leaves this page: it works without a network, and what you rate stays in this tab and in its address.";
    if (data.stores) {
      const own = element("a", { href: `visitor/${visitor()}`, textContent: "See or delete what it keeps of you." });
      part("privacy").append(" ", own);
    }
    const count = catalogue.length.toLocaleString("en");
    const known = catalogue.length < catalogue.total ? `the ${count} most rated of ${catalogue.total.toLocaleString("en")} films` : `${count} films`;
    part("about").textContent = `Marquee's model ${this.engine.name ?? ""} knows ${known} of ${data.data}. `
      + "Scores order a list; they are no probabilities.";
    part("half-hint").hidden = !this.scale.halves;
    part("drop").hidden = false;
    part("drop").open = matchMedia("(min-width: 60rem)").matches;
    part("genres").append(...genreNames.map((name) => element("label", { className: "chip" },
      element("input", { type: "checkbox", value: name }), element("span", { textContent: name }))));
  }

  listen() {
    const on = (id, event, act) => part(id).addEventListener(event, act);
    on("query", "input", () => this.find());
    on("filter-form", "input", () => this.refresh());
    on("filter-form", "reset", () => setTimeout(() => this.refresh()));
    on("filter-form", "submit", (event) => event.preventDefault());
    on("undo", "click", () => this.undo());
    on("clear", "click", () => this.change("Cleared all ratings", () => { this.ratings.clear(); this.hidden.clear(); this.seen.clear(); }));
    on("unhide", "click", () => this.change("Showing all films again", () => this.hidden.clear()));
    on("link", "click", () => this.copy(location.href, "Link copied. It holds your ratings: whoever opens it sees them"));
    on("copy", "click", () => this.copyList());
    on("more", "click", () => this.showMore());
    on("choose", "click", () => part("file").click());
    on("file", "change", () => { this.importFiles([...part("file").files]); part("file").value = ""; });
    on("help", "click", () => part("keys").showModal());
    on("model", "change", () => { this.engine.name = part("model").value; this.draw(); });
    addEventListener("hashchange", () => { if (this.readLink()) this.draw(); });
    document.addEventListener("keydown", (event) => onKey(this, event));
    onDroppedFiles(() => !part("drop").hidden, (over) => { part("dropping").hidden = !over; }, (files) => this.importFiles(files));
    followTheme(part("theme"));
  }

  // Changes of state. Each can be undone.

  async change(words, act) {
    this.history.push({ words, ratings: new Map(this.ratings), hidden: new Set(this.hidden), seen: new Set(this.seen) });
    act();
    this.writeLink();
    this.say(words);
    await this.draw();
  }

  async undo() {
    const last = this.history.pop();
    if (!last) return;
    Object.assign(this, { ratings: last.ratings, hidden: last.hidden, seen: last.seen });
    this.writeLink();
    this.say(`Undone: ${last.words}`);
    await this.draw();
  }

  async rate(film, rating) {
    this.films.set(String(film.movie), film);
    const id = String(film.movie), place = this.shown.findIndex((one) => String(one.movie) === id);
    const card = document.activeElement?.closest(".card"), fromSearch = document.activeElement?.closest("#found");
    await this.change(rating === null ? `Removed the rating of ${film.title}` : `${film.title}: ${this.scale.words(rating)}`, () => {
      this.ratings.delete(id);
      if (rating !== null) this.ratings.set(id, rating);
    });
    if (card && !card.isConnected) this.focusCard(place);
    if (fromSearch) part("query").select();
    if (this.data.stores) this.store(film.movie, rating, place);
  }

  async hide(film) {
    const place = this.shown.findIndex((one) => one.movie === film.movie);
    await this.change(`Not interested in ${film.title}`, () => this.hidden.add(String(film.movie)));
    this.focusCard(place);
  }

  focusCard(place) {
    const cards = part("list").children;
    (cards[Math.min(Math.max(place, 0), cards.length - 1)] ?? part("list-heading")).focus({ preventScroll: true });
  }

  async store(movie, rating, place) {
    try {
      await this.engine.store(visitor(), [{ movie, rating, position: place < 0 ? null : place + 1 }]);
    } catch (error) {
      this.say(`The server did not keep the rating: ${error.message}`);
    }
  }

  // The list

  filters() {
    const number = (id) => (part(id).value === "" ? null : Number(part(id).value)), hideSeen = part("hide-seen").checked;
    return {
      k: this.length, genres: [...part("genres").querySelectorAll(":checked")].map((box) => box.value),
      years: [number("from"), number("to")], min_ratings: number("least") ?? 0, keep_rated: !hideSeen,
      hide: [...this.hidden, ...(hideSeen ? this.seen : [])].map((id) => this.id(id)),
    };
  }

  // The film of an id; of a newer catalogue, one that the server has shown.
  film(id) {
    const item = this.catalogue.place.get(id);
    return item === undefined ? this.films.get(id) : this.catalogue.movie(item);
  }

  // The id as the release has it: a number or text.
  id(text) {
    return this.film(text).movie;
  }

  refresh() {
    this.length = PAGE;
    return this.draw();
  }

  async showMore() {
    const place = this.shown.length;
    this.length += PAGE;
    await this.draw();
    this.focusCard(place);
  }

  async draw() {
    const asked = this.asked += 1, filters = this.filters();
    const ratings = [...this.ratings].map(([id, rating]) => ({ movie: this.id(id), rating }));
    let found = [], fault = null;
    try {
      found = await this.engine.recommend(ratings, filters);
    } catch (error) {
      fault = error;
    }
    if (asked !== this.asked) return; // a later change has asked anew
    const liked = this.engine.liked(ratings).length > 0;
    const list = found.length || liked || fault ? found : this.starters(filters);
    this.drawList(list, filters.k);
    this.drawMessage(fault, ratings.length, liked, found.length);
    this.drawRated();
    this.drawControls(filters);
    this.drawFound();
  }

  // Well-known films to begin with.
  starters(filters) {
    const { catalogue } = this;
    const allowed = catalogue.allowed({ ...filters, hide: [...filters.hide, ...[...this.ratings.keys()].map((id) => this.id(id))] });
    return best(catalogue.ratings, allowed, 12).map((item) => catalogue.movie(item));
  }

  drawList(found, k) {
    this.shown = found;
    const most = Math.max(...found.map((one) => one.score ?? 0));
    const cards = found.map((one, at) => {
      const id = String(one.movie);
      this.films.set(id, one);
      let card = this.kept.cards.get(id);
      if (!card) {
        card = filmCard(one, this.scale, this.genreNames, {
          rate: (film, rating) => this.rate(film, rating), similar: (film) => this.showSimilar(film), hide: (film) => this.hide(film),
        });
        this.kept.cards.set(id, card);
      }
      card.show(at + 1, one, this.ratings.get(id) ?? null, (film) => this.why(film), most);
      return card;
    });
    arrange(part("list"), cards);
    part("more").hidden = found.length < k;
  }

  // Why a film is in the list, as text and names.
  why({ why = [], ratings, score }) {
    if (!why.length) return [score === undefined || !ratings ? `Rated by ${(ratings ?? 0).toLocaleString("en")} people` : "Many like it who rate like you"];
    const words = why.filter(({ share }, at) => !at || share >= SMALL).map(({ movie, share }) => {
      const id = String(movie), given = this.ratings.get(id);
      return [element("strong", { textContent: this.film(id).title }),
        `${given === undefined ? "" : ` ${this.scale.short(given)}`} (${Math.round(100 * share)}%)`];
    });
    const between = (at) => (at === 0 ? "" : at === words.length - 1 ? " and " : ", ");
    return ["Because you rated ", ...words.flatMap((one, at) => [between(at), ...one])];
  }

  drawMessage(fault, rated, liked, found) {
    const box = part("message"), heading = part("list-heading");
    heading.textContent = liked ? "For you" : "Start here";
    const say = (title, text, ...buttons) => box.replaceChildren(element("h3", { textContent: title }), element("p", { textContent: text }), ...buttons);
    const least = this.data.scale && this.scale.words(this.data.scale.threshold);
    const reset = element("button", { type: "button", textContent: "Reset the filters" });
    reset.addEventListener("click", () => { part("filter-form").reset(); heading.focus(); });
    box.hidden = false;
    if (fault) say("No answer", fault.message);
    else if (!rated) {
      say("Tell me what you like",
        "Rate three films: search for one, or press the stars of a film below. The list then follows every rating you give, and says which of them each film owes its place to.");
    } else if (!liked) {
      say("Nothing to go by yet", `The model learns from films that you like: those of ${least} or more. Rate one so, or press the stars below.`);
    } else if (!found) say("No film fits these filters", "Choose fewer genres, more years, or fewer ratings.", reset);
    else box.hidden = true;
  }

  drawRated() {
    const rows = [...this.ratings].reverse().map(([id, rating]) => {
      let row = this.kept.rated.get(id);
      if (!row) {
        const film = this.film(id);
        row = filmRow(film, this.scale, { rate: (one, value) => this.rate(one, value), remove: (one) => this.remove(one) });
        this.kept.rated.set(id, row);
      }
      row.stars.show(rating);
      return row;
    });
    part("rated-part").hidden = !rows.length;
    part("rated-heading").textContent = `Rated: ${rows.length}`;
    arrange(part("rated"), rows);
  }

  async remove(film) {
    const rows = [...part("rated").children], place = rows.findIndex((row) => row.film.movie === film.movie);
    await this.rate(film, null);
    (part("rated").children[Math.min(place, part("rated").children.length - 1)]?.querySelector("button") ?? part("query")).focus();
  }

  drawControls({ genres, years, min_ratings: least, keep_rated: all }) {
    part("undo").disabled = !this.history.length;
    part("link").disabled = part("clear").disabled = !(this.ratings.size + this.hidden.size + this.seen.size);
    part("copy").disabled = !this.shown.length;
    const on = genres.length + years.filter((year) => year !== null).length + (least > 0) + all;
    part("filters-on").textContent = on ? `(${on} on)` : "";
    part("hidden-part").hidden = !this.hidden.size;
    part("hidden-count").textContent = `${this.hidden.size} ${this.hidden.size === 1 ? "film" : "films"} marked “not interested”.`;
  }

  // Search

  find() {
    const query = part("query").value;
    this.results = query.trim() ? this.search.find(query, FOUND).map((item) => this.catalogue.movie(item)) : [];
    if (query.trim() && !this.results.length) this.say(`No film is called “${query.trim()}”`);
    this.drawFound();
  }

  drawFound() {
    const query = part("query").value.trim(), results = this.results ?? [];
    const rows = results.map((film) => {
      const id = String(film.movie);
      if (!this.kept.found.has(id)) this.kept.found.set(id, filmRow(film, this.scale, { rate: (one, value) => this.rate(one, value) }));
      const row = this.kept.found.get(id);
      row.stars.show(this.ratings.get(id) ?? null);
      return row;
    });
    if (query && !rows.length) rows.push(element("li", { className: "row none", textContent: `No film is called “${query}”.` }));
    arrange(part("found"), rows);
    part("query-hint").hidden = !results.length;
  }

  async showSimilar(film) {
    part("similar-heading").textContent = `Similar to ${named(film)}`;
    let rows;
    try {
      const found = await this.engine.similar(film.movie, 10);
      rows = found.map((one) => {
        this.films.set(String(one.movie), one);
        const row = filmRow(one, this.scale, {
          rate: async (rated, value) => { await this.rate(rated, value); row.stars.show(value); },
        });
        row.stars.show(this.ratings.get(String(one.movie)) ?? null);
        return row;
      });
    } catch (error) {
      rows = [element("li", { className: "row none", textContent: error.message })];
    }
    part("similar-list").replaceChildren(...(rows.length ? rows : [element("li", { className: "row none", textContent: "The model finds no film similar to this one." })]));
    if (!part("similar").open) part("similar").showModal();
  }

  // Exports

  async importFiles(files) {
    if (!files.length) return;
    try {
      const reader = new ExportReader(this.data.exports, this.rules, this.data.scale);
      this.matcher ??= new ExportMatcher(this.catalogue, this.rules);
      const found = this.matcher.match(reader.read(await exportTables(files)));
      if (!found.pairs.length && !found.seen.length) {
        throw new ExportError(found.total ? `None of the ${found.total} films in it is on this page` : "The file has no ratings");
      }
      const ids = (items) => items.map((item) => String(this.catalogue.ids[item]));
      const left = found.missing.length ? `; left out, for example ${[...new Set(found.missing)].slice(0, 3).join(", ")}` : "";
      const watched = found.seen.length ? `; ${found.seen.length} more as seen` : "";
      await this.change(`${found.pairs.length} of ${found.total} rated films found${watched}${left}`, () => {
        for (const [item, rating] of found.pairs) {
          const id = String(this.catalogue.ids[item]);
          this.ratings.delete(id);
          this.ratings.set(id, rating);
        }
        for (const id of ids(found.seen)) if (!this.ratings.has(id)) this.seen.add(id);
      });
    } catch (error) {
      if (!(error instanceof ExportError)) throw error;
      this.say(error.message, true);
    }
  }

  // The address holds the ratings.

  writeLink() {
    this.fragment = toFragment(this);
    history.replaceState(null, "", this.fragment);
  }

  // Takes over what the address holds; returns whether it differs from what there is.
  readLink() {
    if (location.hash === (this.fragment ?? "") || !location.hash.includes("=")) return false;
    const known = (id) => this.catalogue.place.has(id);
    Object.assign(this, fromFragment(location.hash, known, this.data.scale), { fragment: location.hash });
    return true;
  }

  copyList() {
    const lines = this.shown.map((one, at) => `${at + 1}. ${named(one)}`);
    return this.copy(`${lines.join("\n")}\n`, `${lines.length} titles copied`);
  }

  async copy(text, words) {
    if (await copyText(text)) this.say(words);
    else this.say("The browser does not allow copying", true);
  }

  say(words, fault = false) {
    const toast = part("toast");
    toast.classList.toggle("fault", fault);
    toast.replaceChildren(element("span", { textContent: words }));
    toast.classList.add("on");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => toast.classList.remove("on"), fault ? 12000 : 5000);
  }

}

async function startPage() {
  const data = JSON.parse(part("data").textContent);
  if (!data.model && data.api === undefined) throw new Error("It was written without a model: name one at demo.model in params.yaml.");
  const catalogue = new Catalogue(data);
  const engine = await createEngine(data, catalogue);
  const page = new Page(data, engine, catalogue);
  if (engine instanceof ServerEngine) {
    const names = await engine.models();
    part("model").append(...names.map((name) => element("option", { value: name, textContent: name })));
    part("model-choice").hidden = names.length < 2;
  }
  await page.start();
  return page;
}

// A test reads `marquee.page`.
const marquee = {};
startPage().then((page) => { marquee.page = page; }, (error) => {
  part("message").hidden = false;
  part("message").replaceChildren(element("h3", { textContent: "This page does not start" }), element("p", { textContent: error.message }));
  throw error;
});
