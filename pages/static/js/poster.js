// Shows another poster, or why one cannot be printed, without leaving the page: what was typed of the network stays in
// its fields, and is kept nowhere else. Without this script, links and form do the same and the fields are empty again.

const TYPED = ["wifi_name", "wifi_password"];

function keepTyped(from, to) {
  const [before, after] = [from.querySelector("form"), to.querySelector("form")];
  for (const name of TYPED) after.elements[name].value = before.elements[name].value;
  after.elements.marks.checked = before.elements.marks.checked;
  if (before.querySelector("details").open) after.querySelector("details").open = true;
}

async function show(answer) {
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [before, after] = [document.querySelector("main"), found.querySelector("main")];
  // Another page, as that for logging in.
  if (!after?.querySelector(".poster")) return location.assign(answer.url);
  const group = document.activeElement?.closest("nav.choices")?.getAttribute("aria-label");
  keepTyped(before, after);
  before.replaceWith(document.adoptNode(after));
  if (group) after.querySelector(`nav[aria-label="${CSS.escape(group)}"] [aria-current]`)?.focus({ preventScroll: true });
}

async function choose(address) {
  try {
    await show(await fetch(address));
  } catch {
    location.assign(address);
  }
}

async function save(answer) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function print(form, button) {
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    await (answer.headers.get("Content-Type") === "application/pdf" ? save(answer) : show(answer));
  } catch {
    // The browser says itself that it cannot reach the service.
    form.submit();
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("nav.choices a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  choose(link.href);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest(".poster form");
  if (!form) return;
  event.preventDefault();
  print(form, event.submitter ?? form.querySelector("button"));
});

addEventListener("popstate", () => choose(location.href));
