// Puts the token of a link, which is in the address after "#", into the form; the field to paste it into is then hidden.

function fill() {
  const token = location.hash.slice(1);
  const input = document.getElementById("token");
  if (!token || !input) return;
  input.value = token;
  input.closest(".field").hidden = true;
  // The switches lead back here: with the token again.
  for (const next of document.querySelectorAll("input[name=next]")) {
    next.value = location.pathname + location.hash;
  }
}

fill();
// A web app on a home screen starts here.
const app = document.querySelector("form[data-app]");
if (app && location.hash) app.requestSubmit();
// Another link opened in the same tab.
addEventListener("hashchange", fill);
