// One photo on the whole screen: swiped, pinched, kept, taken along, shared, or said to show somebody else.

import { api, ApiError, el, pause, t, toast } from "./base.js";

const toasts = document.getElementById("toasts");
const icons = {
  close: "M5 5 19 19M19 5 5 19",
  before: "M15 4 7 12 15 20",
  after: "M9 4 17 12 9 20",
  keep: "M12 20 4 12a5 5 0 0 1 8-6 5 5 0 0 1 8 6z",
  take: "M12 4V15M7 10 12 15 17 10M5 20H19",
  share: "M12 15V4M7 9 12 4 17 9M5 13V20H19V13",
  not: "M9 11a4 4 0 1 1 0-1zM3 20a7 7 0 0 1 9-6M15 15 21 21M21 15 15 21",
};
const DOUBLE_CLICK_MS = 600;
const address = (photo, size) => `/api/photo/${photo.id}?size=${size}`;

function button(name, onclick) {
  const box = el("button", { type: "button", class: name, onclick }, el("span", {}, t(`guest.gallery.viewer.${name}`)));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstChild.setAttribute("d", icons[name]);
  box.prepend(svg);
  return box;
}

export class Viewer {
  at = 0;
  list = [];
  slides = new Map();
  fingers = new Map();
  zoom = { scale: 1, x: 0, y: 0 };

  /** `hooks` are the gallery's: describe, more, draw, tile, moved, closed. */
  constructor(hooks) {
    this.hooks = hooks;
    this.stage = el("div", { class: "stage" });
    this.place = el("p", { class: "place", role: "status" });
    for (const name of ["keep", "take", "share", "not"]) this[`${name}Button`] = button(name, () => this[name]());
    this.before = button("before", () => this.go(-1));
    this.after = button("after", () => this.go(1));
    this.dialog = el(
      "dialog",
      { class: "viewer", "aria-label": t("guest.gallery.viewer.title") },
      el("div", { class: "top-bar" }, button("close", () => this.close()), this.place),
      this.stage,
      this.before,
      this.after,
      (this.foot = el("div", { class: "foot-bar" }, this.keepButton, this.takeButton, this.shareButton, this.notButton)),
    );
    this.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.close()));
    for (const name of ["down", "move", "up", "cancel"])
      this.stage.addEventListener(`pointer${name}`, (event) => this[name](event));
    this.stage.addEventListener("dblclick", (event) => this.scaleTo(this.zoom.scale > 1 ? 1 : 2.5, event));
    // Wherever the focus is: a toast that closes takes it along.
    addEventListener("keydown", (event) => this.dialog.open && this.key(event));
    addEventListener("popstate", () => this.dialog.open && this.shut());
    addEventListener("resize", () => this.dialog.open && this.paint(true));
    document.body.append(this.dialog);
  }

  get photo() {
    return this.list[this.at];
  }

  get picture() {
    return this.slides.get(this.photo)?.firstChild;
  }

  /** Open `list[index]`; `fresh` gives the back button a step to take. */
  open(list, index, fresh) {
    [this.list, this.at] = [list, index];
    if (fresh) history.pushState({ viewer: true }, "");
    const tile = this.hooks.tile(this.photo).getBoundingClientRect();
    this.dialog.append(toasts);
    this.dialog.showModal();
    this.paint(true);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    // It grows from where it was.
    const full = this.picture.getBoundingClientRect();
    const [x, y] = [tile.x + (tile.width - full.width) / 2 - full.x, tile.y + (tile.height - full.height) / 2 - full.y];
    const small = { transform: `translate(${x}px, ${y}px) scale(${tile.width / full.width})` };
    this.picture.animate([small, { transform: "none" }], { duration: 180, easing: "ease-out" });
  }

  close() {
    if (history.state?.viewer) history.back();
    else this.shut();
  }

  shut() {
    const { photo } = this;
    document.body.append(toasts);
    this.dialog.close();
    history.replaceState(null, "", location.pathname + location.search);
    this.stage.replaceChildren();
    this.slides.clear();
    this.hooks.closed();
    if (photo) this.hooks.tile(photo)?.focus({ preventScroll: true });
  }

  /** Photos may have gone meanwhile. */
  refresh() {
    if (this.dialog.open) this.paint();
  }

  paint(anew) {
    const { photo, at, list } = this;
    if (!photo) return this.close();
    if (anew) this.zoom = { scale: 1, x: 0, y: 0 };
    const near = [at, at + 1, at - 1].map((index) => list[index]).filter(Boolean);
    for (const [each, slide] of this.slides) if (!near.includes(each)) (slide.remove(), this.slides.delete(each));
    for (const each of near) {
      if (!this.slides.has(each)) this.addSlide(each);
      const slide = this.slides.get(each);
      const scale = Math.min(this.stage.clientWidth / each.w, this.stage.clientHeight / each.h);
      slide.firstChild.style.width = `${each.w * scale}px`;
      slide.firstChild.style.height = `${each.h * scale}px`;
      slide.inert = each !== photo;
      slide.lastChild.textContent = each.gone ? t("guest.gallery.viewer.gone") : "";
    }
    this.shift(0);
    this.place.textContent = this.hooks.describe(photo, at);
    this.keepButton.setAttribute("aria-pressed", String(photo.kept));
    this.notButton.hidden = !photo.me;
    for (const each of this.foot.children) each.disabled = photo.gone;
    this.before.disabled = !at;
    this.after.disabled = at === list.length - 1;
    history.replaceState(history.state, "", `#photo-${photo.id}`);
    if (at > list.length - 10) this.hooks.more()?.then(() => (this.after.disabled = this.at === this.list.length - 1));
  }

  addSlide(photo) {
    const image = el("img", { alt: this.hooks.describe(photo, this.list.indexOf(photo)), draggable: "false" });
    image.onload = () => image.classList.add("there");
    image.onerror = () => this.missing(photo, image);
    image.src = address(photo, "web");
    const picture = el("div", { class: "picture" }, image);
    picture.style.background = `${photo.colour ?? ""} url("${address(photo, "thumb")}") 0 0 / 100% 100%`;
    const slide = el("div", { class: "slide" }, picture, el("p", { class: "gone", role: "alert" }));
    this.slides.set(photo, slide);
    this.stage.append(slide);
  }

  // Why a picture does not come: it is gone, not ready, or the network is.
  async missing(photo, image) {
    await this.try(photo, () => api("GET", address(photo, "web"), { raw: true }));
    await pause(2000);
    if (!photo.gone && image.isConnected) image.src = `${address(photo, "web")}&again=${Date.now()}`;
  }

  /** Do what may find the photo gone; tell whether it worked. */
  async try(photo, action) {
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

  // --- fingers and keys -------------------------------------------------------------------------

  go(step) {
    if (this.list[this.at + step]) {
      this.at += step;
      this.paint(true);
    }
    this.shift(0, true);
  }

  // Each photo a screen from the next, all shifted by `x` px.
  shift(x, gently = false) {
    for (const [photo, slide] of this.slides) {
      slide.classList.toggle("gently", gently);
      slide.style.transform = `translateX(calc(${(this.list.indexOf(photo) - this.at) * 104}% + ${x}px))`;
    }
    const { zoom } = this;
    if (this.picture) this.picture.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
  }

  // The point under the fingers stays under them, and the picture on the screen.
  scaleTo(wanted, { clientX, clientY }) {
    const scale = Math.min(6, Math.max(1, wanted));
    const part = scale / this.zoom.scale;
    const inside = (from, middle, size, room) => {
      const most = Math.max(0, (size * scale - room) / 2);
      return Math.min(most, Math.max(-most, middle - (middle - from) * part));
    };
    const { offsetWidth, offsetHeight } = this.picture;
    const x = inside(this.zoom.x, clientX - innerWidth / 2, offsetWidth, this.stage.clientWidth);
    const y = inside(this.zoom.y, clientY - innerHeight / 2, offsetHeight, this.stage.clientHeight);
    this.zoom = { scale, x, y };
    this.shift(0);
  }

  down(event) {
    this.fingers.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    this.start = { x: event.clientX, y: event.clientY, at: event.timeStamp, axis: "" };
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const apart = () => {
      const [a, b] = [...this.fingers.values()];
      return b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
    };
    const was = apart();
    this.fingers.set(event.pointerId, event);
    if (was) {
      this.start.axis = "both";
      return this.scaleTo((this.zoom.scale * apart()) / was, event);
    }
    if (this.zoom.scale > 1) {
      this.zoom.x += event.clientX - before.clientX;
      this.zoom.y += event.clientY - before.clientY;
      return this.scaleTo(this.zoom.scale, event);
    }
    const [x, y] = [event.clientX - this.start.x, event.clientY - this.start.y];
    if (Math.hypot(x, y) > 8) this.start.axis ||= Math.abs(x) > Math.abs(y) ? "x" : "y";
    if (this.start.axis === "y") this.zoom.y = Math.max(0, y);
    this.shift(this.start.axis === "x" ? x : 0);
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId) || this.fingers.size || this.zoom.scale > 1) return;
    const [x, y] = [event.clientX - this.start.x, event.clientY - this.start.y];
    const far = event.timeStamp - this.start.at < 250 ? 30 : innerWidth / 4;
    if (this.start.axis === "y" && y > far) return this.close();
    this.zoom.y = 0;
    this.go(this.start.axis === "x" && Math.abs(x) > far ? -Math.sign(x) : 0);
  }

  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.shift(0, true);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") this.go(-1);
    if (event.key === "ArrowRight") this.go(1);
    if (event.key === "d") this.take();
    if (event.key === "f") this.keep();
  }

  // --- what can be done with it -------------------------------------------------------------------

  async keep() {
    const { photo } = this;
    if (photo.gone) return;
    photo.kept = !photo.kept;
    this.paint();
    // A second tap on the way is sent after the first.
    if (photo.saving) return;
    photo.saving = true;
    for (let sent = !photo.kept; sent !== photo.kept; ) {
      sent = photo.kept;
      const call = () => api(sent ? "PUT" : "DELETE", `/api/photos/${photo.id}/favourite`);
      if (!(await this.try(photo, call))) sent = photo.kept = !sent;
    }
    photo.saving = false;
    this.refresh();
    this.hooks.draw();
  }

  async take() {
    const { photo } = this;
    // Asked first whether it is still there: a browser's own words for a failed download help nobody.
    const there = () => api("GET", `${address(photo, "thumb")}&at=${Date.now()}`, { raw: true });
    if (photo.gone || !(await this.try(photo, there))) return;
    el("a", { href: `${address(photo, "original")}&download=true`, download: photo.name }).click();
    toast(t("guest.gallery.viewer.taking"));
  }

  async share() {
    const { photo } = this;
    const fetched = await this.try(photo, async () => {
      const answer = await api("GET", address(photo, "web"), { raw: true });
      photo.file ??= new File([await answer.blob()], photo.name.replace(/\.\w+$/, ".jpg"), { type: "image/jpeg" });
    });
    if (!fetched) return;
    const files = [photo.file];
    if (!navigator.canShare?.({ files })) return this.take();
    navigator.share({ files }).catch((error) => {
      // It took so long to come that the tap has been forgotten.
      if (error.name === "NotAllowedError") toast(t("guest.gallery.viewer.ready"));
    });
  }

  async not() {
    const { photo } = this;
    // A second click would refuse the photo that comes next.
    if (this.answering) return;
    this.answering = true;
    const path = `/api/photos/${photo.id}/not-me`;
    const change = async (method, me) => {
      if (!(await this.try(photo, () => api(method, path)))) return;
      photo.me = me;
      this.list = this.hooks.moved(photo, me);
      this.at = me ? this.list.indexOf(photo) : Math.min(this.at, this.list.length - 1);
      if (this.dialog.open) this.paint(true);
    };
    await change("POST", false).finally(() => setTimeout(() => (this.answering = false), DOUBLE_CLICK_MS));
    if (!photo.me) toast(t("guest.gallery.viewer.not_me"), { undo: () => change("DELETE", true) });
  }
}
