"use strict";
// What the browser gives: the address, the clipboard, dropped files, light and dark.

const shownRating = (rating) => String(Math.round(rating * 100) / 100);

// `#r5=1,50&r4=7&hide=9&seen=12`: the ids under each rating, of films not wanted, and of films seen.
function toFragment({ ratings, hidden, seen }) {
  const parts = new Map(), add = (key, id) => parts.set(key, [...(parts.get(key) ?? []), encodeURIComponent(id)]);
  for (const [id, rating] of ratings) add(`r${shownRating(rating)}`, id);
  for (const id of hidden) add("hide", id);
  for (const id of seen) add("seen", id);
  return `#${[...parts].map(([key, ids]) => `${key}=${ids.join(",")}`).join("&")}`;
}

// The same backwards; a film that is not `known`, and a rating off the scale, are passed over.
function fromFragment(hash, known, scale) {
  const found = { ratings: new Map(), hidden: new Set(), seen: new Set() }, { low, high } = scale ?? { low: 0, high: Infinity };
  for (const group of hash.slice(1).split("&")) {
    const [key, ids = ""] = group.split("="), rating = Number(key.slice(1));
    for (const id of ids.split(",").map(decodedId).filter((one) => one && known(one))) {
      if (key === "hide") found.hidden.add(id);
      else if (key === "seen") found.seen.add(id);
      else if (key.startsWith("r") && rating >= low && rating <= high) found.ratings.set(id, rating);
    }
  }
  return found;
}

function decodedId(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

// Returns whether the text is on the clipboard.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // an older browser, or one that asks and was refused
    const area = element("textarea", { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// Calls `act` with files dropped anywhere, and `show` while some are dragged over the page.
function onDroppedFiles(wanted, show, act) {
  let depth = 0; // of the elements under the pointer: one is entered before the other is left
  const files = (event) => wanted() && event.dataTransfer?.types.includes("Files");
  const move = (to) => { depth = Math.max(0, to); show(depth > 0); };
  addEventListener("dragenter", (event) => { if (files(event)) move(depth + 1); });
  addEventListener("dragleave", (event) => { if (files(event)) move(depth - 1); });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    move(0);
    act([...event.dataTransfer.files]);
  });
}

// Dark or light as the system has it, until the button says otherwise.
function followTheme(button) {
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  root.dataset.theme = stored("marquee-theme") ?? "";
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored("marquee-theme", root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}

// Reads or writes what the browser keeps for this page; null where it keeps nothing.
function stored(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

// A token by which a server knows the ratings of one visitor from another's; made by chance.
function visitor() {
  visitor.token ??= stored("marquee-visitor")
    ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  stored("marquee-visitor", visitor.token);
  return visitor.token;
}
