// Choosing several photos of the gallery: by touch, mouse and keys; saved, downloaded, kept or sent by a link all at once.
// Tiles come and go while the guest scrolls: what is chosen is a set of ids, and each tile gets its look when it is made.

import { api, el, t, toast } from "./base.js";

const HOLD_MS = 450;
const SLIP_PX = 10;
// More than this is not handed to another app at once: a phone holds all of it in memory.
const [MOST_FILES, MOST_BYTES] = [20, 100e6];
const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

/**
 * Let the guest choose tiles in `box`. `hooks` are of the gallery: event, list (its photos), more, tile (the link of a
 * photo, scrolled to), changed (photos became favourites, or are none any more).
 */
export function choosing(box, { event, list, more, tile, changed }) {
  const $ = (name) => document.querySelector(`[data-choosing="${name}"]`);
  const [bar, said, panel, begin] = ["bar", "said", "panel", "begin"].map($);
  const chosen = new Set();
  const hovers = matchMedia("(hover: hover)").matches;
  const onPhone = matchMedia("(pointer: coarse)").matches;
  let on = false;
  let anchor = null;
  let pressed = null;
  let held = false;
  // Fetched, and waiting for the tap that hands them over.
  let ready = null;
  let work = new AbortController();
  const idOf = (node) => Number(node.closest?.(".tile")?.dataset.id);
  const placeOf = (id) => list().findIndex((photo) => photo.id === id);

  function paint() {
    begin.hidden = on || !list().length;
    for (const each of box.querySelectorAll(".tile")) {
      const yes = chosen.has(idOf(each));
      const picture = each.querySelector("a");
      if (hovers && !each.querySelector(".pick")) each.append(el("span", { class: "pick", title: t("guest.gallery.choose.this") }));
      each.classList.toggle("chosen", yes);
      picture.role = on ? "checkbox" : null;
      picture.ariaChecked = on ? String(yes) : null;
    }
  }

  function show() {
    paint();
    document.body.classList.toggle("choosing", on);
    bar.hidden = !on;
    said.textContent = chosen.size ? t("guest.gallery.choose.count", { count: chosen.size }) : t("guest.gallery.choose.none");
    for (const button of bar.querySelectorAll("[data-do]")) button.disabled = !chosen.size && !["all", "leave"].includes(button.dataset.do);
  }

  function leave() {
    work.abort();
    work = new AbortController();
    chosen.clear();
    on = false;
    if (panel) panel.open = false;
    anchor = ready = null;
    show();
  }

  /** Choose a photo or leave it; with `through` choose all from the last one to this one. */
  function choose(id, through) {
    on = true;
    ready = null;
    const [from, to] = [placeOf(through && anchor ? anchor : id), placeOf(id)].sort((one, other) => one - other);
    if (through) for (const photo of list().slice(Math.max(0, from), to + 1)) chosen.add(photo.id);
    else if (!chosen.delete(id)) chosen.add(id);
    anchor = id;
    show();
  }

  async function all() {
    const { signal } = work;
    for (let page; !signal.aborted && (page = more()); ) {
      await page;
      said.textContent = t("guest.gallery.choose.loading", { count: list().length });
    }
    if (signal.aborted) return;
    const missing = list().filter((photo) => !chosen.has(photo.id));
    for (const { id } of missing) chosen.add(id);
    if (!missing.length) chosen.clear();
    ready = null;
    show();
  }

  // --- touch, mouse, keys ---------------------------------------------------------------------------

  function release() {
    clearTimeout(pressed?.timer);
    pressed = null;
  }

  box.addEventListener("pointerdown", (down) => {
    release();
    held = false;
    const id = idOf(down.target);
    if (!id || on || down.pointerType === "mouse") return;
    const timer = setTimeout(() => {
      held = true;
      navigator.vibrate?.(10);
      choose(id);
    }, HOLD_MS);
    pressed = { timer, x: down.clientX, y: down.clientY };
  });
  addEventListener("pointermove", ({ clientX, clientY }) => {
    if (pressed && Math.hypot(clientX - pressed.x, clientY - pressed.y) > SLIP_PX) release();
  });
  for (const name of ["pointerup", "pointercancel", "scroll"]) addEventListener(name, release, { passive: true });
  // The menu of a long press.
  box.addEventListener("contextmenu", (menu) => (pressed || held) && menu.preventDefault());

  box.addEventListener(
    "click",
    (click) => {
      const id = idOf(click.target);
      const modified = click.metaKey || click.ctrlKey || click.shiftKey;
      if (!id || !(on || modified || click.target.closest(".pick"))) return;
      click.preventDefault();
      click.stopImmediatePropagation();
      // The end of the long press that chose it.
      if (held) held = false;
      else choose(id, click.shiftKey);
    },
    true,
  );

  /** Return the photo beside another one: before or behind it, or the nearest one in the line above or below. */
  function beside(id, key) {
    const step = ARROWS[key];
    if (key === "ArrowLeft" || key === "ArrowRight") return list()[placeOf(id) + step];
    const here = box.querySelector(`[data-id="${id}"]`).getBoundingClientRect();
    const far = (other) => Math.abs(other.top - here.top) * 9 + Math.abs(other.left + other.width / 2 - here.left - here.width / 2);
    const others = [...box.querySelectorAll(".tile")].map((each) => [each, each.getBoundingClientRect()]);
    const [next] = others.filter(([, at]) => (at.top - here.top) * step > 1).toSorted(([, one], [, other]) => far(one) - far(other));
    return next && list()[placeOf(idOf(next[0]))];
  }

  addEventListener("keydown", (down) => {
    if (document.querySelector("dialog[open]")) return;
    const id = box.contains(down.target) && idOf(down.target);
    if (down.key === "Escape" && on) leave();
    else if (down.key === " " && id) choose(id, down.shiftKey);
    else if (down.key === "a" && (down.ctrlKey || down.metaKey) && (on || id)) {
      on = true;
      all();
    } else if (down.shiftKey && ARROWS[down.key] && id) {
      if (!chosen.has(id)) choose(id);
      const next = beside(id, down.key);
      if (next) {
        choose(next.id, true);
        tile(next)?.focus({ preventScroll: true });
      }
    } else return;
    down.preventDefault();
  });

  // --- what is done with them -----------------------------------------------------------------------

  const post = (path, body) => api("POST", `/api/user/events/${event}/${path}`, { json: { photo_ids: [...chosen], ...body } });

  /** Return the sentence for photos that were chosen and are no longer there; an empty text if all are. */
  const leftOut = ({ left_out: count }) => (count ? t("guest.gallery.choose.left_out", { count }) : "");
  const tellLeftOut = (answer) => leftOut(answer) && toast(leftOut(answer));

  // One sentence is shown at a time: what is missing is said in the one about the download.
  function download(path, { name = "", missing = "" } = {}) {
    el("a", { href: path, download: name }).click();
    toast(`${missing} ${t("guest.gallery.viewer.taking")}`.trim());
  }

  async function zip(known) {
    const choice = known ?? (await post("choices"));
    download(`/api/user/events/${event}/photos.zip?choice=${choice.id}`, { missing: leftOut(choice) });
    leave();
  }

  /** Hand the originals to the phone, which saves or sends them; where it cannot, download them. */
  async function save() {
    ready ??= await fetched();
    if (!ready) return;
    try {
      await navigator.share({ files: ready });
      leave();
    } catch (error) {
      // It took so long that the browser no longer accepts the tap as the reason to share.
      if (error.name === "NotAllowedError") said.textContent = t("guest.gallery.choose.ready");
    }
  }

  async function fetched() {
    const { signal } = work;
    const wanted = list().filter((photo) => chosen.has(photo.id));
    const handy = onPhone && navigator.canShare;
    if (!handy && wanted.length === 1) {
      download(`/api/photo/${wanted[0].id}?size=original&download=true`, { name: wanted[0].name });
      leave();
      return null;
    }
    const choice = await post("choices");
    const files = [];
    if (handy && choice.photos <= MOST_FILES && choice.bytes <= MOST_BYTES) {
      for (const { id, name } of wanted) {
        said.textContent = t("guest.gallery.choose.fetching", { place: files.length + 1, total: wanted.length });
        const answer = await api("GET", `/api/photo/${id}?size=original`, { raw: true, signal }).catch((error) => {
          if (error.name !== "NoSuchPhoto") throw error;
        });
        const blob = await answer?.blob();
        if (blob) files.push(new File([blob], name, { type: blob.type }));
      }
    }
    if (files.length && navigator.canShare({ files })) {
      tellLeftOut(choice);
      return files;
    }
    await zip(choice);
    return null;
  }

  async function favourite() {
    const wanted = list().filter((photo) => chosen.has(photo.id));
    const kept = !wanted.every((photo) => photo.kept);
    // Undone, those that were marked before stay marked.
    const among = wanted.filter((photo) => photo.kept !== kept);
    const mark = async (yes) => {
      const body = { photo_ids: among.map(({ id }) => id), favourite: yes };
      const answer = await api("PUT", `/api/user/events/${event}/favourites`, { json: body });
      for (const photo of among) photo.kept = yes;
      changed();
      return answer;
    };
    const answer = await mark(kept);
    tellLeftOut(answer);
    leave();
    const words = kept ? "guest.gallery.choose.kept" : "guest.gallery.choose.unkept";
    toast(t(words, { count: answer.photos }), { undo: () => mark(!kept).catch((error) => toast(error.message)) });
  }

  async function link() {
    const made = await post("photo-links", { shows_name: Boolean($("name")?.checked) });
    tellLeftOut(made);
    leave();
    const copied = await navigator.clipboard?.writeText(made.link).then(() => true, () => false);
    const undo = () => api("DELETE", `/api/photo-links/${made.id}`).catch((error) => toast(error.message));
    toast(t(copied ? "guest.gallery.choose.copied" : "guest.gallery.choose.made"), { undo });
    // Closing the list of apps is no error.
    if (onPhone && navigator.share)
      navigator.share({ text: t("guest.gallery.choose.message", { count: made.photos }), url: made.link }).catch(() => {});
    else if (!copied) location.assign("/links");
  }

  const actions = { all, save, zip: () => zip(), favourite, link, leave };
  bar.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-do]");
    if (!button || button.ariaBusy) return;
    button.ariaBusy = "true";
    try {
      await actions[button.dataset.do]();
    } catch (error) {
      if (error.name !== "AbortError") toast(error.message);
      if (on) show();
    }
    button.ariaBusy = null;
  });
  begin.addEventListener("click", () => {
    on = true;
    show();
    bar.querySelector("button").focus();
  });

  new MutationObserver(paint).observe(box, { childList: true, subtree: true });
  show();
}
