// The guest's gallery: photos in rows, new ones while they arrive, the viewer, the size of the ZIP.

import { api, el, number, pause, t, toast, when } from "./base.js";
import { follow } from "./changes.js";
import { pictureOf, sharpenFirst } from "./pictures.js";
import { rowsIn } from "./rows.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const { event, show: which, group, child, order, zone, days, parts } = data;
const list = { event, show: which, order, ...(group && { group }), ...(child && { child }) };
// In any other order, a new photo may come anywhere.
const newestFirst = order === "-uploaded_at";
/** Tell whether a photo comes behind another; of one moment, the number decides. */
const isBehind = (photo, other) =>
  photo.at < other.at || (photo.at === other.at && (order.startsWith("-") ? photo.id < other.id : photo.id > other.id));
// Lists of photos that show the guest: a photo that no longer does is removed.
const own = which === "mine" || which === "together";
const box = $("rows");
const news = $("news");
// The number of the standing that belongs to the list shown.
const counted = { mine: "matched", together: "matched", favourites: "favourites", all: "for_everyone" }[which];
const known = new Map();
let { standing, next, total } = data;
let photos = data.photos.map(knownPhoto);
let viewer = null;
let loading = null;
// A newer list that waits to be shown.
let fresh = null;
// How often "not me" or its undo moved a photo.
let moves = 0;

/** Return the one object of a photo, with its newest values: the viewer keeps a reference to it. */
function knownPhoto(photo) {
  const kept = known.get(photo.id) ?? {};
  known.set(photo.id, Object.assign(kept, { waiting: false, gone: false }, photo));
  return kept;
}

/** Load a page of the list; with `arrived` by arrival, the newest first, for places in the order shown. */
async function loadPage(cursor, arrived = false) {
  const answer = await api("GET", "/photos/rows", { query: { ...list, arrived, ...(cursor && { cursor }) } });
  Object.assign(parts, answer.parts);
  return answer;
}

function describe(photo, index) {
  if (!photo.taken) return t("guest.gallery.photo_undated", { place: index + 1, total });
  // Where the event was, not where the reader is.
  const taken = when(photo.taken * 1000, { dateStyle: "long", timeStyle: "short", timeZone: zone });
  return t("guest.gallery.photo", { place: index + 1, total, when: taken });
}

function tile(photo, wide, urgent) {
  const link = el("a", { href: `/api/photo/${photo.id}?size=web` }, pictureOf(photo, wide, urgent));
  link.style.backgroundColor = photo.colour ?? "";
  if (photo.waiting) link.append(el("span", { class: "waiting small" }, t("guest.gallery.preparing")));
  if (photo.kept) link.append(el("span", { class: "heart", role: "img", "aria-label": t("guest.gallery.kept") }, "♥"));
  return el("div", { class: "tile" }, link);
}

/** Return the headings between a photo and the one before it; a list of which no photo has a time has none. */
function headsOf(photo, before) {
  if (photo.in === before?.in || (!before && !photo.in)) return [];
  const [day, text] = parts[photo.in];
  const isNew = days && day && day !== parts[before?.in]?.[0];
  return [...(isNew ? [{ level: 2, text: day }] : []), { level: days ? 3 : 2, text }];
}

// A tile is made again when any value of its photo changes.
const rows = rowsIn(box, { tile, key: (photo) => JSON.stringify(photo), describe, headsOf, reached: more });

function draw() {
  rows.set(photos, !next);
  if (photos.length) sharpenFirst();
  $("tools").hidden = !photos.length;
  $("empty").hidden = photos.length > 0 || which === "mine";
  if ($("keep") && which === "mine") $("keep").hidden = !photos.length;
}

/** Load the next page of the list, one at a time, and try again if the network fails. */
function more() {
  if (next) loading ??= loadMore().finally(() => (loading = null));
  return loading;
}

async function loadMore() {
  const cursor = next;
  $("more").textContent = t("guest.gallery.loading");
  try {
    const found = await loadPage(cursor);
    // The list may have been loaded again meanwhile.
    if (cursor !== next) return;
    ({ next, total } = found);
    photos.push(...found.photos.map(knownPhoto).filter((photo) => !photos.includes(photo)));
    $("more").textContent = "";
  } catch (error) {
    $("more").textContent = error.message;
    await pause(error.retryAfter * 1000 || 3000);
  }
  setTimeout(draw);
}

// --- the viewer -----------------------------------------------------------------------------------

const linkOf = (photo) => rows.bring(photos.indexOf(photo))?.querySelector("a");

/** Show the list as it is now, after the viewer or the choice of several changed it. */
function tidy() {
  if (fresh) showFresh();
  photos = photos.filter((photo) => !photo.gone && (which !== "favourites" || photo.kept));
  draw();
  refreshStanding();
}

/** Open the viewer. `newEntry` is false after a reload: the history has its entry already. */
async function openViewer(index, newEntry = true) {
  const { Viewer } = await import("./viewer.js");
  viewer ??= new Viewer({
    describe,
    more,
    draw,
    tile: linkOf,
    // "Not me" removes a photo from "my photos", its undo puts the photo back.
    moved(photo, back) {
      // A list that was loaded before this is out of date.
      fresh = null;
      moves++;
      if (own) {
        total += Number(back) - Number(photos.includes(photo));
        photos = photos.filter((each) => each !== photo);
        const place = photos.findIndex((each) => isBehind(each, photo));
        if (back) photos.splice(place < 0 ? photos.length : place, 0, photo);
        showDownloadSize().catch(() => {});
      }
      draw();
      refreshStanding();
      return photos;
    },
    closed: tidy,
  });
  viewer.open(photos, index, newEntry);
}

box.addEventListener("click", (click) => {
  const id = Number(click.target.closest(".tile")?.dataset.id);
  if (!id || click.metaKey || click.ctrlKey || click.shiftKey) return;
  click.preventDefault();
  openViewer(photos.indexOf(known.get(id)));
});

// --- the state of the search -------------------------------------------------------------------------------

const [seen, met] = [`reperio-seen-${event}`, `reperio-met-${event}`];
let isMeeting = false;
// Photos seen at this visit are not new at the next one, nor after a withdrawal and a new consent.
const noteSeen = ({ matched }) => matched && localStorage.setItem(seen, matched);
addEventListener("pagehide", () => noteSeen(standing));
const isWithdrawn = () => ["withdrawn", "not_asked", "badge"].includes(standing.kind);

function showStanding() {
  let { sentence } = standing;
  const before = Number(localStorage.getItem(seen));
  const count = standing.matched - before;
  const isFound = standing.kind === "found";
  // Once for each event; as long as the page stays open, and the guest agrees, it says the same.
  if (isWithdrawn()) isMeeting = false;
  isMeeting ||= isFound && !before && !localStorage.getItem(met);
  if (isMeeting) localStorage.setItem(met, "yes");
  if (isMeeting && isFound) sentence = `${t("guest.gallery.there")} ${sentence}`;
  else if (isFound && count > 0) sentence += ` ${t("guest.gallery.new", { count })}`;
  if ($("standing").textContent !== sentence) $("standing").textContent = sentence;
  $("standing").classList.toggle("met", isMeeting && isFound);
  $("standing").dataset.kind = standing.kind;
  const { action } = standing;
  $("next-step").hidden = !action;
  const step = $("next-step").firstElementChild;
  if (action) Object.assign(step, { href: action.href, textContent: action.words, className: `button ${action.look}` });
  for (const name of ["matched", "favourites", "for_everyone", "maybe"])
    $(`count-${name}`).textContent = number(standing[name]);
  // Where guests see all photos, this tab is always there.
  if (!data.sees_all) $("tab-all").hidden = which !== "all" && !standing.for_everyone;
  $("tab-maybe").hidden = !standing.maybe;
}

/** Load the state of the search, with `wait` once it has changed; load the list again if its count has changed. */
async function refreshStanding({ signal, ...waiting } = {}) {
  const answer = await api("GET", "/photos/standing", { query: { event, ...waiting }, signal });
  const before = standing;
  standing = answer;
  if (isWithdrawn()) noteSeen(before);
  showStanding();
  const [was, is] = [before[counted], standing[counted]];
  const through = before.under_way && !standing.under_way;
  if (was !== is || through || photos.some((photo) => photo.waiting)) await reloadList(is < was || through, is - was);
}

/** Load the photos that have come, `wanted` in number; with `deep` the whole list again, because some may be gone. */
async function reloadList(deep, wanted) {
  const [had, made] = [new Set(photos), moves];
  let [found, answer] = [[], {}];
  const come = () => found.filter((photo) => !had.has(photo));
  const isMerged = !deep && !newestFirst;
  do {
    answer = await loadPage(answer.next, isMerged);
    found.push(...answer.photos.map(knownPhoto));
  } while (answer.next && found.length < had.size + wanted && (deep || come().length < wanted));
  if (made !== moves) return;
  if (isMerged) {
    // Those behind the end of what is loaded come with their page.
    const isLoaded = (photo) => !next || !isBehind(photo, photos.at(-1));
    found = [...new Set([...photos, ...found.filter(isLoaded)])].toSorted((one, other) => (isBehind(one, other) ? 1 : -1));
    answer.next = next;
  }
  const isRest = (photo) => isBehind(photo, found.at(-1)) && !found.includes(photo);
  const kept = answer.next && !isMerged ? photos.filter(isRest) : [];
  const still = new Set([...found, ...kept]);
  for (const photo of had) photo.gone ||= !still.has(photo);
  const [count, to] = [come().length, come()[0]];
  fresh = { photos: [...found, ...kept], next: kept.length ? next : answer.next, total: answer.total, count, to };
  viewer?.refresh();
  // Nothing moves while the guest looks: further down the page, new photos wait for a tap.
  const waits = viewer?.isOpen || document.body.matches(".choosing") || (scrollY > 300 && count);
  news.hidden = !(waits && count);
  news.textContent = t("guest.gallery.news", { count });
  if (!waits) showFresh();
}

function showFresh() {
  if (fresh.count && photos.length) toast(t("guest.gallery.news", { count: fresh.count }));
  ({ photos, next, total } = fresh);
  showDownloadSize().catch(() => {});
  fresh = null;
  news.hidden = true;
  draw();
}

news.addEventListener("click", () => {
  const to = fresh?.to;
  if (fresh) showFresh();
  if (newestFirst || !to) scrollTo({ top: 0 });
  const at = to ? rows.bring(photos.indexOf(to)) : box.querySelector(".tile");
  at?.querySelector("a").focus({ preventScroll: true });
});

/** Show the size of the ZIP on its button. */
async function showDownloadSize() {
  if (!total || group || child) return;
  const { bytes } = await api("GET", "/photos/weight", { query: { event, show: which } });
  const size =
    bytes < 1e9
      ? t("guest.gallery.mb", { size: Math.ceil(bytes / 1e6) })
      : t("guest.gallery.gb", { size: Math.ceil(bytes / 1e8) / 10 });
  $("weight").textContent = t("guest.gallery.take_all", { count: total, size });
}
// The photos are loaded first. Without the size the button says what it does.
pause(3000).then(showDownloadSize).catch(() => {});

draw();
showStanding();
const opened = photos.findIndex((photo) => location.hash === `#photo-${photo.id}`);
if (opened >= 0) openViewer(opened, !history.state?.viewer);
follow(({ wait, signal }) => refreshStanding({ wait, signal, known: standing.mark }), () => standing.next_poll_seconds ?? 1);
// Load the viewer before the first tap, and what chooses several.
addEventListener("load", () => setTimeout(loadFurther, 1000));

async function loadFurther() {
  import("./viewer.js");
  const { choosing } = await import("./select.js");
  choosing(box, { event, list: () => photos, more, tile: linkOf, changed: tidy });
}
