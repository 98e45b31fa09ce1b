// A photo of the studio that fills the screen, with what can be done with it, and the list of keys.

import { t } from "./base.js";
import { PhotoDialog } from "./dialog.js";
import { isShown } from "./studio-sharing.js";

const viewer = document.getElementById("viewer");
const help = document.getElementById("help");
const part = (name) => viewer.querySelector(name);

/**
 * Shows one photo. `neighbour(shot, step)` is the next or the previous one, `keys(shot, event, go)` what keys do with a
 * photo; `remove(shot)` and `choose(shot)` do so; `closed(shot)` returns the element to focus.
 */
export class Viewer {
  constructor(ways) {
    Object.assign(this, ways);
    this.dialog = new PhotoDialog(viewer, { keys: {}, closed: () => this.closed(this.shot) });
    const move = (step) => this.show(this.neighbour(this.shot, step));
    part(".before").addEventListener("click", () => move(-1));
    part(".after").addEventListener("click", () => move(1));
    part(".close").addEventListener("click", () => this.close());
    part(".delete").addEventListener("click", () => this.remove(this.shot));
    part(".choose").addEventListener("click", () => this.#choose());
    viewer.addEventListener("click", ({ target }) => target === viewer && this.close());
    addEventListener("keydown", (event) => this.#press(event));
    for (const button of document.querySelectorAll(".keys")) button.addEventListener("click", () => help.showModal());
    help.addEventListener("click", ({ target }) => target === help && help.close());
  }

  get isOpen() {
    return this.dialog.isOpen;
  }

  close() {
    this.dialog.close();
  }

  /** Show a photo, if there is one. */
  show(shot) {
    if (!shot) return;
    this.shot = shot;
    const { id, status, name, state, raw, mine } = shot.dataset;
    const picture = part("img");
    picture.hidden = state !== "done";
    if (!picture.hidden) picture.src = `/api/photo/${id}`;
    part("p").textContent = [name, status, ...(isShown(shot) ? [t("photographer.js.everyone")] : [])].join(" · ");
    part(".raw").hidden = raw === undefined;
    part(".raw").href = `/api/photo/${id}?size=raw&download=true`;
    part(".delete").hidden = mine === undefined;
    if (part(".whose")) part(".whose").search = `photos=${id}`;
    this.#markChosen();
    this.dialog.open();
  }

  #choose() {
    this.choose(this.shot);
    this.#markChosen();
  }

  #markChosen() {
    part(".choose").ariaPressed = this.shot.ariaSelected;
  }

  #press(event) {
    if (event.defaultPrevented || event.altKey || help.open || event.target.closest?.("input, textarea, select")) return;
    if (event.key === "?") return help.showModal();
    // A button that has the focus is pressed by these two.
    if (!this.isOpen || ([" ", "Enter"].includes(event.key) && event.target.closest?.("button, a"))) return;
    const remove = () => this.remove(this.shot);
    const keys = {
      ...this.keys(this.shot, event, (other) => this.show(other)),
      Enter: () => this.close(),
      Delete: remove,
      Backspace: remove,
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
    this.#markChosen();
  }
}
