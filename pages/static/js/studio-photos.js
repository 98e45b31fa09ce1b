// The photos of an event: loaded while scrolling, selected, deleted with ten seconds to undo, shown to everyone; one
// of them is the cover.

import { t, toast } from "./base.js";
import { call } from "./studio-calls.js";
import { keysWith } from "./studio-keys.js";
import { AT_ONCE, isShown, share } from "./studio-sharing.js";
import { Viewer } from "./studio-viewer.js";

const $ = (id) => document.getElementById(id);
const { api, page } = $("studio").dataset;
const grid = $("photos");
const state = $("state");
let anchor;
// The photos that are hidden until the time to undo has passed.
const doomed = new Set();
// The order of the list: that of the page's address, until another is asked for.
let order = new URLSearchParams(location.search).get("order") ?? "-uploaded_at";

const shots = () => [...grid.querySelectorAll(".shot")].filter((shot) => !shot.hidden);
const chosen = () => shots().filter((shot) => shot.ariaSelected === "true");
const html = async (path) =>
  new DOMParser().parseFromString(await (await call("GET", page + path, { raw: true })).text(), "text/html").body;

const near = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) {
      const image = target.querySelector("img");
      if (!isIntersecting) image?.removeAttribute("src");
      else if (image) image.src = image.dataset.src;
    }
  },
  { rootMargin: "1000px" },
);

function prepare(shot) {
  shot.style.setProperty("--ratio", shot.dataset.ratio);
  shot.style.backgroundColor = shot.dataset.colour;
  shot.hidden = doomed.has(shot.dataset.id);
  near.observe(shot);
  return shot;
}

// Rises when the list is asked for anew: what was asked for before is then no longer of this list.
let lists = 0;
let loading;
const more = () => (loading ??= load().catch(() => setTimeout(updateSelection, 3000)).finally(() => (loading = undefined)));

async function load() {
  const cursor = grid.dataset.next;
  if (cursor === "end") return;
  const list = lists;
  const part = (await html(`/photos?limit=200&cursor=${cursor}&order=${order}`)).querySelector("#photos");
  if (list !== lists) return;
  grid.dataset.next = part.dataset.next;
  grid.append(...[...part.querySelectorAll(".shot")].map(prepare));
  updateSelection();
}

const end = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && more(), { rootMargin: "2000px" });

/** After photos were added or removed: keep one of them reachable by Tab, and show how many are selected. */
function updateSelection() {
  const left = shots();
  grid.hidden = !left.length;
  if (!left.some((shot) => shot.tabIndex === 0) && left[0]) left[0].tabIndex = 0;
  const count = chosen().length;
  $("chosen").hidden = !count;
  $("cover").hidden = count !== 1;
  const shown = chosen().filter(isShown).length;
  // An address holds as many as the page corrects at a time.
  if ($("give")) $("give").search = `photos=${chosen().slice(0, 200).map((shot) => shot.dataset.id)}`;
  if ($("everyone")) $("everyone").ariaPressed = shown && shown < count ? "mixed" : String(shown > 0);
  if (count) $("chosen").querySelector("[role=status]").textContent = t("photographer.js.chosen", { count });
  // The end of the list may still be visible: let the observer report it again.
  end.unobserve($("more"));
  end.observe($("more"));
}

const received = () => Number(state.querySelector("[data-received]").dataset.received);
let counted = received();

/** Update the photos that were unfinished. New photos are only counted: nothing moves before the user asks for them. */
async function refresh(fresh) {
  const open = [...grid.querySelectorAll("[data-state=pending], [data-state=processing]")].at(-1);
  if (!open) return;
  const limit = Math.min(500, [...grid.querySelectorAll(".shot")].indexOf(open) + 1 + Math.max(fresh, 0));
  for (const shot of (await html(`/photos?limit=${limit}&order=${order}`)).querySelectorAll(".shot")) {
    const here = $(shot.id);
    if (!here || JSON.stringify(here.dataset) === JSON.stringify(shot.dataset)) continue;
    here.replaceChildren(...shot.children);
    here.ariaLabel = shot.ariaLabel;
    Object.assign(here.dataset, shot.dataset);
    near.unobserve(here);
    prepare(here);
  }
}

/** Show the list from its beginning. The old one stays until the answer is there; of several, the last one counts. */
async function reload() {
  const list = ++lists;
  grid.dataset.next = "end";
  const count = received();
  try {
    const part = (await html(`/photos?limit=200&order=${order}`)).querySelector("#photos");
    if (list !== lists) return;
    counted = count;
    grid.dataset.next = part.dataset.next;
    grid.replaceChildren(...[...part.querySelectorAll(".shot")].map(prepare));
    updateSelection();
  } catch {
    setTimeout(() => list === lists && reload(), 3000);
  }
}

// The server answers within these seconds, or when the state has changed.
const WAIT = 25;

async function poll() {
  const { mark } = state.querySelector("[data-mark]").dataset;
  const part = !document.hidden && (await html(`/state?wait=${WAIT}&known=${mark}`).catch(() => {}));
  const now = part?.querySelector?.("[data-mark]");
  if (now && part.textContent.trim() === state.textContent.trim()) {
    Object.assign(state.querySelector("[data-mark]").dataset, now.dataset);
  } else if (now) {
    state.replaceChildren(...part.children);
    const count = received() - counted;
    await (grid.querySelector(".shot") ? refresh(count) : reload()).catch(() => {});
    $("fresh").hidden = received() <= counted;
    $("fresh").textContent = t("photographer.js.fresh", { count });
  }
  setTimeout(poll, now ? (Number(now.dataset.poll) || 1) * 1000 : 6000);
}

// Not by loading the page again: an upload may be under way in it.
$("order").addEventListener("click", (event) => {
  const { order: asked } = event.target.dataset;
  if (!asked || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  order = asked;
  for (const each of $("order").children) each.ariaCurrent = each === event.target ? "true" : null;
  history.replaceState(history.state, "", event.target.href);
  reload();
});
document.addEventListener("dated", () => reload());

$("fresh").addEventListener("click", () => (($("fresh").hidden = true), reload()));

/** Select a photo or unselect it; with `through` select all from the last one to this one. */
function choose(shot, through) {
  const all = shots();
  const yes = String(through || shot.ariaSelected !== "true");
  const [from, to] = [all.indexOf(through && anchor?.isConnected ? anchor : shot), all.indexOf(shot)].sort((a, b) => a - b);
  for (const each of all.slice(from, to + 1)) each.ariaSelected = yes;
  anchor = shot;
  updateSelection();
}

function unselectAll() {
  for (const shot of chosen()) shot.ariaSelected = "false";
  updateSelection();
}

function focusShot(shot) {
  if (!shot) return;
  for (const other of grid.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  shot.tabIndex = 0;
  shot.focus();
}

grid.addEventListener("click", (event) => {
  const shot = event.target.closest(".shot");
  if (!shot) return;
  focusShot(shot);
  const choosing = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".pick") || chosen().length;
  if (choosing) choose(shot, event.shiftKey);
  else viewer.show(shot);
});

const selectAll = () => (shots().forEach((each) => (each.ariaSelected = "true")), updateSelection());
const keysOf = (shot, event, go) => keysWith(shots(), shot, event, { go, choose, selectAll });

grid.addEventListener("keydown", (event) => {
  const shot = event.target.closest(".shot");
  const keys = {
    ...keysOf(shot, event, focusShot),
    Enter: () => viewer.show(shot),
    Delete: () => remove(),
    Backspace: () => remove(),
    Escape: unselectAll,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

const viewer = new Viewer({
  closed: (shot) => (focusShot(shot), shot),
  neighbour: (shot, step) => shots()[shots().indexOf(shot) + step],
  remove: (shot) => remove([shot]),
  choose: (shot) => choose(shot),
  keys: keysOf,
});

// --- deleting -----------------------------------------------------------------------------------

/** Hide photos for ten seconds, then delete them. By default those that are selected. */
function remove(asked) {
  const all = shots();
  const list = asked ?? chosen();
  const gone = list.filter((shot) => "mine" in shot.dataset);
  const kept = list.length - gone.length;
  const stays = kept && t("photographer.js.not_yours", { count: kept });
  if (!gone.length) return stays && toast(stays);
  const ids = gone.map((shot) => shot.dataset.id);
  for (const shot of asked ? gone : list) shot.ariaSelected = "false";
  const last = all.indexOf(gone.at(-1));
  const next = all.slice(last).find((shot) => !gone.includes(shot)) ?? all.slice(0, last).findLast((shot) => !gone.includes(shot));
  doom(ids, true);
  if (!viewer.isOpen) focusShot(next);
  else if (next) viewer.show(next);
  else viewer.close();
  const sentence = [t("photographer.js.deleted", { count: gone.length }), stays].filter(Boolean).join(" ");
  return toast(sentence, { undo: () => bringBack(ids), expired: () => erase(ids) });
}

/** Hide photos that are to be deleted, in lists that are loaded meanwhile too; or show them again. */
function doom(ids, yes) {
  for (const id of ids) {
    doomed[yes ? "add" : "delete"](id);
    if ($(`photo-${id}`)) $(`photo-${id}`).hidden = yes;
  }
  updateSelection();
}

function bringBack(ids) {
  doom(ids, false);
  const first = $(`photo-${ids[0]}`);
  if (viewer.isOpen && first) viewer.show(first);
  else focusShot(first);
}

async function erase(ids) {
  for (let start = 0; start < ids.length; start += AT_ONCE) await erasePart(ids.slice(start, start + AT_ONCE));
  updateSelection();
}

async function erasePart(ids) {
  try {
    await call("DELETE", `/api/photos?photo_ids=${ids.join()}`, { keepalive: true });
  } catch (error) {
    if (error.name !== "NoSuchPhoto") {
      doom(ids, false);
      return toast(error.message);
    }
    // One was deleted in another window. The service deletes all or none, so delete each one by itself.
    if (ids.length > 1) {
      for (const id of ids) await erasePart([id]);
      return;
    }
  }
  for (const id of ids) $(`photo-${id}`)?.remove();
  counted -= ids.length;
}

/** Mark the selected photos for everyone; if all of them are marked already, take the marks away. */
async function everyone() {
  const yes = $("everyone").ariaPressed !== "true";
  const changed = chosen().filter((shot) => isShown(shot) !== yes);
  unselectAll();
  focusShot(changed[0]);
  const count = await share(changed, yes);
  const sentence = t(yes ? "photographer.js.shown" : "photographer.js.unshown", { count });
  if (count) toast(sentence, { undo: () => share(changed, !yes) });
}

async function cover() {
  const [shot] = chosen();
  unselectAll();
  try {
    await call("PUT", `${api}/cover`, { json: { photo_id: Number(shot.dataset.id) } });
  } catch (error) {
    return toast(error.message);
  }
  grid.querySelector(".is-cover")?.classList.remove("is-cover");
  shot.classList.add("is-cover");
  return toast(t("photographer.js.cover_set"));
}

$("delete").addEventListener("click", () => remove());
$("cover").addEventListener("click", cover);
$("everyone")?.addEventListener("click", everyone);
$("none").addEventListener("click", unselectAll);

grid.querySelectorAll(".shot").forEach(prepare);
updateSelection();
setTimeout(poll, 2000);
