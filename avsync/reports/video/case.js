"use strict";
// All state is `frame`, the frame of the file that is shown. Times are seconds after frame 0.
const data = JSON.parse(document.getElementById("data").textContent);
const clock = data.clock;
const video = document.getElementById("video");
const panels = document.getElementById("panels");
const boxes = document.getElementById("boxes");
const now = document.getElementById("now");
let frame = 0;

function timeOf(number) {
  return clock.rate ? number / clock.rate : clock.times[number];
}

// The middle of a frame: a player that rounds a time still shows that frame.
function middleOf(number) {
  if (clock.rate) return (number + 0.5) / clock.rate;
  const next = number + 1 < clock.count ? clock.times[number + 1] : clock.times[number] + 0.02;
  return (clock.times[number] + next) / 2;
}

// The frame that a player shows at a time: the last one that has begun.
function frameAt(time) {
  let number = 0;
  if (clock.rate) {
    number = Math.floor(time * clock.rate + 0.01);
  } else {
    let end = clock.count;
    while (end - number > 1) {
      const middle = (number + end) >> 1;
      if (clock.times[middle] <= time + 1e-3) number = middle;
      else end = middle;
    }
  }
  return Math.min(Math.max(number, 0), clock.count - 1);
}

function two(number) {
  return String(number).padStart(2, "0");
}

function hms(seconds) {
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((x) => two(Math.floor(x))).join(":");
}

function timecode(number) {
  if (!clock.rate) {
    const milliseconds = Math.round(1000 * clock.times[number]);
    return hms(Math.floor(milliseconds / 1000)) + "." + String(milliseconds % 1000).padStart(3, "0");
  }
  const nominal = Math.round(clock.rate);
  let counted = clock.start + number;
  if (clock.isDrop) {
    const each = nominal / 15;
    const minute = 60 * nominal - each;
    const tens = Math.floor(counted / (10 * minute + each));
    const rest = counted % (10 * minute + each);
    counted += each * (9 * tens + Math.max(0, Math.floor((rest - each) / minute)));
  }
  const seconds = Math.floor(counted / nominal) % 86400;
  return hms(seconds) + (clock.isDrop ? ";" : ":") + two(counted % nominal);
}

// The value that holds at a time, of values in equal steps; undefined beyond their ends.
function valueAt(series, time, values) {
  return values[Math.floor((time - series.start) / series.step + 0.5)];
}

function element(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text || "";
  return made;
}

function showFaces(time) {
  const size = boxes.viewBox.baseVal.height / 20;
  boxes.replaceChildren();
  for (const face of data.faces) {
    const index = Math.floor((time - face.start) / face.step + 0.5);
    if (index < 0 || 4 * index >= face.boxes.length) continue;
    const [left, top, right, bottom] = face.boxes.slice(4 * index, 4 * index + 4);
    boxes.append(
      element("rect", {
        x: left, y: top, width: right - left, height: bottom - top,
        class: face.isTalking ? "talking" : "listening",
      }),
      element("text", { x: left, y: Math.max(top - size / 3, size), "font-size": size }, face.label),
    );
  }
}

function show(number) {
  frame = Math.min(Math.max(number, 0), clock.count - 1);
  const time = timeOf(frame);
  panels.style.setProperty("--at", Math.min(time / data.end, 1));
  const score = data.scores.map((s) => valueAt(s, time, s.values)).find((s) => s != null);
  now.textContent =
    `${timecode(frame)} · frame ${frame} · ${time.toFixed(2)} s` +
    (score == null ? "" : ` · score ${score.toFixed(2)}`);
  // Only the first frame of a file that is not played is shown.
  if (video || frame === 0) showFaces(time);
  else boxes.replaceChildren();
}

function seek(number) {
  show(number);
  if (video) video.currentTime = data.delay + middleOf(frame);
}

function togglePlay() {
  if (video) video.paused ? video.play() : video.pause();
}

const media = document.getElementById("media");
if (media) {
  const bytes = Uint8Array.from(atob(media.textContent), (c) => c.charCodeAt(0));
  video.src = URL.createObjectURL(new Blob([bytes], { type: media.dataset.mime }));
}

if (video) {
  const follow = (time) => show(frameAt(time - data.delay));
  if (video.requestVideoFrameCallback) {
    const onFrame = (_, shown) => {
      if (!video.seeking) follow(shown.mediaTime);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  } else {
    video.addEventListener("timeupdate", () => follow(video.currentTime));
  }
  video.addEventListener("seeked", () => follow(video.currentTime));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-frame]");
  const plot = event.target.closest(".plot");
  if (button) {
    seek(Number(button.dataset.frame));
    if (event.detail) button.blur(); // so that space plays again
  } else if (plot) {
    const box = plot.getBoundingClientRect();
    seek(frameAt(((event.clientX - box.left) / box.width) * data.end));
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === " " && event.target.closest("button")) return; // presses that button
  if (event.key === " ") togglePlay();
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    if (video) video.pause();
    seek(frame + (event.key === "ArrowLeft" ? -1 : 1));
  } else return;
  event.preventDefault();
  event.stopPropagation();
}, true);

show(0);
