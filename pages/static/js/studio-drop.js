// Files that are dragged over the window: while they are, the whole window says that they may be dropped.

const over = document.getElementById("dropping");
// A photo of the page itself is dragged as a file too.
let own = false;

const show = (yes) => {
  if (!over.togglePopover) over.hidden = !yes;
  // In the top layer, above an open photo.
  else if (yes !== over.matches(":popover-open")) over.togglePopover(yes);
};

/** Call `take(dataTransfer)` with files that are dropped anywhere on the window. */
export function watchDrops(take) {
  const ofFiles = (event) => !own && event.dataTransfer?.types.includes("Files");
  addEventListener("dragstart", () => (own = true));
  addEventListener("dragend", () => (own = false));
  for (const kind of ["dragenter", "dragover"])
    addEventListener(kind, (event) => {
      if (!ofFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      show(true);
    });
  // Between two elements the other one is named; out of the window there is none.
  addEventListener("dragleave", (event) => event.relatedTarget ?? show(false));
  // While something is dragged the pointer does not move: the drag has ended somewhere else.
  addEventListener("pointermove", () => show(false));
  addEventListener("drop", (event) => {
    show(false);
    if (!ofFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer);
  });
}
