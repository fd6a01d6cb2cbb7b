// Draws the charts of a page: each .plot holds what to draw as JSON. Colours, widths and the look of a series come
// from the style sheet, so that dark mode and paper have their own. What is null is unknown and leaves a gap.
"use strict";

const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2]]; // of the series in turn; the legend's are in the style sheet
const drawn = new Map(); // plots by their places

function look(place) {
  const style = getComputedStyle(place);
  const said = name => style.getPropertyValue(name).trim();
  return {
    text: style.color,
    font: `12px ${style.fontFamily}`,
    grid: said("--grid"),
    target: said("--target"),
    band: said("--band"),
    series: [1, 2, 3, 4, 5].map(n => said(`--series-${n}`)),
  };
}

const written = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });

const colon = document.documentElement.lang === "fr" ? "\u00a0: " : ": ";

function draw(place) {
  drawn.get(place)?.destroy();
  place.querySelector(".uplot")?.remove();
  const data = JSON.parse(place.querySelector("script").textContent);
  const at = data.labels.map((_, i) => i);
  const values = data.series.map(s => s.values);
  const options = plan(data, look(place), place.clientWidth, place.clientHeight);
  const columns = [at, ...values];
  if (data.target !== null) columns.push(at.map(() => data.target));
  if (data.band) columns.push(data.low, data.high);
  const plot = new uPlot(options, columns, place);
  plot.root.setAttribute("aria-hidden", "true");
  drawn.set(place, plot);
}

function plan(data, colours, width, height) {
  const bars = data.series.filter(s => s.kind === "bar").length;
  let bar = 0;
  const series = [{}];
  for (const [i, s] of data.series.entries()) {
    const stroke = colours.series[i % colours.series.length];
    if (s.kind === "bar") series.push({ stroke, width: 1, fill: filled(stroke, i), paths: beside(bar++, bars), points: { show: false } });
    else series.push({
      stroke, width: 2, dash: dashes[i % dashes.length], spanGaps: false,
      paths: s.kind === "step" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
      points: { show: true, size: 5, fill: stroke, filter: alone(s.kind) },
    });
  }
  if (data.target !== null) series.push({ stroke: colours.target, width: 1.5, dash: [6, 6], points: { show: false } });
  const bands = [];
  if (data.band) {
    const edge = { stroke: "transparent", points: { show: false } };
    series.push(edge, edge);
    bands.push({ series: [series.length - 1, series.length - 2], fill: colours.band });
  }
  const all = [data.target, ...data.series.flatMap(s => s.values), ...(data.high ?? [])].filter(v => v !== null);
  const top = Math.max(1, ...all), bottom = Math.min(0, ...all);
  const axis = { stroke: colours.text, font: colours.font, grid: { stroke: colours.grid, width: 1 }, ticks: { show: false } };
  return {
    width, height, series, bands, legend: { show: false }, padding: [8, 30, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: { x: { time: false, range: [-0.5, data.labels.length - 0.5] }, y: { range: [bottom * 1.05, top * 1.05] } },
    axes: [
      { ...axis, grid: { show: false }, space: apart(data.labels, colours.font), size: 28, incrs: [1, 2, 3, 6, 12, 24, 60, 120], values: (_, ticks) => ticks.map(t => data.labels[t] ?? "") },
      { ...axis, size: room, incrs: top < 5 ? [1, 2] : undefined, values: (_, ticks) => ticks.map(t => written.format(t)) },
    ],
    hooks: { setCursor: [plot => tell(plot, data)] },
  };
}

// apart is how far from each other labels stand so that none touches the next.
function apart(labels, font) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = font;
  return Math.max(64, Math.ceil(Math.max(...labels.map(l => pen.measureText(l).width))) + 16);
}

// room is how much the numbers of an axis need.
function room(plot, words) {
  if (!words) return 40;
  plot.ctx.font = plot.axes[1].font[0];
  return Math.ceil(Math.max(...words.map(w => plot.ctx.measureText(w).width)) / devicePixelRatio) + 14;
}

// alone keeps the points that no line shows: between two unknown values, and all of a short series.
function alone(kind) {
  return (plot, n) => {
    const values = plot.data[n];
    if (kind === "line" && values.length <= 40) return values.map((v, i) => v === null ? null : i).filter(i => i !== null);
    return values.map((v, i) => v !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? i : null).filter(i => i !== null);
  };
}

// beside is the drawing of the nth of so many bars at each place.
function beside(n, of) {
  return (plot, index, from, to) => {
    const path = new Path2D();
    const whole = Math.abs(plot.valToPos(1, "x", true) - plot.valToPos(0, "x", true)) * 0.8;
    const width = Math.max(1, whole / of);
    const ground = plot.valToPos(0, "y", true);
    for (let i = from; i <= to; i++) {
      const value = plot.data[index][i];
      if (value === null) continue;
      const left = plot.valToPos(i, "x", true) - whole / 2 + n * width;
      const top = plot.valToPos(value, "y", true);
      path.rect(Math.round(left) + 0.5, Math.min(top, ground), Math.max(1, Math.round(width) - 2), Math.abs(ground - top));
    }
    return { stroke: path, fill: path, clip: null };
  };
}

// filled is how bars are filled: the first all over, the second hatched, the third not, and so on.
function filled(colour, n) {
  if (n % 3 === 0) return colour;
  if (n % 3 === 2) return "transparent";
  return plot => {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const d of [-6, 0, 6]) {
      pen.moveTo(d - 1, 7);
      pen.lineTo(d + 7, -1);
    }
    pen.stroke();
    return plot.ctx.createPattern(tile, "repeat");
  };
}

// tell writes the values under the cursor below the chart.
function tell(plot, data) {
  const place = plot.root.parentElement;
  const readout = place?.parentElement.querySelector(".readout");
  if (!readout) return;
  const i = plot.cursor.idx;
  if (i === null || i === undefined) {
    readout.textContent = "";
    return;
  }
  const known = data.series.filter(s => s.values[i] !== null).map(s => `${s.name} ${written.format(s.values[i])}`);
  readout.textContent = `${data.labels[i]}${colon}${known.join(" · ") || "—"}`;
}

function step(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const plot = drawn.get(event.target);
  if (!by || !plot) return;
  event.preventDefault();
  const last = plot.data[0].length - 1;
  const now = plot.cursor.idx ?? (by > 0 ? -1 : last + 1);
  plot.setCursor({ left: plot.valToPos(Math.min(last, Math.max(0, now + by)), "x"), top: 10 });
}

function drawAll() {
  for (const [place, plot] of drawn) {
    if (!place.isConnected) {
      plot.destroy();
      drawn.delete(place);
    }
  }
  for (const place of document.querySelectorAll(".plot")) if (!drawn.has(place)) watched.observe(place);
}

// A place is drawn when it first has a size, and whenever that changes.
const watched = new ResizeObserver(places => { for (const { target } of places) if (target.clientWidth > 0) draw(target); });

const again = () => { for (const place of [...drawn.keys()]) if (place.isConnected) draw(place); };
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", again);
document.addEventListener("keydown", step);
document.addEventListener("refreshed", drawAll);
drawAll();
