// Keys, dialogs and focus. Everything else is HTML from the server, moved by htmx.

const box = () => document.getElementById("question");
const drawer = document.getElementById("drawer");
const typing = (element) => element.matches?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target) && box()) {
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    box().focus();
  } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target === box()) {
    event.preventDefault();
    if (box().value.trim()) box().form.requestSubmit();
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) opener.closest(".card").querySelector(`[data-dialog="${opener.dataset.open}"]`).showModal();
  if (event.target.closest("[data-close], [data-dismiss]")) event.target.closest("dialog").close();
  if (event.target.closest("[data-print]")) window.print();
  if (event.target.closest("[data-clear]")) document.getElementById("notice").replaceChildren();
  if (event.target === drawer) drawer.close(); // the backdrop
});

// What was asked is cleared only once the server has it.
document.addEventListener("htmx:before:swap", ({ detail }) => {
  const source = detail.ctx.sourceElement;
  const status = detail.ctx.response?.status ?? 200;
  if (source?.matches?.("form[action='/ask']") && status < 400) {
    document.getElementById("notice").replaceChildren();
    document.getElementById("welcome")?.remove();
    if (source.id === "asking") source.querySelector("textarea").value = "";
  }
  const held = document.activeElement?.closest?.("[data-card]");
  if (held && source && (source === held || held.contains(source))) detail.ctx.refocus = held.dataset.card;
});

document.addEventListener("htmx:after:swap", ({ detail }) => {
  const { sourceElement: source, target, refocus } = detail.ctx;
  const status = detail.ctx.response?.status ?? 200;
  const element = typeof target === "string" ? document.querySelector(target) : target;
  if (element?.id === "drawer-body" && status < 400 && !drawer.open) drawer.showModal();
  if (element?.id === "turns" && status < 400) {
    element.lastElementChild?.scrollIntoView({ block: "start", behavior: "instant" });
    box().focus({ preventScroll: true });
  }
  if (refocus) document.querySelector(`[data-card="${CSS.escape(refocus)}"]`)?.focus({ preventScroll: true });
});

// The stream reconnects by itself once it stood; where it never came to stand, it is tried again from the start.
document.addEventListener("htmx:error", ({ target }) => {
  if (!target.matches?.("[data-state=live]") || target._htmx?.sse) return;
  setTimeout(() => {
    if (!target.isConnected) return;
    const again = target.cloneNode(true);
    again.querySelectorAll(".steps, .claims").forEach((list) => list.replaceChildren());
    target.replaceWith(again);
    htmx.process(again);
  }, 2000);
});

// The list of conversations stands open beside the page where there is room for it.
const room = matchMedia("(min-width: 60rem)");
const spread = () => document.querySelectorAll("details[data-wide]").forEach((list) => (list.open = room.matches));
room.addEventListener("change", spread);
spread();
