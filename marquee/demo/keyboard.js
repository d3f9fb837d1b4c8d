"use strict";
// Keys: arrows move through lists; single letters and digits are shortcuts, which can be switched off.

function onKey(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const active = document.activeElement, row = active.closest(".row, .card");
  if (["ArrowDown", "ArrowUp"].includes(event.key) && moveFocus(active, row, event.key === "ArrowDown")) event.preventDefault();
  if (event.key === "Escape" && active.closest("#found")) part("query").focus();
  if (active.matches("input:not([type=checkbox]), select, textarea") || !part("keys-on").checked) return;
  if (shortcut(page, event.key, row)) event.preventDefault();
}

// From the search to its results, and within a list.
function moveFocus(active, row, down) {
  const stars = (one) => one?.querySelector("[tabindex='0'], input");
  if (active === part("query")) {
    const first = down && stars(part("found"));
    first?.focus();
    return Boolean(first);
  }
  if (!row || active.matches("input, select")) return false;
  const next = down ? row.nextElementSibling : row.previousElementSibling;
  if (!next && !down && row.closest("#found")) part("query").focus();
  else (next?.matches(".card") ? next : stars(next))?.focus();
  return true;
}

function shortcut(page, key, row) {
  const film = row?.film, card = row?.matches(".card");
  if (/^[0-9]$/.test(key) && row?.stars) row.stars.press(Number(key) || 10);
  else if (["Delete", "Backspace"].includes(key) && film && page.ratings.has(String(film.movie))) page.remove(film);
  else if (key === "u") page.undo();
  else if (key === "m" && film) page.showSimilar(film);
  else if (document.querySelector("dialog[open]")) return false;
  else if (key === "/") { part("query").focus(); part("query").select(); }
  else if (key === "?") part("keys").showModal();
  else if (key === "x" && card) page.hide(film);
  else if (key === "j" || key === "k") {
    const cards = [...part("list").children], at = cards.indexOf(row);
    const next = cards[at < 0 ? 0 : at + (key === "j" ? 1 : -1)];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else return false;
  return true;
}
