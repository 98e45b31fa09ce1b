// Fingers and mouse on the photo of a viewer: swipe to the next one, pull down to close, pinch or double click to zoom.

const MAX_SCALE = 6;
const DOUBLE_CLICK_SCALE = 2.5;
// Pixels after which a finger moves along one axis.
const AXIS_PX = 8;
// A short stroke counts as a swipe if it is quick.
const QUICK_MS = 250;
const QUICK_PX = 30;

export class Gestures {
  zoom = { scale: 1, x: 0, y: 0 };
  #fingers = new Map();
  #start = null;
  #dragged = false;

  /**
   * `hooks`: picture() returns the element that is zoomed, moved(x, animated) shows zoom and shift, swiped(step) goes to
   * the next photo (1), the previous one (-1) or back into place (0), pulledDown() closes.
   */
  constructor(stage, hooks) {
    Object.assign(this, { stage, hooks });
    stage.addEventListener("pointerdown", (event) => this.pointerDown(event));
    stage.addEventListener("pointermove", (event) => this.pointerMove(event));
    stage.addEventListener("pointerup", (event) => this.pointerUp(event));
    stage.addEventListener("pointercancel", (event) => this.pointerCancel(event));
    // A stroke that begins on a button of the photo does not press it.
    stage.addEventListener("click", (event) => this.#dragged && event.stopPropagation(), true);
    stage.addEventListener("dblclick", (event) => this.scaleTo(this.zoom.scale > 1 ? 1 : DOUBLE_CLICK_SCALE, event));
  }

  reset() {
    this.zoom = { scale: 1, x: 0, y: 0 };
  }

  /** Zoom: the point under the fingers stays there, and the picture stays on the screen. */
  scaleTo(wanted, { clientX, clientY }) {
    const scale = Math.min(MAX_SCALE, Math.max(1, wanted));
    const part = scale / this.zoom.scale;
    const inside = (from, middle, size, room) => {
      const most = Math.max(0, (size * scale - room) / 2);
      return Math.min(most, Math.max(-most, middle - (middle - from) * part));
    };
    const { offsetWidth, offsetHeight } = this.hooks.picture();
    const x = inside(this.zoom.x, clientX - innerWidth / 2, offsetWidth, this.stage.clientWidth);
    const y = inside(this.zoom.y, clientY - innerHeight / 2, offsetHeight, this.stage.clientHeight);
    this.zoom = { scale, x, y };
    this.hooks.moved(0);
  }

  /** Return the pixels between two fingers; 0 with one finger. */
  #spread() {
    const [a, b] = this.#fingers.values();
    return b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0;
  }

  pointerDown(event) {
    this.#fingers.set(event.pointerId, event);
    // The element that captures a pointer gets its click: a button on the photo captures its own pointer.
    (event.target.closest("button") ?? this.stage).setPointerCapture(event.pointerId);
    this.#dragged = false;
    this.#start = { x: event.clientX, y: event.clientY, at: event.timeStamp, axis: "" };
  }

  pointerMove(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const spread = this.#spread();
    this.#dragged ||= Math.hypot(event.clientX - this.#start.x, event.clientY - this.#start.y) > AXIS_PX;
    this.#fingers.set(event.pointerId, event);
    if (spread) {
      this.#start.axis = "both";
      this.scaleTo((this.zoom.scale * this.#spread()) / spread, event);
    } else if (this.zoom.scale > 1) {
      this.zoom.x += event.clientX - before.clientX;
      this.zoom.y += event.clientY - before.clientY;
      this.scaleTo(this.zoom.scale, event);
    } else {
      const [x, y] = [event.clientX - this.#start.x, event.clientY - this.#start.y];
      if (Math.hypot(x, y) > AXIS_PX) this.#start.axis ||= Math.abs(x) > Math.abs(y) ? "x" : "y";
      if (this.#start.axis === "y") this.zoom.y = Math.max(0, y);
      this.hooks.moved(this.#start.axis === "x" ? x : 0);
    }
  }

  pointerUp(event) {
    if (!this.#fingers.delete(event.pointerId) || this.#fingers.size || this.zoom.scale > 1) return;
    const [x, y] = [event.clientX - this.#start.x, event.clientY - this.#start.y];
    const far = event.timeStamp - this.#start.at < QUICK_MS ? QUICK_PX : innerWidth / 4;
    if (this.#start.axis === "y" && y > far) {
      this.hooks.pulledDown();
      return;
    }
    this.zoom.y = 0;
    this.hooks.swiped(this.#start.axis === "x" && Math.abs(x) > far ? -Math.sign(x) : 0);
  }

  pointerCancel(event) {
    this.#fingers.delete(event.pointerId);
    this.hooks.moved(0, true);
  }
}
