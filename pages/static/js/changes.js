// Asks for the next change of what a page shows, again and again, while somebody looks at it.

import { pause } from "./base.js";

// The server answers within these seconds; if it does not for longer, the connection is dead.
const WAIT = 25;
const LATE = 40_000;
// Without a touch for so long, the page asks once a minute.
const IDLE = 180_000;

/**
 * Call `ask({ wait, signal })`, which waits for a change, and again after its end; `seconds()` between two calls, in which
 * several changes come together. A page that nobody sees asks for nothing. Failures make the pauses longer.
 */
export async function follow(ask, seconds) {
  let asleep = new AbortController();
  let lastInput = Date.now();
  const noteInput = () => (lastInput = Date.now());
  const wake = () => (noteInput(), asleep.abort());
  for (const name of ["pointerdown", "keydown", "scroll"]) addEventListener(name, noteInput, { passive: true });
  for (const name of ["online", "pageshow"]) addEventListener(name, wake);
  document.addEventListener("visibilitychange", () => (document.hidden ? asleep.abort() : wake()));

  for (let failures = 0; ; ) {
    const beat = document.hidden ? 600_000 : Date.now() - lastInput > IDLE ? 60_000 : seconds() * 1000;
    asleep = new AbortController();
    await pause(beat * 2 ** failures, asleep.signal).catch(() => {});
    if (document.hidden) continue;
    asleep = new AbortController();
    const late = setTimeout(() => asleep.abort(), LATE);
    failures = await ask({ wait: WAIT, signal: asleep.signal }).then(
      () => 0,
      (error) => (error.name === "AbortError" ? 0 : Math.min(failures + 1, 4)),
    );
    clearTimeout(late);
  }
}
