"use strict";
// Keys, true-size pictures, loading ahead. Every page works without this file, by mouse and by touch.
const trial = document.getElementById("trial");

for (const link of document.querySelectorAll("link.ahead")) {
  const image = new Image();
  image.src = link.dataset.src;
}

// One press does one thing: a key that is held down, or a second click, does not answer the next page.
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && document.getElementById("stage") && !event.target.closest("button")) {
    event.preventDefault();
    const buttons = [...document.querySelectorAll("[data-show]")];
    const at = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
    buttons[(at + 1) % buttons.length].click();
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button")) return;
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  if (trial) device = "key";
  button.click();
});

let device = "";
let revealed = 0;
let zoom = 1;

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent || (trial && !revealed)) return event.preventDefault();
    form.dataset.sent = "yes";
    document.body.classList.add("sent");
    if (!trial) return;
    const values = { milliseconds: Math.round(performance.now() - revealed), input: device, zoom };
    for (const [name, value] of Object.entries(values)) {
      form.elements[name].value = value;
      form.elements[name].disabled = false;
    }
  });
}

// A page that the browser brings back from its cache would offer a trial that has its vote.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

if (trial) {
  const images = [...trial.querySelectorAll("img")];
  const side = trial.classList.contains("side");
  document.body.classList.add("loading");

  addEventListener("pointerdown", (event) => { device = event.pointerType; }, true);
  for (const button of document.querySelectorAll("[data-show]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-show]")) other.setAttribute("aria-pressed", other === button);
      for (const view of document.querySelectorAll(".view")) view.classList.toggle("shown", view.dataset.view === button.dataset.show);
    });
  }

  // Each picture pixel covers a whole number of screen pixels, so nothing is interpolated: one where the screen
  // is an ordinary one, more on a dense screen if there is room.
  const layOut = () => {
    const density = window.devicePixelRatio || 1;
    const width = Number(images[0].getAttribute("width"));
    const height = Number(images[0].getAttribute("height"));
    const room = { width: document.documentElement.clientWidth - 16, height: window.innerHeight };
    const rest = document.querySelector("header").offsetHeight + 24;
    const layouts = side
      ? [{ stacked: false, across: 3, down: 1, gap: 32, more: 56 }, { stacked: true, across: 2, down: 2, gap: 8, more: 112 }]
      : [{ stacked: false, across: 1, down: 1, gap: 0, more: 124 }];
    const needed = ({ across, down, gap, more }) =>
      `${Math.ceil(across * Math.max(width / density, side ? 96 : 0) + gap + 16)} × ${Math.ceil(down * height / density + more + rest)}`;
    document.getElementById("needed").textContent = layouts.map(needed).join(" or ");
    let best = null;
    for (let times = Math.max(1, Math.round(density)); times >= 1 && !best; times--) {
      const scale = times / density;
      const fits = ({ across, down, gap, more }) =>
        across * Math.max(width * scale, side ? 96 : 0) + gap <= room.width && down * height * scale + more + rest <= room.height;
      const layout = layouts.find(fits);
      if (layout) best = { layout, scale, times };
    }
    document.body.classList.toggle("too-small", !best);
    document.getElementById("small").hidden = Boolean(best);
    if (!best) return;
    zoom = best.times;
    trial.classList.toggle("stacked", best.layout.stacked);
    for (const image of images) {
      image.style.width = `${width * best.scale}px`;
      image.style.height = `${height * best.scale}px`;
    }
  };
  layOut();
  addEventListener("resize", layOut);

  Promise.all(images.map((image) => image.decode())).then(() => {
    document.body.classList.remove("loading");
    requestAnimationFrame(() => { revealed = performance.now(); });
  }, () => {
    const notice = document.getElementById("small");
    notice.textContent = "A picture could not be loaded. Check the connection, then load this page again.";
    notice.hidden = false;
  });
}
