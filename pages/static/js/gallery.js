// The guest's photos: shown in rows, kept up to date while they arrive, opened in the viewer, taken home in a ZIP.

import { api, number, pause, t, toast, when, el } from "./base.js";
import { Rows } from "./rows.js";

const box = document.getElementById("rows");
const data = JSON.parse(document.getElementById("data").textContent);
const { event, show } = data;
const news = document.getElementById("news");
const standingLine = document.getElementById("standing");
const more = document.getElementById("more");
const known = new Map();
let { standing, next, total } = data;
let photos = data.photos.map(familiar);
let viewer = null;
let loading = null;
let waiting = null;
let stirred = Date.now();

// One object for each photo, however often it comes: the viewer holds on to it.
function familiar(photo) {
  const before = known.get(photo.id);
  if (before) {
    
    Object.assign(before, { waiting: false }, photo);
    return before;
  }
  known.set(photo.id, photo);
  return photo;
}

const taken = (photo) => when(new Date(photo.taken * 1000).toISOString(), { dateStyle: "long", timeStyle: "short" });
const thumb = (photo) => `/api/photo/${photo.id}?size=thumb`;
const described = (photo, index) => t("guest.gallery.photo", { place: index + 1, total, when: taken(photo) });

// --- tiles -------------------------------------------------------------------------------------

function tile(photo, index, urgent) {
  const image = el("img", { alt: described(photo, index), decoding: "async", draggable: "false" });
  if (urgent) image.fetchPriority = "high";
  else image.loading = "lazy";
  image.onload = () => image.classList.add("there");
  if (!photo.waiting) image.src = thumb(photo);
  const link = el("a", { href: `/api/photo/${photo.id}?size=web`, class: photo.waiting ? "waiting" : null }, image);
  link.style.backgroundColor = photo.colour ?? "";
  if (photo.waiting) link.append(el("span", { class: "small" }, t("guest.gallery.preparing")));
  if (photo.kept) link.append(el("span", { class: "heart" }, el("span", { class: "visually-hidden" }, t("guest.gallery.kept")), "♥"));
  return el(
    "div",
    { class: "tile", role: "listitem", "aria-setsize": total, "aria-posinset": index + 1, dataset: { id: photo.id } },
    link,
  );
}

const rows = new Rows(box, tile, () => fetchMore());

async function fetchMore() {
  if (loading || !next) return loading;
  more.textContent = t("guest.gallery.loading");
  more.hidden = false;
  const wanted = { event, show, cursor: next };
  loading = (async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        const page = await api("GET", "/photos/rows", { query: wanted });
        if (wanted.cursor !== next) return;
        ({ next, total } = page);
        const there = new Set(photos.map((photo) => photo.id));
        photos.push(...page.photos.filter((photo) => !there.has(photo.id)).map(familiar));
        return;
      } catch (error) {
        more.textContent = error.message;
        await pause(Math.max(error.retryAfter * 1000, Math.min(30_000, 1000 * 2 ** attempt)));
      }
    }
  })();
  await loading;
  loading = null;
  more.hidden = true;
  draw();
}

function draw() {
  rows.set(photos, !next);
  document.getElementById("take").hidden = !photos.length;
  document.getElementById("empty").hidden = photos.length > 0 || show === "mine";
}

// --- the viewer ----------------------------------------------------------------------------------

async function openViewer(index, fresh = true) {
  const { Viewer } = await import("./viewer.js");
  viewer ??= new Viewer({
    describe: described,
    more: fetchMore,
    tile: (photo) => rows.bring(photos.indexOf(photo))?.firstElementChild,
    changed: () => rows.refresh(),
    removed: (photo, back) => {
      if (show === "mine" && !back) photos = photos.filter((each) => each !== photo);
      else if (back && !photos.includes(photo)) insert(photo);
      total = Math.max(0, total + (show === "mine" ? (back ? 1 : -1) : 0));
      draw();
      look();
      return photos;
    },
    closed: () => {
      photos = photos.filter((photo) => !photo.gone && (show !== "favourites" || photo.kept));
      if (waiting) settle();
      draw();
      look();
    },
  });
  viewer.open(photos, index, fresh);
}

function insert(photo) {
  const place = photos.findIndex((each) => each.at < photo.at || (each.at === photo.at && each.id < photo.id));
  photos.splice(place < 0 ? photos.length : place, 0, photo);
}

box.addEventListener("click", (click) => {
  const id = click.target.closest(".tile")?.dataset.id;
  if (!id || click.metaKey || click.ctrlKey || click.shiftKey) return;
  click.preventDefault();
  openViewer(photos.findIndex((photo) => photo.id === Number(id)));
});

// --- how things stand ------------------------------------------------------------------------------

const met = `reperio-met-${event}`;
const memory = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* a private window: forget it */ } },
};

function tell() {
  const since = Number(memory.get(met));
  let sentence = standing.sentence;
  if (standing.kind === "found") {
    if (!since) sentence = `${t("guest.gallery.there")} ${sentence}`;
    else if (standing.matched > since) sentence += ` ${t("guest.gallery.new", { count: standing.matched - since })}`;
  }
  if (standingLine.textContent !== sentence) standingLine.textContent = sentence;
  standingLine.dataset.kind = standing.kind;
  document.getElementById("portrait-link").hidden = !standing.needs_portrait;
  for (const [id, count] of [["mine", standing.matched], ["favourites", standing.favourites], ["all", standing.photos]]) {
    const place = document.getElementById(`count-${id}`);
    if (place) place.textContent = number(count);
  }
}

// What was seen is no longer new at the next visit.
addEventListener("pagehide", () => standing.matched && memory.set(met, standing.matched));

/** Look again; fetch the list anew when its count says so. */
async function look() {
  const before = standing;
  standing = await api("GET", "/photos/standing", { query: { event } });
  tell();
  const counted = { mine: "matched", favourites: "favourites", all: "photos" }[show];
  const changed = standing[counted] !== before[counted] || (before.under_way && !standing.under_way);
  if (changed || photos.some((photo) => photo.waiting)) await renew(standing[counted] < before[counted]);
}

/** Fetch the newest photos, or with `deep` all that are loaded: some are gone. */
async function renew(deep) {
  const depth = photos.length;
  let page = await api("GET", "/photos/rows", { query: { event, show } });
  const fresh = page.photos.map(familiar);
  while (page.next && (deep || show === "all") && fresh.length < depth) {
    page = await api("GET", "/photos/rows", { query: { event, show, cursor: page.next } });
    fresh.push(...page.photos.map(familiar));
  }
  const there = new Set(fresh);
  const edge = page.next ? fresh.at(-1) : null;
  const older = edge ? photos.filter((photo) => !there.has(photo) && photo.at < edge.at) : [];
  for (const photo of photos) if (!there.has(photo) && !older.includes(photo)) photo.gone = true;
  const had = new Set(photos);
  waiting = {
    photos: [...fresh, ...older],
    next: older.length ? next : page.next,
    total: page.total,
    count: fresh.filter((photo) => !had.has(photo)).length,
  };
  viewer?.refresh();
  // Nothing moves under a finger: further down, new photos wait for a tap.
  if (viewer?.isOpen || (scrollY > 300 && waiting.count && photos.length)) {
    news.textContent = t("guest.gallery.news", { count: waiting.count });
    news.hidden = !waiting.count || viewer?.isOpen;
  } else settle();
}

function settle() {
  if (waiting.count && photos.length) toast(t("guest.gallery.news", { count: waiting.count }));
  ({ photos, next, total } = waiting);
  waiting = null;
  news.hidden = true;
  draw();
}

news.addEventListener("click", () => {
  if (!waiting) return;
  news.hidden = true;
  waiting.count = 0;
  settle();
  scrollTo({ top: 0 });
  box.querySelector("a")?.focus({ preventScroll: true });
});

// --- looking again and again, gently ----------------------------------------------------------------

let awake = new AbortController();
const stir = () => (stirred = Date.now());
for (const name of ["pointerdown", "keydown", "scroll"]) addEventListener(name, stir, { passive: true });
const wake = () => {
  stir();
  awake.abort();
};
document.addEventListener("visibilitychange", () => document.hidden || wake());
addEventListener("online", wake);
addEventListener("pageshow", (shown) => shown.persisted && wake());

async function watch() {
  for (let failures = 0; ; ) {
    const idle = Date.now() - stirred > 180_000;
    const beat = document.hidden ? 600_000 : idle ? 60_000 : standing.under_way ? 1500 : 8000;
    awake = new AbortController();
    await pause(Math.min(600_000, beat * 2 ** failures), awake.signal).catch(() => {});
    if (document.hidden) continue;
    try {
      await look();
      failures = 0;
    } catch {
      failures = Math.min(failures + 1, 4);
    }
  }
}

// --- taking everything home -----------------------------------------------------------------------------

const zip = document.getElementById("zip");
const megabytes = (bytes) => t(bytes < 1e9 ? "guest.gallery.mb" : "guest.gallery.gb", {
  size: bytes < 1e9 ? Math.max(1, Math.round(bytes / 1e6)) : Math.round(bytes / 1e8) / 10,
});

// The first tap says how much it is, the second takes it.
zip.addEventListener("click", async (click) => {
  if (zip.dataset.told) return;
  click.preventDefault();
  try {
    const { bytes } = await api("GET", "/photos/weight", { query: { event, show } });
    zip.dataset.told = "yes";
    zip.textContent = t("guest.gallery.take_all", { count: total, size: megabytes(bytes) });
    document.getElementById("take").setAttribute("role", "status");
    setTimeout(() => {
      delete zip.dataset.told;
      zip.textContent = t("guest.gallery.take");
    }, 30_000);
  } catch (error) {
    toast(error.message);
  }
});

draw();
tell();
const opened = photos.findIndex((photo) => location.hash === `#photo-${photo.id}`);
if (opened >= 0) openViewer(opened, !history.state?.viewer);
watch();
// Ready when the first tap comes.
(window.requestIdleCallback ?? setTimeout)(() => import("./viewer.js"));
