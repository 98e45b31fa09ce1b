// "This is me" in the viewer: the faces of a photo as buttons over it. The pressed one is the guest's.

import { api, el, t, toast } from "./base.js";

const facesOf = (photo) => api("GET", `/api/photo/${photo.id}/faces`);

/** Return a button over each face, placed in fractions of the picture: they follow every size and zoom. */
function buttons({ image_width: width, image_height: height, boxes }, chosen) {
  return boxes
    .toSorted((a, b) => a.left - b.left)
    .map((box, at) => {
      const label = t("guest.gallery.viewer.face", { place: at + 1, count: boxes.length });
      const face = el("button", { type: "button", class: "face", "aria-label": label, onclick: () => chosen(box) });
      face.setAttribute("aria-pressed", String(box.matched || box.confirmed));
      const place = { left: box.left / width, top: box.top / height, width: box.width / width, height: box.height / height };
      for (const [name, part] of Object.entries(place)) face.style[name] = `${part * 100}%`;
      return face;
    });
}

export class Faces {
  /** The photo whose faces are shown, or null. */
  photo = null;
  #box = null;
  #sending = false;
  #hint = null;

  /** `changed(photo, me)` is called when a photo begins or ceases to show the guest. */
  constructor(changed) {
    this.changed = changed;
  }

  /** Load the faces of a photo and show them in its `picture`. Throws ApiError. */
  async show(photo, picture) {
    this.#draw(photo, picture, await facesOf(photo));
    if (this.photo) this.#hint = toast(t("guest.gallery.viewer.which"));
    else toast(t("guest.gallery.viewer.no_faces"));
  }

  hide() {
    this.#hint?.remove();
    this.#box?.remove();
    this.#box = this.photo = null;
  }

  #draw(photo, picture, found) {
    const place = Math.max(0, [...(this.#box?.children ?? [])].indexOf(document.activeElement));
    this.hide();
    if (!found.boxes.length || !picture.isConnected) return;
    this.photo = photo;
    this.#box = el("div", { class: "faces-of", role: "group", "aria-label": t("guest.gallery.viewer.faces") });
    this.#box.append(...buttons(found, (box) => this.#choose(photo, picture, found.boxes, box)));
    picture.append(this.#box);
    this.#box.children[place].focus({ preventScroll: true });
  }

  /** Confirm that a face is the guest's, or take the confirmation back. */
  async #choose(photo, picture, boxes, { face_id, confirmed }) {
    const before = boxes.find((each) => each.confirmed)?.face_id ?? null;
    if (!(await this.#send(photo, picture, confirmed ? null : face_id))) return;
    const said = t(confirmed ? "guest.gallery.viewer.taken_back" : "guest.gallery.viewer.confirmed");
    toast(said, { undo: () => this.#send(photo, picture, before) });
  }

  /** Confirm a face, or with null take the confirmation back, and show the result; return whether it succeeded. */
  async #send(photo, picture, face_id) {
    // Ignore a second tap before the answer.
    if (this.#sending) return false;
    this.#sending = true;
    try {
      const path = `/api/photos/${photo.id}/me`;
      await (face_id === null ? api("DELETE", path) : api("POST", path, { json: { face_id } }));
      const found = await facesOf(photo).catch((error) => {
        // The photo was visible only by the confirmation.
        if (error.name !== "NoSuchPhoto") throw error;
        return { boxes: [] };
      });
      const me = found.boxes.some((each) => each.matched);
      if (this.photo === photo) this.#draw(photo, picture, found);
      if (me !== photo.me) this.changed(photo, me);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    } finally {
      this.#sending = false;
    }
  }
}
