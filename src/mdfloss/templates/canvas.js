// What the viewer draws besides pictures: the name of a version in its corner, and the difference of two.
"use strict";

function drawTag(context, { text, right }, [left, top, width], ratio) {
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  const wide = context.measureText(text).width + 14 * ratio;
  const x = right ? left + width - wide - 6 * ratio : left + 6 * ratio;
  context.fillStyle = "rgba(10, 11, 13, .78)";
  context.fillRect(x, top + 6 * ratio, wide, 24 * ratio);
  context.fillStyle = "#f4f2ec";
  context.textBaseline = "middle";
  context.fillText(text, x + 7 * ratio, top + 18.5 * ratio);
}

// gain · |first − second| of two pictures, as a canvas.
function subtract(images, width, height, gain) {
  const [first, second] = images.map((image) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return { context, data: context.getImageData(0, 0, width, height) };
  });
  for (let i = 0; i < first.data.data.length; i++) {
    if (i % 4 !== 3) first.data.data[i] = gain * Math.abs(first.data.data[i] - second.data.data[i]);
  }
  first.context.putImageData(first.data, 0, 0);
  return first.context.canvas;
}
