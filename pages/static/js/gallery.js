// The guest's photos: shown in rows, kept up to date while they arrive, opened in the viewer, taken home in a ZIP.

import { api, el, number, pause, t, toast, when } from "./base.js";
import { rowsIn } from "./rows.js";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const { event, show: which } = data;
const box = $("rows");
const news = $("news");
const zip = $("zip");
// The number of the standing that belongs to the list shown.
const counted = { mine: "matched", favourites: "favourites", all: "photos" }[which];
const known = new Map();
let { standing, next, total } = data;
let photos = data.photos.map(knownPhoto);
let viewer = null;
let loading = null;
// A newer list that waits to be shown.
let fresh = null;
let lastInput = Date.now();
// How often "not me" or its undo moved a photo.
let moves = 0;

/** Return the one object of a photo, with its newest values: the viewer keeps a reference to it. */
function knownPhoto(photo) {
  const kept = known.get(photo.id) ?? {};
  known.set(photo.id, Object.assign(kept, { waiting: false, gone: false }, photo));
  return kept;
}

const page = (cursor) => api("GET", "/photos/rows", { query: { event, show: which, ...(cursor && { cursor }) } });

function describe(photo, index) {
  const taken = when(photo.taken * 1000, { dateStyle: "long", timeStyle: "short" });
  return t("guest.gallery.photo", { place: index + 1, total, when: taken });
}

function tile(photo, index, urgent) {
  const image = el("img", { alt: describe(photo, index), decoding: "async", draggable: "false" });
  if (urgent) image.fetchPriority = "high";
  else image.loading = "lazy";
  image.onload = () => image.classList.add("there");
  if (!photo.waiting) image.src = `/api/photo/${photo.id}?size=thumb`;
  const link = el("a", { href: `/api/photo/${photo.id}?size=web` }, image);
  link.style.backgroundColor = photo.colour ?? "";
  if (photo.waiting) link.append(el("span", { class: "waiting small" }, t("guest.gallery.preparing")));
  if (photo.kept) link.append(el("span", { class: "heart", role: "img", "aria-label": t("guest.gallery.kept") }, "♥"));
  const place = { "aria-setsize": total, "aria-posinset": index + 1 };
  return el("div", { class: "tile", role: "listitem", ...place }, link);
}

// A tile is made again when any value of its photo changes.
const rows = rowsIn(box, tile, (photo) => JSON.stringify(photo), more);

function draw() {
  rows.set(photos, !next);
  $("take").hidden = !photos.length;
  $("empty").hidden = photos.length > 0 || which === "mine";
}

/** Load what follows; one page at a time, and again when the network fails. */
function more() {
  if (next) loading ??= loadMore().finally(() => (loading = null));
  return loading;
}

async function loadMore() {
  const cursor = next;
  $("more").textContent = t("guest.gallery.loading");
  try {
    const found = await page(cursor);
    // The list may have been fetched anew meanwhile.
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

/** Open the viewer. `newEntry` is false after a reload: the history has its entry already. */
async function openViewer(index, newEntry = true) {
  const { Viewer } = await import("./viewer.js");
  viewer ??= new Viewer({
    describe,
    more,
    draw,
    tile: (photo) => rows.bring(photos.indexOf(photo))?.querySelector("a"),
    // "Not me" takes a photo out of "my photos", undoing it brings the photo back.
    moved(photo, back) {
      // A list fetched before no longer holds.
      fresh = null;
      moves++;
      if (which === "mine") {
        total += Number(back) - Number(photos.includes(photo));
        photos = photos.filter((each) => each !== photo);
        const place = photos.findIndex((each) => each.at < photo.at);
        if (back) photos.splice(place < 0 ? photos.length : place, 0, photo);
        weigh().catch(() => {});
      }
      draw();
      look();
      return photos;
    },
    closed() {
      if (fresh) settle();
      photos = photos.filter((photo) => !photo.gone && (which !== "favourites" || photo.kept));
      draw();
      look();
    },
  });
  viewer.open(photos, index, newEntry);
}

box.addEventListener("click", (click) => {
  const id = Number(click.target.closest(".tile")?.dataset.id);
  if (!id || click.metaKey || click.ctrlKey || click.shiftKey) return;
  click.preventDefault();
  openViewer(photos.indexOf(known.get(id)));
});

// --- how things stand -------------------------------------------------------------------------------

const seen = `reperio-seen-${event}`;
// What was seen is no longer new at the next visit.
addEventListener("pagehide", () => standing.matched && localStorage.setItem(seen, standing.matched));

function tell() {
  let { sentence } = standing;
  const before = Number(localStorage.getItem(seen));
  const count = standing.matched - before;
  const first = standing.kind === "found" && !before;
  if (first) sentence = `${t("guest.gallery.there")} ${sentence}`;
  else if (standing.kind === "found" && count > 0) sentence += ` ${t("guest.gallery.new", { count })}`;
  if ($("standing").textContent !== sentence) $("standing").textContent = sentence;
  $("standing").classList.toggle("met", first);
  $("standing").dataset.kind = standing.kind;
  $("portrait-link").hidden = !standing.needs_portrait;
  for (const name of ["matched", "favourites", "photos"])
    if ($(`count-${name}`)) $(`count-${name}`).textContent = number(standing[name]);
}

/** Look again; fetch the list anew when its count says so. */
async function look() {
  const before = standing;
  standing = await api("GET", "/photos/standing", { query: { event } });
  tell();
  const [was, is] = [before[counted], standing[counted]];
  const through = before.under_way && !standing.under_way;
  if (was !== is || through || photos.some((photo) => photo.waiting)) await renew(is < was || through);
}

/** Fetch the newest photos; all that were loaded, where some may be gone (`deep`). */
async function renew(deep) {
  const [had, found, made] = [new Set(photos), [], moves];
  let answer = {};
  do {
    answer = await page(answer.next);
    found.push(...answer.photos.map(knownPhoto));
  } while (answer.next && found.length < had.size && (deep || found.every((photo) => !had.has(photo))));
  if (made !== moves) return;
  const edge = answer.next ? found.at(-1).at : Infinity;
  const older = photos.filter((photo) => photo.at < edge && !found.includes(photo));
  const kept = answer.next ? older : [];
  for (const photo of had) photo.gone ||= !found.includes(photo) && !kept.includes(photo);
  const count = found.filter((photo) => !had.has(photo)).length;
  fresh = { photos: [...found, ...kept], next: kept.length ? next : answer.next, total: answer.total, count };
  viewer?.refresh();
  // Nothing moves under a finger: further down, new photos wait for a tap.
  const waits = viewer?.isOpen || (scrollY > 300 && count);
  news.hidden = !(waits && count);
  news.textContent = t("guest.gallery.news", { count });
  if (!waits) settle();
}

function settle() {
  if (fresh.count && photos.length) toast(t("guest.gallery.news", { count: fresh.count }));
  ({ photos, next, total } = fresh);
  weigh().catch(() => {});
  fresh = null;
  news.hidden = true;
  draw();
}

news.addEventListener("click", () => {
  if (fresh) settle();
  scrollTo({ top: 0 });
  box.querySelector("a")?.focus({ preventScroll: true });
});

// --- again and again, gently --------------------------------------------------------------------------

let asleep = new AbortController();
const noteInput = () => (lastInput = Date.now());
const wake = () => (noteInput(), asleep.abort());
for (const name of ["pointerdown", "keydown", "scroll"]) addEventListener(name, noteInput, { passive: true });
for (const name of ["online", "pageshow"]) addEventListener(name, wake);
document.addEventListener("visibilitychange", () => document.hidden || wake());

async function watch() {
  for (let failures = 0; ; ) {
    const idle = Date.now() - lastInput > 180_000;
    const beat = document.hidden ? 600_000 : idle ? 60_000 : standing.under_way ? 1500 : 8000;
    asleep = new AbortController();
    await pause(beat * 2 ** failures, asleep.signal).catch(() => {});
    if (document.hidden) continue;
    failures = await look().then(() => 0, () => Math.min(failures + 1, 4));
  }
}

// How much it is, told before anybody presses; later than the photos, which come first.
async function weigh() {
  if (!total) return;
  const { bytes } = await api("GET", "/photos/weight", { query: { event, show: which } });
  const size =
    bytes < 1e9
      ? t("guest.gallery.mb", { size: Math.ceil(bytes / 1e6) })
      : t("guest.gallery.gb", { size: Math.ceil(bytes / 1e8) / 10 });
  zip.textContent = t("guest.gallery.take_all", { count: total, size });
}
// Without it the button says what it does all the same.
pause(3000).then(weigh).catch(() => {});

draw();
tell();
const opened = photos.findIndex((photo) => location.hash === `#photo-${photo.id}`);
if (opened >= 0) openViewer(opened, !history.state?.viewer);
watch();
// Ready before the first tap.
addEventListener("load", () => setTimeout(() => import("./viewer.js"), 1000));
