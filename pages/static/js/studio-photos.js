// The photos an event has: loaded as one scrolls, chosen, deleted with ten seconds to think, one of them the cover.

import { t, toast } from "./base.js";
import { PhotoDialog } from "./dialog.js";
import { call } from "./studio-calls.js";

const $ = (id) => document.getElementById(id);
const { api, page } = $("studio").dataset;
const grid = $("photos");
const state = $("state");
const DELETED_AT_ONCE = 500;
let anchor;

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

function dress(shot) {
  shot.style.setProperty("--ratio", shot.dataset.ratio);
  shot.style.backgroundColor = shot.dataset.colour;
  near.observe(shot);
  return shot;
}

let loading;
const more = () => (loading ??= load().catch(() => setTimeout(tidy, 3000)).finally(() => (loading = undefined)));

async function load(cursor = grid.dataset.next) {
  if (cursor === "end") return;
  const part = (await html(`/photos?limit=200&cursor=${cursor}`)).querySelector("#photos");
  grid.dataset.next = part.dataset.next;
  grid.append(...[...part.querySelectorAll(".shot")].map(dress));
  tidy();
}

const end = new IntersectionObserver((seen) => seen.at(-1).isIntersecting && more(), { rootMargin: "2000px" });

/** After photos came or went: one of them can be reached by Tab; the bar says how many are chosen. */
function tidy() {
  const left = shots();
  grid.hidden = !left.length;
  if (!left.some((shot) => shot.tabIndex === 0) && left[0]) left[0].tabIndex = 0;
  const count = chosen().length;
  $("chosen").hidden = !count;
  $("cover").hidden = count !== 1;
  if (count) $("chosen").querySelector("[role=status]").textContent = t("photographer.js.chosen", { count });
  // The end of the list may be in sight still.
  end.unobserve($("more"));
  end.observe($("more"));
}

const received = () => Number(state.querySelector("[data-received]").dataset.received);
let counted = received();

/** Photos that were not through are shown anew; such as are not here yet wait to be asked for: nothing moves. */
async function refresh(fresh) {
  const open = [...grid.querySelectorAll("[data-state=pending], [data-state=processing]")].at(-1);
  if (!open) return;
  const limit = Math.min(500, [...grid.querySelectorAll(".shot")].indexOf(open) + 1 + Math.max(fresh, 0));
  for (const shot of (await html(`/photos?limit=${limit}`)).querySelectorAll(".shot")) {
    const here = $(shot.id);
    if (!here || JSON.stringify(here.dataset) === JSON.stringify(shot.dataset)) continue;
    here.replaceChildren(...shot.children);
    here.ariaLabel = shot.ariaLabel;
    Object.assign(here.dataset, shot.dataset);
    near.unobserve(here);
    dress(here);
  }
}

async function begin() {
  counted = received();
  grid.replaceChildren();
  grid.dataset.next = "end";
  await loading;
  await load("");
}

async function watch() {
  const part = !document.hidden && (await html("/state").catch(() => {}));
  if (part && part.textContent.trim() !== state.textContent.trim()) {
    state.replaceChildren(...part.children);
    const count = received() - counted;
    await (grid.querySelector(".shot") ? refresh(count) : begin()).catch(() => {});
    $("fresh").hidden = received() <= counted;
    $("fresh").textContent = t("photographer.js.fresh", { count });
  }
  setTimeout(watch, Number(state.querySelector("[data-open]").dataset.open) ? 2000 : 6000);
}

$("fresh").addEventListener("click", () => (($("fresh").hidden = true), begin().catch(() => {})));

/** Choose a photo, or give it up; `through`: choose all from the last one to this. */
function choose(shot, through) {
  const all = shots();
  const yes = String(through || shot.ariaSelected !== "true");
  const [from, to] = [all.indexOf(through && anchor?.isConnected ? anchor : shot), all.indexOf(shot)].sort((a, b) => a - b);
  for (const each of all.slice(from, to + 1)) each.ariaSelected = yes;
  anchor = shot;
  tidy();
}

function clear() {
  for (const shot of chosen()) shot.ariaSelected = "false";
  tidy();
}

function go(shot) {
  if (!shot) return;
  for (const other of grid.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  shot.tabIndex = 0;
  shot.focus();
}

/** The photo above or below: in the next row, the first that reaches as far right as the middle of this one. */
function beyond(shot, step) {
  const middle = shot.offsetLeft + shot.offsetWidth / 2;
  const all = shots();
  let row;
  for (let next = all.indexOf(shot) + step; all[next]; next += step) {
    const { offsetTop, offsetLeft, offsetWidth } = all[next];
    if (offsetTop === shot.offsetTop) continue;
    if ((row ??= offsetTop) !== offsetTop) return all[next - step];
    if (step > 0 ? offsetLeft + offsetWidth >= middle : offsetLeft <= middle) return all[next];
  }
  return undefined;
}

grid.addEventListener("click", (event) => {
  const shot = event.target.closest(".shot");
  if (!shot) return;
  go(shot);
  const choosing = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".pick") || chosen().length;
  if (choosing) choose(shot, event.shiftKey);
  else showPhoto(shot);
});

grid.addEventListener("keydown", (event) => {
  const shot = event.target.closest(".shot");
  const all = shots();
  const at = all.indexOf(shot);
  const keys = {
    ArrowRight: () => go(all[at + 1]),
    ArrowLeft: () => go(all[at - 1]),
    ArrowDown: () => go(beyond(shot, 1)),
    ArrowUp: () => go(beyond(shot, -1)),
    Home: () => go(all[0]),
    End: () => go(all.at(-1)),
    Enter: () => showPhoto(shot),
    " ": () => choose(shot, event.shiftKey),
    Delete: remove,
    Escape: clear,
    ...((event.ctrlKey || event.metaKey) && { a: () => (all.forEach((each) => (each.ariaSelected = "true")), tidy()) }),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

function remove() {
  const gone = chosen().filter((shot) => "mine" in shot.dataset);
  const others = chosen().length - gone.length;
  const show = (hidden) => (gone.forEach((shot) => (shot.hidden = hidden)), tidy());
  clear();
  if (others) toast(t("photographer.js.not_yours", { count: others }));
  if (!gone.length) return;
  show(true);
  toast(t("photographer.js.deleted", { count: gone.length }), { undo: () => show(false), expired: () => erase(gone) });
}

async function erase(gone) {
  for (let start = 0; start < gone.length; start += DELETED_AT_ONCE) {
    await erasePart(gone.slice(start, start + DELETED_AT_ONCE));
  }
  tidy();
}

async function erasePart(part) {
  const ids = part.map((shot) => shot.dataset.id).join();
  try {
    await call("DELETE", `/api/photos?photo_ids=${ids}`, { keepalive: true });
  } catch (error) {
    if (error.name !== "NoSuchPhoto") {
      part.forEach((shot) => (shot.hidden = false));
      return toast(error.message);
    }
    // Deleted from another window: the service deletes all or none, so each by itself.
    if (part.length > 1) {
      for (const shot of part) await erasePart([shot]);
      return;
    }
  }
  part.forEach((shot) => shot.remove());
  counted -= part.length;
}

async function cover() {
  const [shot] = chosen();
  clear();
  try {
    await call("PUT", `${api}/cover`, { json: { photo_id: Number(shot.dataset.id) } });
  } catch (error) {
    return toast(error.message);
  }
  grid.querySelector(".is-cover")?.classList.remove("is-cover");
  shot.classList.add("is-cover");
  return toast(t("photographer.js.cover_set"));
}

$("delete").addEventListener("click", remove);
$("cover").addEventListener("click", cover);
$("none").addEventListener("click", clear);

// --- the viewer -------------------------------------------------------------------------------

const viewer = $("viewer");
const picture = viewer.querySelector("img");
const caption = viewer.querySelector("p");
let viewed;

const dialog = new PhotoDialog(viewer, {
  keys: { ArrowLeft: () => showNeighbour(-1), ArrowRight: () => showNeighbour(1) },
  closed() {
    go(viewed);
    return viewed;
  },
});

function showPhoto(shot) {
  viewed = shot;
  const { id, name, status, state: processing } = shot.dataset;
  picture.hidden = processing !== "done";
  if (!picture.hidden) picture.src = `/api/photo/${id}`;
  caption.textContent = `${name} · ${status}`;
  dialog.open();
}

/** Show the next photo (`step` 1) or the previous one (-1), if there is one. */
function showNeighbour(step) {
  const all = shots();
  const shot = all[all.indexOf(viewed) + step];
  if (shot) showPhoto(shot);
}

viewer.querySelector(".before").addEventListener("click", () => showNeighbour(-1));
viewer.querySelector(".after").addEventListener("click", () => showNeighbour(1));
viewer.querySelector(".close").addEventListener("click", () => dialog.close());
viewer.addEventListener("click", ({ target }) => (target === viewer || target === caption) && dialog.close());

grid.querySelectorAll(".shot").forEach(dress);
tidy();
setTimeout(watch, 2000);
