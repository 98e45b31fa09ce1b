// The upload queue of one event: checks which photos the event has, sends three at a time, retries until they arrive.

import { pause } from "./base.js";
import { call, isOver, renew, sendFile } from "./studio-calls.js";
import { checksum, identity, rawLast, refusal } from "./studio-files.js";
import { disguise } from "./studio-kinds.js";
import { inParts, sendInParts, ways } from "./studio-parts.js";

const AT_ONCE = 3;
const TRIES = 8;
const MOST_ASKED = 64;
const LONGEST_WAIT = 30;
const RATE_MS = 20_000;
// After this time without a byte there is no speed; after the longer one, it is said that nothing moves.
const SLACK_MS = 5000;
const STILL_MS = 15_000;
// The service is down, busy or full: not a problem of the photo.
const AWAY = [502, 503, 504, 507];
const OPEN = ["waiting", "ready", "sending"];

/**
 * The photos of one event: each is `waiting`, `ready` (not in the event yet), `sending`, `done`, `known` (was in the event
 * before), `refused` or `failed`. Dispatches `change` often, `arrived` for each photo, `gone` when the event is no longer
 * assigned to this photographer.
 */
export class Queue extends EventTarget {
  items = [];
  ready = [];
  sending = new Map();
  paused = false;
  /** `{ error, until, hurry }` while the service cannot be reached. */
  outage = undefined;
  #keys = new Map();
  #sent = 0;
  #rates = [];
  #moved = 0;

  /** `limits` are the most bytes of a photo (`most`) and of a RAW file (`mostRaw`). */
  constructor(path, limits) {
    super();
    Object.assign(this, { path, limits });
    addEventListener("online", () => this.outage?.hurry());
  }

  /** Add files. A file that is in the queue already is only tried again if it failed. */
  add(files) {
    if (!this.items.some(({ state }) => OPEN.includes(state))) this.#forget(["done", "known"]);
    for (const found of rawLast(files)) {
      const known = this.#keys.get(identity(found));
      if (known?.state === "failed") this.again(known, found.file);
      if (known) continue;
      const problem = refusal(found, this.limits);
      const item = { ...found, problem, state: problem ? "refused" : "waiting", size: found.file.size, sent: 0, tries: 0 };
      this.#keys.set(identity(found), item);
      this.items.push(item);
    }
    this.#check();
  }

  /** Take what could not be sent off the list. */
  dismiss() {
    this.#forget(["failed", "refused"]);
    this.#notify();
  }

  #forget(states) {
    const [gone, kept] = [[], []];
    for (const item of this.items) (states.includes(item.state) ? gone : kept).push(item);
    this.items = kept;
    for (const item of gone) this.#keys.delete(identity(item));
  }

  /** Try a failed photo again. */
  again(item, file = item.file) {
    Object.assign(item, { file, state: "waiting", tries: 0, problem: undefined, reason: undefined });
    this.#check();
  }

  /** Stop sending or continue. A photo that was half sent starts again; one in parts with the part that was half sent. */
  pause(paused) {
    this.paused = paused;
    if (paused) for (const stop of this.sending.values()) stop.abort();
    this.#sendNext();
  }

  /**
   * Return the totals: photos and bytes, arrived and in all; problems; bytes per second and seconds left while bytes
   * move; `still`: photos are being sent, and nothing has moved for some seconds.
   */
  totals() {
    const sum = { photos: 0, bytes: 0, arrived: 0, arrivedBytes: 0, known: 0, open: 0, problems: 0 };
    for (const { state, size, sent } of this.items) {
      if (state === "refused" || state === "failed") {
        sum.problems++;
        continue;
      }
      const open = OPEN.includes(state);
      sum.photos++;
      sum.bytes += size;
      sum[open ? "open" : "arrived"]++;
      sum.arrivedBytes += open ? sent : size;
      if (state === "known") sum.known++;
    }
    const [[start, before] = [], [end, after] = []] = [this.#rates[0], this.#rates.at(-1)];
    const since = Date.now() - this.#moved;
    sum.still = this.sending.size > 0 && since > STILL_MS;
    if (end - start > 1000 && since < SLACK_MS && !this.outage && !this.paused) sum.rate = ((after - before) / (end - start)) * 1000;
    if (sum.rate) sum.left = (sum.bytes - sum.arrivedBytes) / sum.rate;
    return sum;
  }

  #notify(what = "change") {
    this.dispatchEvent(new Event(what));
  }

  /** Ask which of the waiting photos the event has; few at first, so that sending starts at once. */
  async #check() {
    this.#notify();
    if (this.checking) return;
    this.checking = true;
    for (let size = AT_ONCE, batch; ; size = Math.min(size * 2, MOST_ASKED)) {
      batch = this.items.filter(({ state }) => state === "waiting").slice(0, size);
      if (!batch.length) break;
      const there = await this.#askKnown(batch);
      for (const item of batch) {
        item.state = item.problem ? "failed" : there.has(item.sum) ? "known" : "ready";
        if (item.state === "ready") this.ready.push(item);
      }
      this.#sendNext();
    }
    this.checking = false;
  }

  async #askKnown(batch) {
    for (const item of batch) item.sum = await checksum(item).catch(() => ((item.problem = "unreadable"), undefined));
    const sha256 = batch.map(({ sum }) => sum).filter(Boolean);
    while (sha256.length && !this.gone) {
      try {
        const { known } = await call("POST", `${this.path}/known-checksums`, { json: { sha256 } });
        // Sending a photo again makes the service process it again if it had failed.
        return new Set(known.filter((photo) => photo.processing_status !== "failed").map((photo) => photo.sha256));
      } catch (error) {
        await this.#waitToRetry(error);
      }
    }
    return new Set();
  }

  #sendNext() {
    this.#notify();
    while (!this.paused && !this.outage && this.sending.size < AT_ONCE && this.ready.length) this.#send(this.ready.shift());
  }

  async #send(item) {
    const stop = new AbortController();
    this.sending.set(item, stop);
    item.state = "sending";
    const progress = (bytes) => {
      this.#measure(bytes - item.sent);
      item.sent = bytes;
      this.#notify();
    };
    progress(0);
    try {
      const answer = await this.#transfer(item, { progress, signal: stop.signal });
      const [photo, refused] = [answer.uploaded_photos[0], answer.rejected[0]];
      item.state = refused ? "refused" : photo.duplicate ? "known" : "done";
      item.reason = refused?.error;
      if (refused) item.problem = await disguise(item.file).catch(() => {});
      progress(item.size);
      this.#notify("arrived");
    } catch (error) {
      item.sent = 0;
      await this.#failed(item, error);
    }
    this.sending.delete(item);
    this.#sendNext();
  }

  async #transfer(item, how) {
    this.ways ??= await ways(this.path);
    if (inParts(this.ways, item.size)) return sendInParts(this.path, item, how);
    return sendFile(`${this.path}/upload-photos`, item.file, how);
  }

  async #failed(item, error) {
    const { status, name } = error;
    const end = (state, problem) => Object.assign(item, { state, problem, reason: error.message });
    if (status >= 400 && status < 500 && ![404, 408, 429].includes(status) && !isOver(error)) return end("refused");
    // A browser reports a removed memory card in the same way as a lost network.
    if (!status && !(await item.file.slice(0, 1).arrayBuffer().catch(() => {}))) return end("failed", "unreadable");
    if (name !== "Stopped" && !AWAY.includes(status) && !isOver(error)) item.tries++;
    if (item.tries === TRIES) return end("failed");
    item.state = "ready";
    // A stopped photo is the next one; a failed one goes to the end.
    this.ready[name === "Stopped" ? "unshift" : "push"](item);
    return name !== "Stopped" && this.#waitToRetry(error);
  }

  /** Wait until a retry makes sense: for a login, or until the service answers. */
  #waitToRetry(error) {
    if (isOver(error)) return renew();
    if (error.status !== 404) return (this.waited ??= this.#waitForService(error).finally(() => (this.waited = undefined)));
    this.gone = this.paused = true;
    return this.#notify("gone");
  }

  async #waitForService(error) {
    for (let seconds = 1; error; seconds = Math.min(seconds * 2, LONGEST_WAIT)) {
      const wait = Math.max(seconds, Math.min(error.retryAfter, 60)) * (800 + Math.random() * 400);
      const hurry = new Promise((go) => (this.outage = { error, until: Date.now() + wait, hurry: go }));
      this.#notify();
      await Promise.race([pause(wait), hurry]);
      error = await call("GET", `${this.path}/progress`).then(() => {}, (again) => again.status !== 404 && again);
    }
    this.outage = undefined;
    this.#sendNext();
  }

  #measure(bytes) {
    this.#sent += Math.max(bytes, 0);
    const now = (this.#moved = Date.now());
    if (!(now - this.#rates.at(-1)?.[0] < 250)) this.#rates.push([now, this.#sent]);
    while (now - this.#rates[0][0] > RATE_MS) this.#rates.shift();
  }
}
