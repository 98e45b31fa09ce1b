// The photos of an event: loaded while scrolling, selected, deleted with ten seconds to undo, shown to everyone; one
// of them is the cover.

import { t, toast } from "./base.js";
import { PhotoDialog } from "./dialog.js";
import { call } from "./studio-calls.js";
import { AT_ONCE, isShown, share } from "./studio-sharing.js";

const $ = (id) => document.getElementById(id);
const { api, page } = $("studio").dataset;
const grid = $("photos");
const state = $("state");
let anchor;
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
  near.observe(shot);
  return shot;
}

// Rises when the list is asked for anew: what was asked for before is then no longer of this list.
let lists = 0;
let loading;
const more = () => (loading ??= load().catch(() => setTimeout(updateSelection, 3000)).finally(() => (loading = undefined)));

async function load(cursor = grid.dataset.next) {
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

async function reload() {
  lists += 1;
  counted = received();
  grid.replaceChildren();
  grid.dataset.next = "end";
  await load("");
}

async function poll() {
  const part = !document.hidden && (await html("/state").catch(() => {}));
  if (part && part.textContent.trim() !== state.textContent.trim()) {
    state.replaceChildren(...part.children);
    const count = received() - counted;
    await (grid.querySelector(".shot") ? refresh(count) : reload()).catch(() => {});
    $("fresh").hidden = received() <= counted;
    $("fresh").textContent = t("photographer.js.fresh", { count });
  }
  setTimeout(poll, Number(state.querySelector("[data-open]").dataset.open) ? 2000 : 6000);
}

// Not by loading the page again: an upload may be under way in it.
$("order").addEventListener("click", (event) => {
  const { order: asked } = event.target.dataset;
  if (!asked || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  order = asked;
  for (const each of $("order").children) each.ariaCurrent = each === event.target ? "true" : null;
  history.replaceState(history.state, "", event.target.href);
  reload().catch(() => {});
});
document.addEventListener("dated", () => reload().catch(() => {}));

$("fresh").addEventListener("click", () => (($("fresh").hidden = true), reload().catch(() => {})));

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

/** Return the photo above or below: in the next row, the first one that reaches the middle of this one. */
function neighbourRow(shot, step) {
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
  focusShot(shot);
  const choosing = event.shiftKey || event.ctrlKey || event.metaKey || event.target.closest(".pick") || chosen().length;
  if (choosing) choose(shot, event.shiftKey);
  else showPhoto(shot);
});

grid.addEventListener("keydown", (event) => {
  const shot = event.target.closest(".shot");
  const all = shots();
  const at = all.indexOf(shot);
  const keys = {
    ArrowRight: () => focusShot(all[at + 1]),
    ArrowLeft: () => focusShot(all[at - 1]),
    ArrowDown: () => focusShot(neighbourRow(shot, 1)),
    ArrowUp: () => focusShot(neighbourRow(shot, -1)),
    Home: () => focusShot(all[0]),
    End: () => focusShot(all.at(-1)),
    Enter: () => showPhoto(shot),
    " ": () => choose(shot, event.shiftKey),
    Delete: remove,
    Escape: unselectAll,
    ...((event.ctrlKey || event.metaKey) && { a: () => (all.forEach((each) => (each.ariaSelected = "true")), updateSelection()) }),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

function remove() {
  const gone = chosen().filter((shot) => "mine" in shot.dataset);
  const others = chosen().length - gone.length;
  const show = (hidden) => (gone.forEach((shot) => (shot.hidden = hidden)), updateSelection());
  unselectAll();
  if (others) toast(t("photographer.js.not_yours", { count: others }));
  if (!gone.length) return;
  show(true);
  toast(t("photographer.js.deleted", { count: gone.length }), { undo: () => show(false), expired: () => erase(gone) });
}

async function erase(gone) {
  for (let start = 0; start < gone.length; start += AT_ONCE) {
    await erasePart(gone.slice(start, start + AT_ONCE));
  }
  updateSelection();
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
    // One was deleted in another window. The service deletes all or none, so delete each one by itself.
    if (part.length > 1) {
      for (const shot of part) await erasePart([shot]);
      return;
    }
  }
  part.forEach((shot) => shot.remove());
  counted -= part.length;
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

$("delete").addEventListener("click", remove);
$("cover").addEventListener("click", cover);
$("everyone")?.addEventListener("click", everyone);
$("none").addEventListener("click", unselectAll);

// --- the viewer -------------------------------------------------------------------------------

const viewer = $("viewer");
const picture = viewer.querySelector("img");
const caption = viewer.querySelector("p");
const raw = viewer.querySelector(".raw");
let viewed;

const dialog = new PhotoDialog(viewer, {
  keys: { ArrowLeft: () => showNeighbour(-1), ArrowRight: () => showNeighbour(1) },
  closed() {
    focusShot(viewed);
    return viewed;
  },
});

function showPhoto(shot) {
  viewed = shot;
  const { id, name, status, state: processing, raw: hasRaw } = shot.dataset;
  picture.hidden = processing !== "done";
  if (!picture.hidden) picture.src = `/api/photo/${id}`;
  caption.textContent = [name, status, ...(isShown(shot) ? [t("photographer.js.everyone")] : [])].join(" · ");
  raw.hidden = hasRaw === undefined;
  raw.href = `/api/photo/${id}?size=raw&download=true`;
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

grid.querySelectorAll(".shot").forEach(prepare);
updateSelection();
setTimeout(poll, 2000);
