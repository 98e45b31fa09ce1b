// The buttons of the viewer: an icon with its name below.

import { el } from "./base.js";

const ICONS = {
  close: "M5 5 19 19M19 5 5 19",
  before: "M15 4 7 12 15 20",
  after: "M9 4 17 12 9 20",
  favourite: "M12 20 4 12a5 5 0 0 1 8-6 5 5 0 0 1 8 6z",
  download: "M12 4V15M7 10 12 15 17 10M5 20H19",
  share: "M12 15V4M7 9 12 4 17 9M5 13V20H19V13",
  me: "M4 8V4H8M16 4H20V8M20 16V20H16M8 20H4V16M9 9.5V11M15 9.5V11M8.5 14.5q3.5 2.5 7 0",
  "not-me": "M9 11a4 4 0 1 1 0-1zM3 20a7 7 0 0 1 9-6M15 15 21 21M21 15 15 21",
};

/** Return a button with the icon and the class `name`. */
export function button(name, label, onclick) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return el("button", { type: "button", class: name, onclick }, svg, el("span", {}, label));
}
