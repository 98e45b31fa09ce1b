// One photo on the whole screen: swiped, pinched, kept, taken along, shared, or said to show somebody else.

import { api, ApiError, el, pause, t, toast } from "./base.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
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

function button(name, onclick) {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS(icon.namespaceURI, "path"));
  icon.firstChild.setAttribute("d", icons[name]);
  return el("button", { type: "button", class: name, onclick }, icon, el("span", {}, t(`guest.gallery.viewer.${name}`)));
}

export class Viewer {
  #at = 0;
  #list = [];
  #slides = new Map();
  #pointers = new Map();
  #zoom = { scale: 1, x: 0, y: 0 };
  #files = new Map();

  /** `hooks`: describe, more, tile, changed, removed, closed; see the gallery. */
  constructor(hooks) {
    this.hooks = hooks;
    this.stage = el("div", { class: "stage" });
    this.said = el("p", { class: "place", role: "status" });
    this.keep = button("keep", () => this.#keep());
    this.not = button("not", () => this.#notMe());
    this.share = button("share", () => this.#share());
    this.before = button("before", () => this.#go(-1));
    this.after = button("after", () => this.#go(1));
    const top = el("div", { class: "top-bar" }, button("close", () => this.close()), this.said);
    const foot = el("div", { class: "foot-bar" }, this.keep, button("take", () => this.#take()), this.share, this.not);
    const label = t("guest.gallery.viewer.title");
    this.dialog = el("dialog", { class: "viewer", "aria-label": label }, top, this.stage, this.before, this.after, foot);
    this.dialog.addEventListener("cancel", (cancel) => (cancel.preventDefault(), this.close()));
    this.dialog.addEventListener("keydown", (key) => this.#key(key));
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
      this.stage.addEventListener(name, (event) => this[`_${name}`](event));
    this.stage.addEventListener("dblclick", (event) => this.#zoomTo(this.#zoom.scale > 1 ? 1 : 2.5, event));
    this.stage.addEventListener("wheel", (event) => (event.preventDefault(), this.#zoomTo(this.#zoom.scale * 0.995 ** event.deltaY, event)), { passive: false });
    addEventListener("popstate", () => this.isOpen && this.#shut());
    addEventListener("resize", () => this.isOpen && this.#paint(true));
    document.body.append(this.dialog);
  }

  get isOpen() {
    return this.dialog.open;
  }

  get #photo() {
    return this.#list[this.#at];
  }

  /** Open `list[index]`; `fresh` makes the back button close it. */
  open(list, index, fresh) {
    this.#list = list;
    this.#at = index;
    const address = `#photo-${this.#photo.id}`;
    if (fresh) history.pushState({ viewer: true }, "", address);
    this.dialog.append(toasts);
    this.dialog.showModal();
    this.#paint(true);
    this.#grow(1);
  }

  /** Close; where opening made a step in the history, take it back. */
  close() {
    if (history.state?.viewer) history.back();
    else this.#shut();
  }

  /** Photos may have gone meanwhile. */
  refresh() {
    if (this.isOpen) this.#paint();
  }

  async #shut() {
    const photo = this.#photo;
    await this.#grow(-1);
    document.body.append(toasts);
    this.dialog.close();
    history.replaceState(null, "", location.pathname + location.search);
    this.stage.replaceChildren();
    this.#slides.clear();
    this.#files.clear();
    this.hooks.closed();
    if (photo) this.hooks.tile(photo)?.focus({ preventScroll: true });
  }

  // From the thumbnail and back to it.
  async #grow(direction) {
    const picture = this.#slides.get(this.#photo)?.querySelector(".picture");
    const tile = picture && this.hooks.tile(this.#photo)?.getBoundingClientRect();
    if (!tile || still.matches) return;
    const full = picture.getBoundingClientRect();
    const [x, y] = [tile.x + tile.width / 2 - full.x - full.width / 2, tile.y + tile.height / 2 - full.y - full.height / 2];
    const small = { transform: `translate(${x}px, ${y}px) scale(${tile.width / full.width})` };
    const options = { duration: 180, easing: "ease-out", direction: direction < 0 ? "reverse" : "normal" };
    this.dialog.animate([{ "--ground": 0 }, { "--ground": 1 }], options);
    await picture.animate([small, { transform: "none" }], options).finished.catch(() => {});
  }

  // --- what is shown ---------------------------------------------------------------------------

  #paint(anew = false) {
    if (!this.#photo) return this.close();
    if (anew) this.#zoom = { scale: 1, x: 0, y: 0 };
    const near = [this.#at, this.#at + 1, this.#at - 1].map((index) => this.#list[index]).filter(Boolean);
    for (const [photo, slide] of this.#slides) if (!near.includes(photo)) (slide.remove(), this.#slides.delete(photo));
    for (const photo of near) if (!this.#slides.has(photo)) this.#slide(photo);
    for (const [photo, slide] of this.#slides) {
      const here = photo === this.#photo;
      slide.inert = !here;
      this.#fit(photo, slide);
      slide.querySelector("p").hidden = !photo.gone;
      slide.querySelector("p").textContent = photo.gone ? t("guest.gallery.viewer.gone") : "";
    }
    this.#move(0);
    const { gone, kept, me } = this.#photo;
    this.said.textContent = this.hooks.describe(this.#photo, this.#at);
    this.keep.setAttribute("aria-pressed", String(kept));
    this.not.hidden = !me;
    for (const each of this.dialog.querySelectorAll(".foot-bar button")) each.disabled = Boolean(gone);
    this.before.disabled = this.#at === 0;
    this.after.disabled = this.#at === this.#list.length - 1;
    if (history.state?.viewer) history.replaceState(history.state, "", `#photo-${this.#photo.id}`);
    if (this.#at > this.#list.length - 10) this.hooks.more()?.then(() => this.isOpen && (this.after.disabled = this.#at === this.#list.length - 1));
  }

  #slide(photo) {
    const image = el("img", { alt: this.hooks.describe(photo, this.#list.indexOf(photo)), draggable: "false" });
    const picture = el("div", { class: "picture" }, image);
    picture.style.backgroundColor = photo.colour ?? "";
    picture.style.backgroundImage = `url("/api/photo/${photo.id}?size=thumb")`;
    image.onload = () => image.classList.add("there");
    image.onerror = () => this.#missing(photo, image);
    image.src = `/api/photo/${photo.id}?size=web`;
    const slide = el("div", { class: "slide" }, picture, el("p", { class: "gone", role: "alert", hidden: true }));
    this.#slides.set(photo, slide);
    this.stage.append(slide);
  }

  #fit(photo, slide) {
    const scale = Math.min(this.stage.clientWidth / photo.w, this.stage.clientHeight / photo.h);
    const picture = slide.querySelector(".picture");
    picture.style.width = `${photo.w * scale}px`;
    picture.style.height = `${photo.h * scale}px`;
  }

  // Why a picture does not come: it is gone, not ready, or the network is.
  async #missing(photo, image) {
    await this.#try(photo, () => api("GET", `/api/photo/${photo.id}`, { query: { size: "web" }, raw: true }));
    if (photo.gone || !this.#slides.get(photo)?.contains(image)) return;
    await pause(2000);
    if (this.isOpen) image.src = `/api/photo/${photo.id}?size=web&again=${Date.now()}`;
  }

  /** Do what may find the photo gone; tell whether it worked. */
  async #try(photo, action) {
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

  #go(step) {
    if (!this.#list[this.#at + step]) return this.#move(0, true);
    this.#at += step;
    this.#paint(true);
    this.#move(0, true);
  }

  // Each photo a screen's width from the next, all shifted by `shift` px.
  #move(shift, gently = false) {
    for (const [photo, slide] of this.#slides) {
      slide.classList.toggle("gently", gently);
      slide.style.transform = `translateX(calc(${(this.#list.indexOf(photo) - this.#at) * 104}% + ${shift}px))`;
    }
    this.#place();
  }

  // --- fingers and keys ---------------------------------------------------------------------------

  #place() {
    const { scale, x, y } = this.#zoom;
    const picture = this.#slides.get(this.#photo)?.querySelector(".picture");
    if (picture) picture.style.transform = scale === 1 && !y ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
  }

  // The point under the fingers stays under them.
  #zoomTo(scale, { clientX, clientY }) {
    const { width, height } = this.#slides.get(this.#photo).querySelector(".picture").style;
    const wanted = Math.min(6, Math.max(1, scale));
    const [px, py] = [clientX - innerWidth / 2, clientY - innerHeight / 2];
    const factor = wanted / this.#zoom.scale;
    const within = (value, size, room) => {
      const most = Math.max(0, (parseFloat(size) * wanted - room) / 2);
      return Math.min(most, Math.max(-most, value));
    };
    const x = within(px - (px - this.#zoom.x) * factor, width, this.stage.clientWidth);
    const y = within(py - (py - this.#zoom.y) * factor, height, this.stage.clientHeight);
    this.#zoom = { scale: wanted, x, y };
    this.#place();
  }

  _pointerdown(event) {
    this.#pointers.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    this.start = { x: event.clientX, y: event.clientY, at: event.timeStamp, axis: "" };
  }

  _pointermove(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const apart = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    const old = [...this.#pointers.values()];
    this.#pointers.set(event.pointerId, event);
    const now = [...this.#pointers.values()];
    if (now.length > 1) {
      const middle = { clientX: (now[0].clientX + now[1].clientX) / 2, clientY: (now[0].clientY + now[1].clientY) / 2 };
      this.start.axis = "pinch";
      return this.#zoomTo((this.#zoom.scale * apart(now)) / (apart(old) || 1), middle);
    }
    const [x, y] = [event.clientX - this.start.x, event.clientY - this.start.y];
    if (this.#zoom.scale > 1) {
      this.#zoom.x += event.clientX - before.clientX;
      this.#zoom.y += event.clientY - before.clientY;
      return this.#zoomTo(this.#zoom.scale, event);
    }
    if (!this.start.axis && Math.hypot(x, y) > 8) this.start.axis = Math.abs(x) > Math.abs(y) ? "x" : "y";
    if (this.start.axis === "x") this.#move(x);
    if (this.start.axis === "y") ((this.#zoom.y = Math.max(0, y)), this.#place());
  }

  _pointerup(event) {
    if (!this.#pointers.delete(event.pointerId) || this.#pointers.size || this.#zoom.scale > 1) return;
    const [x, y] = [event.clientX - this.start.x, event.clientY - this.start.y];
    const quick = event.timeStamp - this.start.at < 250;
    const { axis } = this.start;
    if (axis === "y" && y > (quick ? 40 : 120)) return this.close();
    this.#zoom.y = 0;
    if (axis === "x" && Math.abs(x) > (quick ? 30 : innerWidth / 4)) this.#go(x < 0 ? 1 : -1);
    else this.#move(0, true);
  }

  _pointercancel(event) {
    this.#pointers.delete(event.pointerId);
    this.#move(0, true);
  }

  #key(key) {
    if (key.ctrlKey || key.metaKey || key.altKey) return;
    const actions = { ArrowLeft: () => this.#go(-1), ArrowRight: () => this.#go(1), d: () => this.#take(), f: () => this.#keep() };
    const action = actions[key.key];
    if (action) (key.preventDefault(), action());
  }

  // --- what can be done with it ---------------------------------------------------------------------

  async #keep() {
    const photo = this.#photo;
    if (photo.gone) return;
    photo.kept = !photo.kept;
    this.#paint();
    if (photo.saving) return;
    photo.saving = true;
    for (let sent = !photo.kept; sent !== photo.kept; ) {
      sent = photo.kept;
      const path = `/api/photos/${photo.id}/favourite`;
      if (!(await this.#try(photo, () => api(sent ? "PUT" : "DELETE", path)))) sent = photo.kept = !sent;
    }
    photo.saving = false;
    this.refresh();
    this.hooks.changed();
  }

  async #take() {
    const photo = this.#photo;
    // Asked first whether it is still there: a browser's own words for a failed download help nobody.
    if (photo.gone || !(await this.#try(photo, () => api("GET", `/api/photo/${photo.id}?size=thumb`, { raw: true, cache: "no-cache" })))) return;
    el("a", { href: `/api/photo/${photo.id}?size=original&download=true`, download: photo.name }).click();
    toast(t("guest.gallery.viewer.taking"));
  }

  async #share() {
    const photo = this.#photo;
    if (!this.#files.has(photo)) {
      const fetched = await this.#try(photo, async () => {
        const answer = await api("GET", `/api/photo/${photo.id}?size=web`, { raw: true });
        const name = `${photo.name.replace(/\.\w+$/, "")}.jpg`;
        this.#files.set(photo, new File([await answer.blob()], name, { type: "image/jpeg" }));
      });
      if (!fetched) return;
    }
    const files = [this.#files.get(photo)];
    if (!navigator.canShare?.({ files })) return this.#take();
    try {
      await navigator.share({ files });
    } catch (error) {
      // It took so long to come that the tap has been forgotten.
      if (error.name === "NotAllowedError") toast(t("guest.gallery.viewer.ready"));
    }
  }

  async #notMe() {
    const photo = this.#photo;
    const path = `/api/photos/${photo.id}/not-me`;
    if (!(await this.#try(photo, () => api("POST", path)))) return;
    photo.me = false;
    this.#list = this.hooks.removed(photo, false);
    this.#at = Math.min(this.#at, this.#list.length - 1);
    const undo = async () => {
      if (!(await this.#try(photo, () => api("DELETE", path)))) return;
      photo.me = true;
      this.#list = this.hooks.removed(photo, true);
      this.#at = this.#list.indexOf(photo);
      if (this.isOpen) this.#paint(true);
    };
    toast(t("guest.gallery.viewer.not_me"), { undo });
    this.#paint(true);
  }
}
