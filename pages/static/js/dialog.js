// The dialog in which a photo fills the screen: what the viewers of guests and of photographers share.

const toasts = document.getElementById("toasts");
const TEXT_INPUTS = "input, textarea, select, [contenteditable]";

/**
 * Controls a <dialog>: Esc and the browser's back button close it, toasts are shown above it, and the focus returns.
 * `keys` maps the name of a key to what it does. `escaped()` may end something smaller than the dialog: it returns
 * whether it did. `closed()` runs after closing and returns the element to focus;
 * without one the focus returns to where it was.
 */
export class PhotoDialog {
  #opener = null;
  #shown = false;

  constructor(dialog, { keys, closed, escaped }) {
    Object.assign(this, { dialog, keys, closed });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (!escaped?.()) this.close();
    });
    // A browser may close the dialog without "cancel" when Esc is pressed twice.
    dialog.addEventListener("close", () => this.#afterClose());
    // On the window: nothing has the focus after a toast with the focus is removed.
    addEventListener("keydown", (event) => this.#press(event));
    addEventListener("popstate", () => this.#shown && this.#hide());
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Show the dialog. After a reload the history has its entry already: `newEntry` is false then. */
  open({ newEntry = true } = {}) {
    if (this.isOpen) return;
    this.#opener = document.activeElement;
    this.#shown = true;
    if (newEntry) history.pushState({ viewer: true }, "");
    // Only what is inside a modal dialog is above it.
    this.dialog.append(toasts);
    this.dialog.showModal();
  }

  /** Close the dialog and remove its entry from the history. */
  close() {
    // "popstate" follows and hides it.
    if (history.state?.viewer) history.back();
    else this.#hide();
  }

  #hide() {
    this.dialog.close();
    this.#afterClose();
  }

  #afterClose() {
    if (!this.#shown) return;
    this.#shown = false;
    document.body.append(toasts);
    history.replaceState(null, "", location.pathname + location.search);
    const target = this.closed?.() ?? this.#opener;
    target?.focus();
  }

  #press(event) {
    if (!this.isOpen || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.(TEXT_INPUTS)) return;
    this.keys[event.key]?.();
  }
}
