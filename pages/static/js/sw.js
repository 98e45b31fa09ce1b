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

// --- messages about new photos: how many and where, never a photo --------------------------------------------

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json().notification ?? {};
  } catch {
    // A browser wants a message to be shown for every push, also for one that cannot be read.
  }
  const { title = "Reperio", body = "", lang, tag, navigate = "/photos" } = told;
  const icon = `/static/${release}/icons/icon-192.png`;
  event.waitUntil(self.registration.showNotification(title, { body, lang, tag, icon, data: { navigate } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.navigate));
});

/** Show the gallery: in a window that has it open, else in a window of this site, else in a new one. */
async function open(address) {
  let url = new URL(address ?? "/photos", location.origin);
  if (url.origin !== location.origin) url = new URL(url.pathname + url.search, location.origin);
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((each) => new URL(each.url).pathname + new URL(each.url).search === url.pathname + url.search);
  if (there) return there.focus();
  return self.clients.openWindow(url.href);
}

// The browser has another address for this device: without a session, the old address is the proof.
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event.oldSubscription, event.newSubscription));
});

async function renew(old, given) {
  if (!old) return;
  const fresh =
    given ??
    (await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: old.options.applicationServerKey,
    }));
  const { endpoint, keys } = fresh.toJSON();
  await fetch("/api/push-renewal", {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ old_endpoint: old.endpoint, endpoint, keys }),
  });
}
