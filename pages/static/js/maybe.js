// Faces that may be the guest's: each card asks, keeps its place with the answer, and takes it back. An answer may settle
// other cards too.

import { api, number, t, toast, when } from "./base.js";
import { Viewer } from "./viewer.js";

const { event, photos, zone } = JSON.parse(document.getElementById("data").textContent);
const cards = [...document.querySelectorAll("#asked > li")];
const cardOf = (photo) => cards.find((card) => Number(card.dataset.photo) === photo.id);

const ANSWERS = { me: "guest.maybe.js.yes", "not-me": "guest.maybe.js.no", settled: "guest.maybe.js.settled" };

/** Show on a card what was answered: `me`, `not-me`, `settled` by the answer on another card, or nothing. */
function mark(card, answer) {
  const [asking, answered] = card.querySelectorAll(".ask");
  asking.hidden = Boolean(answer);
  answered.hidden = !answer;
  answered.querySelector("button").hidden = answer === "settled";
  answered.querySelector("p").textContent = answer && t(ANSWERS[answer]);
  card.dataset.answered = answer;
  const photo = photos.find((each) => each.id === Number(card.dataset.photo));
  if (photo) photo.me = answer === "me";
}

// Rises with every answer: what was asked for before an answer is no longer true after it.
let answers = 0;

/** Mark a card, then show the new counts, and which other cards the answer has settled or opened again. */
async function update(card, said) {
  mark(card, said);
  const answer = ++answers;
  const [standing, asked] = await Promise.all([
    api("GET", "/photos/standing", { query: { event } }),
    api("GET", "/api/maybe-photos", { query: { event_id: event } }),
  ]).catch(() => []);
  if (!standing || answer !== answers) return;
  for (const name of ["matched", "maybe", "for_everyone"])
    document.getElementById(`count-${name}`).textContent = number(standing[name]);
  const open = new Set(asked.map((each) => each.photo_id));
  for (const each of cards) {
    if (each === card || each.inert || ["me", "not-me"].includes(each.dataset.answered)) continue;
    mark(each, open.has(Number(each.dataset.photo)) ? "" : "settled");
  }
}

/** Send an answer, or take it back; the card waits meanwhile. */
async function send(card, method, said) {
  const { photo, face } = card.dataset;
  card.inert = true;
  try {
    const json = method === "POST" && said === "me" ? { face_id: Number(face) } : undefined;
    await api(method, `/api/photos/${photo}/${said}`, { json });
    update(card, method === "POST" ? said : "");
  } catch (error) {
    toast(error.message);
  }
  card.inert = false;
  card.querySelector(".ask:not([hidden]) button").focus({ preventScroll: true });
}

const viewer = new Viewer({
  describe: (photo, at) =>
    photo.taken
      ? t("guest.gallery.photo", { place: at + 1, total: photos.length, when: when(photo.taken * 1000, { dateStyle: "long", timeZone: zone }) })
      : t("guest.gallery.photo_undated", { place: at + 1, total: photos.length }),
  more() {},
  draw() {},
  closed() {},
  tile: (photo) => cardOf(photo).querySelector(".crop"),
  moved(photo, me) {
    update(cardOf(photo), me ? "me" : "");
    return photos;
  },
});

document.getElementById("asked")?.addEventListener("click", (click) => {
  const card = click.target.closest("li");
  const button = click.target.closest("button");
  const at = photos.findIndex((photo) => cardOf(photo) === card);
  if (button) send(card, button.dataset.answer ? "POST" : "DELETE", button.dataset.answer ?? card.dataset.answered);
  else if (at >= 0 && click.target.closest("a") && !(click.metaKey || click.ctrlKey || click.shiftKey)) {
    click.preventDefault();
    viewer.open(photos, at, true);
  }
});
