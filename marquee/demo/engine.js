"use strict";
// An engine answers `recommend(ratings, filters)` and `similar(movie, k)` with promises of lists. One computes in the
// page from the model in its data block, one asks a server. Nothing else on the page knows which it is.

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const doubles = (text) => new Float64Array(bytesOf(text).buffer);
const floats = (text) => Float64Array.from(new Float32Array(bytesOf(text).buffer));

async function inflated(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Whole numbers of seven bits a byte, the lowest first; a set eighth bit says that one follows.
function varints(bytes) {
  const found = new Int32Array(bytes.length);
  let n = 0, value = 0, shift = 0;
  for (const byte of bytes) {
    value += (byte & 127) * 2 ** shift;
    if (byte & 128) shift += 7;
    else { found[n] = value; n += 1; value = 0; shift = 0; }
  }
  return found.subarray(0, n);
}

class Catalogue {
  constructor({ movies, genres, n_movies: total }) {
    this.ids = movies.id;
    this.titles = movies.title;
    this.years = movies.year;
    this.genreNames = genres;
    this.genres = movies.genres;
    this.ratings = movies.ratings;
    this.imdb = movies.imdb;
    this.tmdb = movies.tmdb;
    this.tagNames = movies.tag_names;
    this.tags = movies.tags;
    this.total = total;
    this.place = new Map(movies.id.map((id, item) => [String(id), item]));
  }

  get length() {
    return this.ids.length;
  }

  // A movie as an answer has it.
  movie(item) {
    return {
      movie: this.ids[item], title: this.titles[item] ?? `#${this.ids[item]}`, year: this.years[item],
      genres: this.genres[item].map((one) => this.genreNames[one]), ratings: this.ratings[item],
      imdb: this.imdb?.[item] ?? null, tmdb: this.tmdb?.[item] ?? null,
      tags: (this.tags?.[item] ?? []).map((one) => this.tagNames[one]),
    };
  }

  // Which movies the filters allow; one without a year has no place between two years.
  allowed({ genres = [], years = [], min_ratings = 0, hide = [] }) {
    const wanted = genres.map((name) => this.genreNames.indexOf(name)), [low, high] = years;
    const hidden = new Set(hide.map((id) => this.place.get(String(id))));
    return (item) => wanted.every((one) => this.genres[item].includes(one))
      && ((low ?? null) === null || (this.years[item] !== null && this.years[item] >= low))
      && ((high ?? null) === null || (this.years[item] !== null && this.years[item] <= high))
      && this.ratings[item] >= min_ratings && !hidden.has(item);
  }
}

// Items of the highest scores; of equal scores the first.
function best(scores, allowed, k) {
  const items = [];
  for (let item = 0; item < scores.length; item += 1) if (allowed(item)) items.push(item);
  return items.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, k);
}

class PageEngine {
  constructor(catalogue, model, scale) {
    this.catalogue = catalogue;
    this.name = model.name;
    this.threshold = scale ? scale.threshold : 0;
  }

  models() {
    return Promise.resolve([this.name]);
  }

  // Which of the ratings the model learns from.
  liked(ratings) {
    return ratings.filter(({ rating }) => rating >= this.threshold);
  }

  async recommend(ratings, filters = {}) {
    const { place } = this.catalogue;
    const liked = this.liked(ratings).map(({ movie }) => place.get(String(movie))).filter((item) => item !== undefined);
    if (!liked.length) return [];
    const scores = this.scores(liked);
    const rated = filters.keep_rated ? [] : ratings.map(({ movie }) => movie);
    const allowed = this.catalogue.allowed({ ...filters, hide: [...rated, ...(filters.hide ?? [])] });
    const items = best(scores, allowed, filters.k ?? 20);
    const effects = this.effects(liked, items);
    return items.map((item, at) => ({
      ...this.catalogue.movie(item), score: scores[item], why: this.why(liked, effects[at]),
    }));
  }

  // The three ratings that add most, each with its part of what all that raise the score add.
  why(liked, effects) {
    const whole = effects.reduce((sum, one) => sum + Math.max(one, 0), 0);
    return liked.map((item, at) => [effects[at], item]).filter(([one]) => one > 0)
      .sort((a, b) => b[0] - a[0]).slice(0, 3)
      .map(([one, item]) => ({ movie: this.catalogue.ids[item], share: one / whole }));
  }

  async similar(movie, k = 10) {
    const item = this.catalogue.place.get(String(movie));
    const similarityOf = this.similarityOf(item);
    const items = best(similarityOf, (other) => other !== item && similarityOf[other] > 0, k);
    return items.map((other) => ({ ...this.catalogue.movie(other), score: similarityOf[other] }));
  }
}

// EASE: score_j = Σ over liked i of B_ij, with B_ij = B_ji rows_i columns_j / (rows_j columns_i) from half of a
// symmetric matrix of whole numbers, row by row below its diagonal.
class WeightsEngine extends PageEngine {
  static async create(catalogue, model, scale) {
    const engine = new WeightsEngine(catalogue, model, scale), n = catalogue.length;
    const [gaps, zigzag] = (await Promise.all([inflated(model.gaps), inflated(model.values)])).map(varints);
    engine.rows = floats(model.rows);
    engine.columns = floats(model.columns);
    engine.values = zigzag.map((value) => (value % 2 ? -(value + 1) / 2 : (value + 2) / 2));
    engine.other = new Int32Array(gaps.length);
    engine.starts = new Int32Array(n + 1);
    let row = 1, before = 0, place = -1; // `before`: entries of the rows above
    for (let at = 0; at < gaps.length; at += 1) {
      place += gaps[at] + 1;
      while (place >= before + row) { before += row; row += 1; engine.starts[row] = at; }
      engine.other[at] = place - before;
    }
    engine.starts.fill(gaps.length, row + 1);
    return engine;
  }

  // Q x for the symmetric Q.
  product(x) {
    const { starts, other, values } = this, out = new Float64Array(x.length);
    for (let row = 1; row < x.length; row += 1) {
      const own = x[row];
      let sum = 0;
      for (let at = starts[row]; at < starts[row + 1]; at += 1) {
        sum += x[other[at]] * values[at];
        out[other[at]] += own * values[at];
      }
      out[row] += sum;
    }
    return out;
  }

  scores(liked) {
    const x = new Float64Array(this.catalogue.length);
    for (const item of liked) x[item] = this.rows[item];
    return this.product(x).map((value, item) => value * this.columns[item]);
  }

  effects(liked, items) {
    const { starts, other, values, rows, columns } = this;
    const likedAt = new Map(liked.map((item, at) => [item, at])), listedAt = new Map(items.map((item, at) => [item, at]));
    const found = items.map(() => new Float64Array(liked.length));
    const add = (from, to, value) => {
      if (likedAt.has(from) && listedAt.has(to)) found[listedAt.get(to)][likedAt.get(from)] = value * rows[from] * columns[to];
    };
    const concerned = new Uint8Array(this.catalogue.length);
    for (const item of [...liked, ...items]) concerned[item] = 1;
    for (let row = 1; row < concerned.length; row += 1) {
      if (!concerned[row]) continue;
      for (let at = starts[row]; at < starts[row + 1]; at += 1) {
        if (!concerned[other[at]]) continue;
        add(row, other[at], values[at]);
        add(other[at], row, values[at]);
      }
    }
    return found;
  }

  // Cosines of the weights that each movie is predicted with, the columns of B.
  similarityOf(item) {
    const n = this.catalogue.length, { rows, starts, other, values } = this;
    if (!this.lengths) {
      const squares = new Float64Array(n);
      for (let row = 1; row < n; row += 1) {
        for (let at = starts[row]; at < starts[row + 1]; at += 1) {
          squares[row] += (rows[other[at]] * values[at]) ** 2;
          squares[other[at]] += (rows[row] * values[at]) ** 2;
        }
      }
      this.lengths = squares.map(Math.sqrt);
    }
    const one = new Float64Array(n);
    one[item] = 1;
    const own = this.product(one).map((value, at) => value * rows[at] ** 2);
    return this.product(own).map((value, at) => (value ? value / (this.lengths[item] * this.lengths[at]) : 0));
  }
}

// iALS: p = (Σ over liked of q qᵀ + unrated + ridge I)⁻¹ Σ over liked of q, score_j = p · q_j.
class FactorsEngine extends PageEngine {
  static async create(catalogue, model, scale) {
    const engine = new FactorsEngine(catalogue, model, scale);
    engine.model = model;
    engine.factors = floats(model.factors);
    engine.unrated = doubles(model.unrated);
    return engine;
  }

  vector(item) {
    const { dim } = this.model;
    return this.factors.subarray(item * dim, (item + 1) * dim);
  }

  // The lower triangle L of the system's Cholesky factor, L Lᵀ.
  system(liked) {
    const { dim, regularization, exponent, unrated_weight: unrated } = this.model, a = Float64Array.from(this.unrated);
    const ridge = regularization * (liked.length + unrated) ** exponent;
    for (let i = 0; i < dim; i += 1) a[i * dim + i] += ridge;
    for (const q of liked.map((item) => this.vector(item))) {
      for (let i = 0; i < dim; i += 1) for (let j = 0; j <= i; j += 1) a[i * dim + j] += q[i] * q[j];
    }
    for (let j = 0; j < dim; j += 1) {
      for (let i = j; i < dim; i += 1) {
        let sum = a[i * dim + j];
        for (let k = 0; k < j; k += 1) sum -= a[i * dim + k] * a[j * dim + k];
        a[i * dim + j] = i === j ? Math.sqrt(sum) : sum / a[j * dim + j];
      }
    }
    return a;
  }

  solve(system, right) {
    const { dim } = this.model, x = Float64Array.from(right);
    for (let i = 0; i < dim; i += 1) {
      for (let k = 0; k < i; k += 1) x[i] -= system[i * dim + k] * x[k];
      x[i] /= system[i * dim + i];
    }
    for (let i = dim - 1; i >= 0; i -= 1) {
      for (let k = i + 1; k < dim; k += 1) x[i] -= system[k * dim + i] * x[k];
      x[i] /= system[i * dim + i];
    }
    return x;
  }

  products(vector) {
    return Float64Array.from({ length: this.catalogue.length }, (_, item) => dot(this.vector(item), vector));
  }

  scores(liked) {
    this.folded = this.system(liked);
    const sum = new Float64Array(this.model.dim);
    for (const item of liked) this.vector(item).forEach((value, at) => { sum[at] += value; });
    return this.products(this.solve(this.folded, sum));
  }

  effects(liked, items) {
    return items.map((item) => {
      const solved = this.solve(this.folded, this.vector(item));
      return liked.map((one) => dot(this.vector(one), solved));
    });
  }

  similarityOf(item) {
    const length = (vector) => Math.sqrt(dot(vector, vector)) || 1, own = length(this.vector(item));
    return this.products(this.vector(item)).map((value, at) => value / (own * length(this.vector(at))));
  }
}

function dot(one, other) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += one[at] * other[at];
  return sum;
}

// A server's models, at an address that ends in a slash or is empty.
class ServerEngine {
  constructor(base, catalogue) {
    this.base = base;
    this.catalogue = catalogue;
    this.name = null;
  }

  async call(path, body) {
    const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
    const answer = await fetch(`${this.base}${path}`, options);
    if (answer.ok) return answer.json();
    const told = await answer.json().catch(() => ({}));
    throw new Error(told.detail ?? `the server answered ${answer.status}`);
  }

  async models() {
    const names = (await this.call("api/models")).models.map(({ name }) => name);
    this.name ??= names[0];
    return names;
  }

  liked(ratings) {
    return ratings;
  }

  async recommend(ratings, { k = 20, genres = [], years = [], min_ratings = 0, hide = [] } = {}) {
    if (!ratings.length) return [];
    const given = ratings.map(({ movie, rating }) => ({ movie, rating }));
    const [low = null, high = null] = years;
    const least = min_ratings || null; // the server's own bound
    const asked = { ratings: given, model: this.name, k, genres, years: [low, high], min_ratings: least, hide };
    return this.described((await this.call("api/recommend", asked)).items);
  }

  async similar(movie, k = 10) {
    const found = await this.call(`api/similar/${encodeURIComponent(movie)}?model=${encodeURIComponent(this.name)}&k=${k}`);
    return this.described(found.items);
  }

  // Ratings that visitors give are kept for training, with the place of the movie in the list that showed it.
  store(visitor, ratings) {
    return this.call("api/ratings", { visitor, model: this.name, ratings });
  }

  described(items) {
    return items.map((one) => {
      const item = this.catalogue.place.get(String(one.movie));
      return { ...(item === undefined ? {} : this.catalogue.movie(item)), ...one };
    });
  }
}

async function createEngine(data, catalogue) {
  if (!data.model) return new ServerEngine(data.api ?? "", catalogue);
  const engine = data.model.kind === "weights" ? WeightsEngine : FactorsEngine;
  return engine.create(catalogue, data.model, data.scale);
}
