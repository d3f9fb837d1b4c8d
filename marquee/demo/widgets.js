"use strict";
// Parts of the page: an element, the stars of a film, a row of a list, a card of the recommendations.

function element(name, properties = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") found.setAttribute(key, value);
    else found[key] = value;
  }
  found.append(...children.filter((child) => child !== null));
  return found;
}

const named = ({ title, year }) => (year === null ? title : `${title} (${year})`);

// How the scale is given: stars of one or half a step, a number, or liked and not (counts).
class RatingScale {
  constructor(scale) {
    this.scale = scale;
    this.stars = scale && [0.5, 1].includes(scale.step) && scale.high <= 10 && scale.low > 0 && scale.low <= 1
      && Number.isInteger(scale.high) ? scale.high : 0;
    this.halves = this.stars > 0 && scale.step === 0.5;
    if (!scale) this.stars = 1;
  }

  // What pressing star `n` makes of a rating: the same star again takes half off, or removes the rating.
  pressed(n, before) {
    if (!this.scale) return before ? null : 1;
    if (this.halves && before === n) return n - 0.5;
    return before === n ? null : n;
  }

  words(rating) {
    if (!this.scale) return "liked";
    return this.stars ? `${shownRating(rating)} ${rating === 1 ? "star" : "stars"}` : shownRating(rating);
  }

  short(rating) {
    if (!this.scale) return "♥";
    return this.stars ? `${shownRating(rating)}★` : shownRating(rating);
  }
}

// The group that rates one film. `rate(rating or null)` is called; `show(rating)` sets what is shown.
function ratingGroup(film, scale, rate) {
  const group = element("div", { className: "stars", role: "group", "aria-label": `Your rating of ${named(film)}` });
  let current = null;
  const press = (n) => rate(scale.pressed(n, current));
  if (!scale.stars) {
    const { low, high, step } = scale.scale;
    const field = element("input", { type: "number", min: low, max: high, step: step || "any", placeholder: `${low}–${high}` });
    field.setAttribute("aria-label", `Your rating of ${named(film)}, ${low} to ${high}`);
    field.addEventListener("change", () => {
      const value = field.value === "" ? null : Number(field.value);
      if (value !== null && !allowedRating(value, scale.scale)) { field.reportValidity(); return; }
      rate(value);
    });
    group.append(field);
    return Object.assign(group, { press: () => field.focus(), show: (rating) => { current = rating; field.value = rating ?? ""; } });
  }
  const buttons = Array.from({ length: scale.stars }, (_, at) => {
    const button = element("button", { type: "button", tabIndex: at ? -1 : 0, "data-n": at + 1 });
    button.append(element("span", { "aria-hidden": "true" }));
    button.addEventListener("click", () => press(at + 1));
    return button;
  });
  group.append(...buttons);
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step && buttons[buttons.indexOf(document.activeElement) + step];
    if (next) { event.preventDefault(); next.focus(); }
  });
  const show = (rating) => {
    current = rating;
    const drawn = Math.round(2 * (rating ?? 0)) / 2, last = Math.ceil(drawn);
    buttons.forEach((button, at) => {
      const n = at + 1, on = rating !== null && n <= last, half = on && n - drawn === 0.5;
      button.className = half ? "half" : on ? "on" : "";
      button.firstChild.textContent = (scale.scale ? "☆★" : "♡♥")[Number(on)];
      button.tabIndex = n === Math.max(last, 1) ? 0 : -1;
      button.setAttribute("aria-pressed", String(on && n === last));
      button.setAttribute("aria-label", on && n === last && scale.scale ? scale.words(rating) : scale.scale ? `${n} ${n === 1 ? "star" : "stars"}` : "I liked it");
    });
  };
  show(null);
  return Object.assign(group, { press: (n) => n <= buttons.length && press(n), show });
}

// A line with a film and its stars. `actions`: {rate, remove, similar}; what is left out has no button.
function filmRow(film, scale, actions) {
  const stars = ratingGroup(film, scale, (rating) => actions.rate(film, rating));
  const words = [film.year, film.genres.slice(0, 3).join(", ")].filter(Boolean).join(" · ");
  const tools = element("div", { className: "row-tools" }, stars);
  if (actions.remove) {
    const remove = element("button", { type: "button", className: "icon remove", textContent: "×", "aria-label": `Remove the rating of ${named(film)}` });
    remove.addEventListener("click", () => actions.remove(film));
    tools.append(remove);
  }
  const row = element("li", { className: "row" },
    element("div", { className: "row-film" }, element("span", { className: "film-title", textContent: film.title }),
      element("span", { className: "meta", textContent: words })), tools);
  return Object.assign(row, { film, stars });
}

// A generated picture: the film's first letter over colours of its genres.
function picture(film, genreNames) {
  const turn = (name) => Math.round((genreNames.indexOf(name) * 137.508 + 25) % 360); // the golden angle keeps them apart
  const [first = "", second = first] = film.genres;
  let mixed = 0;
  for (const letter of film.title) mixed = (mixed * 31 + letter.codePointAt(0)) % 9973;
  const hue = (first ? turn(first) : 25) + mixed % 50;
  const art = element("div", { className: "art", "aria-hidden": "true" },
    element("span", { className: "initial", textContent: [...film.title.replace(/^(The|A|An) /, "")][0] ?? "?" }),
    element("span", { className: "rank" }));
  art.style.setProperty("--hue", hue);
  art.style.setProperty("--hue-2", second === first ? hue + 45 : turn(second));
  art.style.setProperty("--x", `${15 + mixed % 70}%`);
  art.style.setProperty("--y", `${10 + (mixed >> 4) % 60}%`);
  art.style.setProperty("--turn", `${mixed % 180}deg`);
  return art;
}

function outLink(text, film, address) {
  return element("a", { href: address, textContent: text, rel: "noreferrer noopener", target: "_blank", "aria-label": `${named(film)} at ${text}` });
}

// A recommendation. `actions`: {rate, similar, hide}.
function filmCard(film, scale, genreNames, actions) {
  const stars = ratingGroup(film, scale, (rating) => actions.rate(film, rating));
  const button = (text, act) => {
    const found = element("button", { type: "button", textContent: text, "aria-label": `${text}: ${named(film)}` });
    found.addEventListener("click", () => act(film));
    return found;
  };
  const art = picture(film, genreNames), why = element("p", { className: "why" });
  const links = [
    film.imdb && outLink("IMDb", film, `https://www.imdb.com/title/tt${String(film.imdb).padStart(7, "0")}/`),
    film.tmdb && outLink("TMDb", film, `https://www.themoviedb.org/movie/${film.tmdb}`),
  ].filter(Boolean);
  const tags = film.tags?.length ? element("ul", { className: "tags", "aria-label": "Tags" }, ...film.tags.map((textContent) => element("li", { textContent }))) : null;
  const bar = element("span", { className: "bar", "aria-hidden": "true" }, element("span"));
  const score = element("span", { className: "score" });
  const heading = element("h3", {}, film.title);
  if (film.year !== null) heading.append(" ", element("span", { className: "year", textContent: film.year }));
  const card = element("li", { className: "card", tabIndex: -1 }, art,
    element("div", { className: "card-body" }, heading,
      element("p", { className: "meta", textContent: film.genres.join(" · ") }), tags, why,
      element("p", { className: "match" }, bar, score), stars,
      element("div", { className: "card-tools" }, button("More like this", actions.similar), button("Not interested", actions.hide), ...links)));
  const show = (rank, one, rating, wordsOf, most) => {
    why.replaceChildren(...wordsOf(one));
    stars.show(rating);
    const scored = one.score !== undefined;
    card.querySelector(".match").hidden = art.querySelector(".rank").hidden = !scored;
    art.querySelector(".rank").textContent = rank;
    if (scored) {
      bar.firstChild.style.setProperty("width", `${Math.max(4, Math.min(100, 100 * one.score / most))}%`);
      score.textContent = `score ${one.score.toPrecision(3)}`;
    }
  };
  return Object.assign(card, { film, stars, show });
}

// Puts rows into a list without losing the focus, and lets them glide to their new places.
function arrange(list, rows) {
  if (rows.length === list.children.length && rows.every((row, at) => row === list.children[at])) return;
  const before = new Map([...list.children].map((row) => [row, row.getBoundingClientRect()]));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  list.replaceChildren(...rows);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const row of rows) {
    const old = before.get(row), now = row.getBoundingClientRect();
    if (!old) row.animate([{ opacity: 0 }, { opacity: 1 }], 180);
    else if (old.top !== now.top || old.left !== now.left) {
      row.animate([{ transform: `translate(${old.left - now.left}px, ${old.top - now.top}px)` }, { transform: "none" }],
        { duration: 220, easing: "ease-out" });
    }
  }
}
