// The guest's viewer: one photo on the whole screen, with gestures, favourite, download, sharing, "this is me", "not me".

import { api, ApiError, el, pause, t, toast } from "./base.js";
import { PhotoDialog } from "./dialog.js";
import { Faces } from "./faces.js";
import { Gestures } from "./gestures.js";
import { button } from "./icons.js";

const DOUBLE_CLICK_MS = 600;
const address = (photo, size) => `/api/photo/${photo.id}?size=${size}`;

export class Viewer {
  at = 0;
  list = [];
  /** For each photo near the one shown: `{ slide, picture, message }`, its elements. */
  slides = new Map();
  #files = new Map();
  #saving = new Set();

  /** `hooks` are functions of the gallery: describe, more, draw, tile, moved, closed. */
  constructor(hooks) {
    this.hooks = hooks;
    this.stage = el("div", { class: "stage" });
    this.place = el("p", { class: "place", role: "status" });
    const close = button("close", t("guest.gallery.viewer.close"), () => this.dialog.close());
    this.report = el("a", { class: "report" }, t("guest.gallery.viewer.report"));
    this.before = button("before", t("guest.gallery.viewer.before"), () => this.go(-1));
    this.after = button("after", t("guest.gallery.viewer.after"), () => this.go(1));
    this.favourite = button("favourite", t("guest.gallery.viewer.keep"), () => this.toggleFavourite());
    this.notMe = button("not-me", t("guest.gallery.viewer.not"), () => this.refuse());
    this.thisIsMe = button("me", t("guest.gallery.viewer.me"), () => this.toggleFaces());
    this.faces = new Faces((photo, me) => this.#moved(photo, me, this.photo));
    this.actions = [
      this.favourite,
      button("download", t("guest.gallery.viewer.take"), () => this.download()),
      button("share", t("guest.gallery.viewer.share"), () => this.share()),
      this.thisIsMe,
      this.notMe,
    ];
    const dialog = el(
      "dialog",
      { class: "viewer", "aria-label": t("guest.gallery.viewer.title") },
      el("div", { class: "top-bar" }, close, this.place, this.report),
      this.stage,
      this.before,
      this.after,
      el("div", { class: "foot-bar" }, ...this.actions),
    );
    const keys = {
      ArrowLeft: () => this.go(-1),
      ArrowRight: () => this.go(1),
      d: () => this.download(),
      f: () => this.toggleFavourite(),
    };
    this.dialog = new PhotoDialog(dialog, { keys, closed: () => this.#closed(), escaped: () => this.#hideFaces() });
    this.gestures = new Gestures(this.stage, {
      picture: () => this.picture,
      moved: (x, animated) => this.shift(x, animated),
      swiped: (step) => this.go(step),
      pulledDown: () => this.dialog.close(),
    });
    addEventListener("resize", () => this.isOpen && this.paint(true));
    document.body.append(dialog);
  }

  get isOpen() {
    return this.dialog.isOpen;
  }

  get photo() {
    return this.list[this.at];
  }

  get picture() {
    return this.slides.get(this.photo)?.picture;
  }

  /** Open `list[index]`. `newEntry` is false where the history has an entry for the viewer already. */
  open(list, index, newEntry) {
    [this.list, this.at] = [list, index];
    const tile = this.hooks.tile(this.photo).getBoundingClientRect();
    this.dialog.open({ newEntry });
    this.paint(true);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    // The picture grows from its tile.
    const full = this.picture.getBoundingClientRect();
    const [x, y] = [tile.x + (tile.width - full.width) / 2 - full.x, tile.y + (tile.height - full.height) / 2 - full.y];
    const small = { transform: `translate(${x}px, ${y}px) scale(${tile.width / full.width})` };
    this.picture.animate([small, { transform: "none" }], { duration: 180, easing: "ease-out" });
  }

  #closed() {
    const { photo } = this;
    this.faces.hide();
    this.stage.replaceChildren();
    this.slides.clear();
    this.#files.clear();
    this.hooks.closed();
    return photo && this.hooks.tile(photo);
  }

  /** Show again what may have changed: photos may be gone. */
  refresh() {
    if (this.isOpen) this.paint();
  }

  /** Show the current photo and load its neighbours. `reset`: without zoom. */
  paint(reset) {
    const { photo, at, list } = this;
    if (!photo) {
      this.dialog.close();
      return;
    }
    if (reset) this.gestures.reset();
    if (this.faces.photo !== photo) this.faces.hide();
    this.thisIsMe.setAttribute("aria-pressed", String(this.faces.photo === photo));
    const near = [at, at + 1, at - 1].map((index) => list[index]).filter(Boolean);
    for (const [each, { slide }] of this.slides) {
      if (near.includes(each)) continue;
      slide.remove();
      this.slides.delete(each);
    }
    for (const each of near) this.#paintSlide(each);
    this.shift(0);
    this.place.textContent = this.hooks.describe(photo, at);
    this.favourite.setAttribute("aria-pressed", String(photo.kept));
    this.notMe.hidden = !photo.me;
    // With the list shown, which the guest then returns to.
    this.report.href = `/photos/${photo.id}/report${location.search}`;
    this.report.hidden = Boolean(photo.gone);
    for (const each of this.actions) each.disabled = photo.gone;
    this.before.disabled = !at;
    this.after.disabled = at === list.length - 1;
    history.replaceState(history.state, "", `#photo-${photo.id}`);
    if (at > list.length - 10) this.hooks.more()?.then(() => (this.after.disabled = this.at === this.list.length - 1));
  }

  #paintSlide(photo) {
    if (!this.slides.has(photo)) this.#addSlide(photo);
    const { slide, picture, message } = this.slides.get(photo);
    const scale = Math.min(this.stage.clientWidth / photo.w, this.stage.clientHeight / photo.h);
    picture.style.width = `${photo.w * scale}px`;
    picture.style.height = `${photo.h * scale}px`;
    slide.inert = photo !== this.photo;
    message.textContent = photo.gone ? t("guest.gallery.viewer.gone") : "";
  }

  #addSlide(photo) {
    const image = el("img", { alt: this.hooks.describe(photo, this.list.indexOf(photo)), draggable: "false" });
    image.onload = () => image.classList.add("there");
    image.onerror = () => this.loadAgain(photo, image);
    image.src = address(photo, "web");
    const picture = el("div", { class: "picture" }, image);
    picture.style.background = `${photo.colour ?? ""} url("${address(photo, "thumb")}") 0 0 / 100% 100%`;
    const message = el("p", { class: "gone", role: "alert" });
    const slide = el("div", { class: "slide" }, picture, message);
    this.slides.set(photo, { slide, picture, message });
    this.stage.append(slide);
  }

  /** Find out why a picture did not load (gone, not ready, no network) and load it again unless it is gone. */
  async loadAgain(photo, image) {
    await this.attempt(photo, () => api("GET", address(photo, "web"), { raw: true }));
    await pause(2000);
    if (!photo.gone && image.isConnected) image.src = `${address(photo, "web")}&again=${Date.now()}`;
  }

  /** Run an action on a photo that may be gone; return whether it succeeded. */
  async attempt(photo, action) {
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.name === "NoSuchPhoto") photo.gone = true;
      else if (error.name !== "PhotoNotReady") toast(error.message);
      this.refresh();
      return false;
    }
  }

  /** Go to the next photo (`step` 1), to the previous one (-1), or back into place (0). */
  go(step) {
    if (this.list[this.at + step]) {
      this.at += step;
      this.paint(true);
    }
    this.shift(0, true);
  }

  /** Place the slides one screen apart, all shifted by `x` px; `animated` or at once. */
  shift(x, animated = false) {
    for (const [photo, { slide }] of this.slides) {
      slide.classList.toggle("gently", animated);
      slide.style.transform = `translateX(calc(${(this.list.indexOf(photo) - this.at) * 104}% + ${x}px))`;
    }
    const { scale, x: left, y: top } = this.gestures.zoom;
    if (!this.picture) return;
    this.picture.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
    this.picture.style.setProperty("--scale", scale);
  }

  // --- actions ----------------------------------------------------------------------------------

  async toggleFavourite() {
    const { photo } = this;
    if (photo.gone) return;
    photo.kept = !photo.kept;
    this.paint();
    // The call under way is followed by another one for a second tap.
    if (this.#saving.has(photo)) return;
    this.#saving.add(photo);
    for (let sent = !photo.kept; sent !== photo.kept; ) {
      sent = photo.kept;
      const call = () => api(sent ? "PUT" : "DELETE", `/api/photos/${photo.id}/favourite`);
      if (!(await this.attempt(photo, call))) sent = photo.kept = !sent;
    }
    this.#saving.delete(photo);
    this.refresh();
    this.hooks.draw();
  }

  async download() {
    const { photo } = this;
    // Check that it is still there: a browser's own message about a failed download does not help.
    const check = () => api("GET", `${address(photo, "thumb")}&at=${Date.now()}`, { raw: true });
    if (photo.gone || !(await this.attempt(photo, check))) return;
    el("a", { href: `${address(photo, "original")}&download=true`, download: photo.name }).click();
    toast(t("guest.gallery.viewer.taking"));
  }

  async share() {
    const { photo } = this;
    const fetched = await this.attempt(photo, async () => {
      const answer = await api("GET", address(photo, "web"), { raw: true });
      const name = photo.name.replace(/\.\w+$/, ".jpg");
      if (!this.#files.has(photo)) this.#files.set(photo, new File([await answer.blob()], name, { type: "image/jpeg" }));
    });
    if (!fetched) return;
    const files = [this.#files.get(photo)];
    if (!navigator.canShare?.({ files })) {
      this.download();
      return;
    }
    navigator.share({ files }).catch((error) => {
      // The picture took so long that the browser no longer accepts the tap as the reason to share.
      if (error.name === "NotAllowedError") toast(t("guest.gallery.viewer.ready"));
    });
  }

  /** Note whether a photo shows the guest, and go on with `shown`, or without it with the photo that takes its place. */
  #moved(photo, me, shown) {
    photo.me = me;
    this.list = this.hooks.moved(photo, me);
    const at = this.list.indexOf(shown);
    const moves = at !== this.at;
    this.at = at < 0 ? Math.min(this.at, this.list.length - 1) : at;
    if (this.isOpen) this.paint(moves);
  }

  async toggleFaces() {
    const { photo, picture } = this;
    if (!this.#hideFaces() && !photo.gone) await this.attempt(photo, () => this.faces.show(photo, picture));
    this.refresh();
  }

  /** Hide the faces; return whether they were shown. */
  #hideFaces() {
    const shown = Boolean(this.faces.photo);
    this.faces.hide();
    if (shown) this.thisIsMe.focus();
    this.refresh();
    return shown;
  }

  async refuse() {
    const { photo } = this;
    // A double click must not refuse the photo that comes next.
    if (this.refusing) return;
    this.refusing = true;
    const change = async (method, me) => {
      if (!(await this.attempt(photo, () => api(method, `/api/photos/${photo.id}/not-me`)))) return;
      this.faces.hide();
      this.#moved(photo, me, photo);
    };
    await change("POST", false).finally(() => setTimeout(() => (this.refusing = false), DOUBLE_CLICK_MS));
    if (!photo.me) toast(t("guest.gallery.viewer.not_me"), { undo: () => change("DELETE", true) });
  }
}
