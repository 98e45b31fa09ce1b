// The service worker. It stores styles, scripts, the icon and the offline page, and nothing that belongs to a person.

const release = new URL(location).searchParams.get("v");
const SHELL = `shell-${release}`;
const OFFLINE = "/offline";
const files = ["css/base.css", "js/base.js", "icons/icon.svg"].map((name) => `/static/${release}/${name}`);

self.addEventListener("install", (event) => {
  // Bypass the browser's cache, which may hold an older offline page.
  const anew = (url) => new Request(url, { cache: "reload" });
  event.waitUntil(
    caches
      .open(SHELL)
      .then((shell) => shell.addAll([...files, OFFLINE].map(anew)))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && !url.pathname.startsWith("/api/")) {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE, { cacheName: SHELL })));
  } else if (url.pathname.startsWith(`/static/${release}/`) && !url.pathname.includes("/api-docs/")) {
    event.respondWith(fromShell(request));
  }
});

async function fromShell(request) {
  const kept = await caches.match(request, { cacheName: SHELL });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) {
    const shell = await caches.open(SHELL);
    await shell.put(request, answer.clone());
  }
  return answer;
}
