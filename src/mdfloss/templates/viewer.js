// The picture viewer: flips, slides, puts side by side or subtracts the versions of a picture, with one zoom and place.
"use strict";
const KEPT_SCENES = 3; // decoded pictures are large: keep those of the last few scenes only
const MODES = { f: "flip", s: "slide", b: "side", d: "difference" };
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class Viewer {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".stage");
    this.canvas = root.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.count = Number(root.dataset.count);
    this.decoded = new Map();
    this.pointers = new Map();
    this.mode = "flip";
    this.split = 0.5;
    this.currentLabel = null;
    this.otherLabel = null;
    this.wireControls();
    this.wirePointers();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    // Nothing is decoded before it is looked at, so that a page of a thousand pictures opens at once.
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) { seen.disconnect(); this.show(0); }
    }, { rootMargin: "300px" });
    seen.observe(this.stage);
  }

  find(selector) { return this.root.querySelector(selector); }

  wireControls() {
    this.select = this.find(".scene-select");
    this.select.addEventListener("change", () => this.show(Number(this.select.value)));
    this.find(".previous").addEventListener("click", () => this.step(-1));
    this.find(".next").addEventListener("click", () => this.step(1));
    this.find(".in").addEventListener("click", () => this.zoomBy(2));
    this.find(".out").addEventListener("click", () => this.zoomBy(0.5));
    this.find(".one").addEventListener("click", () => this.zoomTo(1));
    this.find(".fit").addEventListener("click", () => this.fit());
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => this.setMode(button.dataset.mode));
    }
    this.splitRange = this.find(".split");
    this.splitRange.addEventListener("input", () => { this.split = this.splitRange.value / 1000; this.draw(); });
    this.other = this.find(".other");
    this.other.addEventListener("change", () => { this.otherLabel = this.other.value; this.draw(); });
    this.gain = this.find(".gain");
    this.gain.addEventListener("input", () => this.draw());
    this.stage.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.scene) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    const labels = this.scene.versions.map((version) => version.label);
    if (move && event.shiftKey) this.panBy(60 * move[0], 60 * move[1]);
    else if (move && move[0]) this.choose(labels[(this.index(this.currentLabel) + move[0] + labels.length) % labels.length]);
    else if (event.key === " ") [this.otherLabel, this.currentLabel] = [this.currentLabel, this.otherLabel];
    else if (/^[1-9]$/.test(event.key) && event.key <= labels.length) this.choose(labels[event.key - 1]);
    else if (event.key === "n") this.step(1);
    else if (event.key === "p") this.step(-1);
    else if (event.key === "+" || event.key === "=") this.zoomBy(2);
    else if (event.key === "-") this.zoomBy(0.5);
    else if (event.key === "0") this.zoomTo(1);
    else if (MODES[event.key]) this.setMode(MODES[event.key]);
    else return;
    event.preventDefault();
    this.draw();
  }

  index(label) { return Math.max(0, this.scene.versions.findIndex((version) => version.label === label)); }

  step(by) {
    this.show((this.sceneIndex + by + this.count) % this.count);
  }

  // Pictures stand at the end of the page: on a large one, a picture is shown as soon as its part has arrived.
  async source(index) {
    const find = () => document.querySelector(`script.scene[data-section="${this.root.dataset.section}"][data-index="${index}"]`);
    while (!find()?.nextSibling && document.readyState === "loading") await new Promise((go) => setTimeout(go, 50));
    return find();
  }

  async show(index) {
    this.sceneIndex = index;
    this.select.value = String(index);
    this.images = null;
    this.find(".notice").hidden = false;
    const source = await this.source(index);
    if (this.sceneIndex !== index) return;
    this.scene = JSON.parse(source.textContent);
    const labels = this.scene.versions.map((version) => version.label);
    if (!labels.includes(this.currentLabel)) this.currentLabel = this.scene.start;
    if (!labels.includes(this.otherLabel)) this.otherLabel = labels[0];
    this.listMethods(labels);
    if (!this.decoded.has(index)) {
      this.decoded.set(index, await Promise.all(this.scene.versions.map(async (version) => {
        const image = new Image();
        image.src = version.uri;
        await image.decode();
        return image;
      })));
      if (this.decoded.size > KEPT_SCENES) this.decoded.delete(this.decoded.keys().next().value);
    }
    if (this.sceneIndex !== index) return; // another picture was chosen while this one was decoded
    this.images = this.decoded.get(index);
    this.difference = null;
    this.find(".notice").hidden = true;
    this.root.dataset.ready = String(index);
    this.fit();
  }

  listMethods(labels) {
    this.other.replaceChildren(...labels.map((label) => new Option(label, label, false, label === this.otherLabel)));
    this.find(".methods").replaceChildren(...this.scene.versions.map((version) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.label = version.label;
      button.append(version.label);
      if (version.score) {
        const score = document.createElement("b");
        score.textContent = version.score;
        button.append(score);
      }
      button.addEventListener("click", () => { this.choose(version.label); this.draw(); });
      return button;
    }));
  }

  choose(label) { this.currentLabel = label; }
  setMode(mode) { this.mode = mode; this.draw(); }

  // Panels of the canvas, in device pixels: one, or one for each version side by side.
  panels() {
    const { width, height } = this.canvas;
    if (this.mode !== "side") return [[0, 0, width, height]];
    const count = this.images.length;
    let best = { size: -1, columns: 1, rows: count };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const size = Math.min(width / columns / this.scene.width, height / rows / this.scene.height);
      if (size > best.size) best = { size, columns, rows };
    }
    const [w, h] = [width / best.columns, height / best.rows];
    return this.images.map((_, i) => [(i % best.columns) * w, Math.floor(i / best.columns) * h, w, h]);
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.stage.clientWidth * ratio);
    this.canvas.height = Math.round(this.stage.clientHeight * ratio);
    if (this.images) this.draw();
  }

  fit() {
    const [, , width, height] = this.panels()[0];
    const scale = Math.min(width / this.scene.width, height / this.scene.height);
    this.zoom = scale >= 1 ? Math.floor(scale) : scale; // whole steps keep every picture pixel equally large
    [this.x, this.y] = [this.scene.width / 2, this.scene.height / 2];
    this.draw();
  }

  zoomTo(zoom, at) {
    const [left, top, width, height] = this.panels()[0];
    const [px, py] = at ?? [left + width / 2, top + height / 2];
    const [dx, dy, next] = [px - left - width / 2, py - top - height / 2, clamp(zoom, 0.125, 32)];
    this.x += dx / this.zoom - dx / next;
    this.y += dy / this.zoom - dy / next;
    this.zoom = next;
    this.draw();
  }

  // To the next power of two: larger for a factor of 2, smaller for 1/2.
  zoomBy(factor, at) {
    const step = Math.log2(this.zoom * factor);
    this.zoomTo(2 ** (factor > 1 ? Math.floor(step + 1e-6) : Math.ceil(step - 1e-6)), at);
  }

  panBy(dx, dy) { this.x += dx / this.zoom; this.y += dy / this.zoom; }
  // The place of a pointer within its panel, given as a place in the first panel: all panels show the same part.
  locate(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const [, , width, height] = this.panels()[0];
    return [((event.clientX - box.left) * ratio) % width, ((event.clientY - box.top) * ratio) % height];
  }

  wirePointers() {
    const { stage } = this;
    stage.addEventListener("wheel", (event) => {
      // Only a viewer that was clicked takes the wheel, so that the page scrolls over all others.
      if (!this.images || event.deltaY === 0 || !(event.ctrlKey || document.activeElement === stage)) return;
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 2 : 0.5, this.locate(event));
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => this.zoomBy(2, this.locate(event)));
    stage.addEventListener("pointerdown", (event) => {
      if (!this.images) return;
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
      const ratio = this.canvas.width / stage.clientWidth;
      const near = Math.abs(event.offsetX * ratio - this.split * this.canvas.width) < 24 * ratio;
      this.sliding = this.mode === "slide" && this.pointers.size === 1 && near;
    });
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
  }

  drag(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const ratio = this.canvas.width / this.stage.clientWidth;
    if (this.sliding) {
      const box = this.stage.getBoundingClientRect();
      this.split = clamp((event.clientX - box.left) / box.width, 0, 1);
      this.splitRange.value = Math.round(1000 * this.split);
    } else if (this.pointers.size === 1) {
      this.panBy((last.clientX - event.clientX) * ratio, (last.clientY - event.clientY) * ratio);
    } else {
      const [still] = [...this.pointers.values()].filter((pointer) => pointer.pointerId !== event.pointerId);
      const distance = (a) => Math.hypot(a.clientX - still.clientX, a.clientY - still.clientY);
      this.zoomTo(this.zoom * distance(event) / Math.max(distance(last), 1), this.locate(still));
    }
    this.pointers.set(event.pointerId, event);
    this.draw();
  }

  differenceMap() {
    const gain = clamp(Number(this.gain.value) || 1, 1, 64);
    const key = [this.sceneIndex, this.currentLabel, this.otherLabel, gain].join("\n");
    if (this.difference?.key === key) return this.difference.canvas;
    const images = [this.currentLabel, this.otherLabel].map((label) => this.images[this.index(label)]);
    this.difference = { key, canvas: subtract(images, this.scene.width, this.scene.height, gain) };
    return this.difference.canvas;
  }

  paint(image, [left, top, width, height], label, clip) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(...(clip ?? [left, top, width, height]));
    context.clip();
    context.imageSmoothingEnabled = this.zoom < 1;
    const x = Math.round(left + width / 2 - this.x * this.zoom);
    const y = Math.round(top + height / 2 - this.y * this.zoom);
    context.drawImage(image, x, y, Math.round(this.scene.width * this.zoom), Math.round(this.scene.height * this.zoom));
    if (label) drawTag(context, label, [left, top, width], this.canvas.width / this.stage.clientWidth);
    context.restore();
  }

  draw() {
    if (!this.images) return;
    this.x = clamp(this.x, 0, this.scene.width);
    this.y = clamp(this.y, 0, this.scene.height);
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    const panels = this.panels();
    const [current, other] = [this.index(this.currentLabel), this.index(this.otherLabel)];
    if (this.mode === "side") {
      panels.forEach((panel, i) => this.paint(this.images[i], panel, { text: this.scene.versions[i].label }));
    } else if (this.mode === "difference") {
      this.paint(this.differenceMap(), panels[0], { text: `|${this.currentLabel} − ${this.otherLabel}| × ${clamp(Number(this.gain.value) || 1, 1, 64)}` });
    } else if (this.mode === "slide") {
      const edge = Math.round(this.split * canvas.width);
      this.paint(this.images[current], panels[0], { text: this.currentLabel }, [0, 0, edge, canvas.height]);
      const rest = [edge, 0, canvas.width - edge, canvas.height];
      this.paint(this.images[other], panels[0], { text: this.otherLabel, right: true }, rest);
      context.fillStyle = "#f4f2ec";
      context.fillRect(edge - 1, 0, 2, canvas.height);
    } else {
      this.paint(this.images[current], panels[0], { text: this.currentLabel });
    }
    this.report();
  }

  // What is shown, in the controls and for a screen reader.
  report() {
    for (const button of this.root.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    }
    for (const button of this.root.querySelectorAll(".methods button")) {
      button.setAttribute("aria-pressed", String(button.dataset.label === this.currentLabel));
    }
    this.other.value = this.otherLabel;
    this.find(".divider").hidden = this.mode !== "slide";
    this.find(".gain-label").hidden = this.mode !== "difference";
    this.find(".against").hidden = this.mode === "side";
    this.find(".zoom").textContent = `${Math.round(100 * this.zoom)} %`;
    const text = `${this.scene.name}: ${this.currentLabel}, ${this.mode}`;
    if (this.find(".live").textContent !== text) this.find(".live").textContent = text;
    Object.assign(this.root.dataset, { mode: this.mode, method: this.currentLabel, zoom: String(this.zoom), x: this.x.toFixed(2), y: this.y.toFixed(2) });
  }
}

for (const root of document.querySelectorAll(".viewer")) new Viewer(root);
