"use strict";
(async () => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("description").textContent);

  /* Base64 of zlib -> bytes. */
  async function unpack(id) {
    const text = atob(element(id).textContent.trim());
    const packed = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k += 1) packed[k] = text.charCodeAt(k);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }

  /* ---- properties -------------------------------------------------------------------------- */
  const properties = {};
  const columns = {};
  await Promise.all(data.properties.map(async (p, k) => {
    const numbers = new Float32Array(await unpack(`column-${k}`));
    const factor = 10 ** p.digits;
    columns[p.name] = p.categories
      ? Array.from(numbers, (code) => p.categories[code])
      : Array.from(numbers, (x) => Math.round(x * factor) / factor);
  }));
  for (const p of data.properties) {
    properties[p.name] = { target: "structure", values: columns[p.name] };
    if (p.unit) properties[p.name].units = p.unit;
    if (p.description) properties[p.name].description = p.description;
  }

  /* ---- structures: unpacked a block at a time, when one is looked at ------------------------ */
  const recent = new Map();
  async function block(number) {
    if (!recent.has(number)) {
      recent.set(number, unpack(`block-${number}`).then((buffer) => new Uint8Array(buffer)));
      if (recent.size > 64) recent.delete(recent.keys().next().value);
    }
    return recent.get(number);
  }

  const typesOf = new Map();
  async function loadStructure(index) {
    const n = data.atoms;
    const number = Math.floor(index / data.block);
    const bytes = await block(number);
    const inBlock = Math.min(data.block, data.structures - number * data.block);
    const total = inBlock * n * 3; // low bytes, high bytes, types
    const place = index - number * data.block;
    const coordinate = (atom, axis) => {
      const k = (place * n + atom) * 3 + axis;
      return (((bytes[total + k] << 24) >> 16) | bytes[k]) * data.unit;
    };
    const axis = (k) => Array.from({ length: n }, (_, atom) => coordinate(atom, k));
    const known = bytes.length > 2 * total;
    const start = 2 * total + place * n;
    const types = known ? Array.from(bytes.subarray(start, start + n)) : null;
    typesOf.set(index, types);
    const sphere = (radius, color) => ({ radius, color });
    const shapes = {};
    if (types) {
      const kinds = types.map((t) => data.types[t]);
      shapes["types (open)"] = kinds.map((t) => sphere(t.size * data.radius, t.color));
      shapes["types (full)"] = kinds.map((t) => sphere(data.radius, t.color));
    }
    shapes.metal = Array.from({ length: n }, () => sphere(data.radius, data.color));
    for (const name of Object.keys(shapes)) {
      shapes[name] = { kind: "sphere", parameters: { global: {}, atom: shapes[name] } };
    }
    const names = Array(n).fill(data.element);
    return { size: n, names, x: axis(0), y: axis(1), z: axis(2), shapes };
  }

  /* ---- the viewer ---------------------------------------------------------------------------- */
  const warnings = new Chemiscope.Warnings();
  warnings.defaultTimeout = 5000;
  warnings.addHandler((message, timeout) => complain(message, timeout));
  function complain(message, timeout) {
    element("problem").textContent = message;
    element("problem").hidden = false;
    if (timeout > 0) setTimeout(() => { element("problem").hidden = true; }, timeout);
  }

  const first = await loadStructure(0);
  const axes = (which) => {
    const [x, y, z] = which.map((k) => data.axes[k]);
    return { x: { property: x }, y: { property: y }, z: { property: z ?? "" } };
  };
  const named = (name) => data.properties.find((p) => p.name === name);
  const buttons = [...document.querySelectorAll("[data-color]")];
  const start = named(buttons[0]?.dataset.color ?? data.axes[0]);
  const dataset = {
    meta: { name: data.title },
    // The indexer walks through all atoms of all structures; for whole structures one will do.
    structures: Array.from({ length: data.structures }, (_, k) => ({ size: 1, data: k })),
    properties,
    settings: {
      map: {
        ...axes([0, 1]),
        color: { property: start.name, min: start.low, max: start.high, palette: "viridis" },
        size: { factor: data.structures > 5000 ? 10 : 30 },
        markerOutline: false,
      },
      structure: [{
        atoms: false, bonds: false, shape: Object.keys(first.shapes)[0], keepOrientation: false,
      }],
    },
  };
  const config = { meta: "meta", map: "map", info: "info", structure: "structure", loadStructure };
  let explorer;
  try {
    explorer = await Chemiscope.DefaultVisualizer.load(config, dataset, warnings);
  } catch (error) {
    complain(`The viewer cannot be shown: ${error.message}`, 0);
    throw error;
  }

  /* ---- colours of the points, with the report's own scales ----------------------------------- */
  let scale = null;
  let chosen = null; // property of the pressed button
  const options = explorer.map._options;
  const builtIn = options.colorScale?.bind(options);
  if (builtIn) options.colorScale = () => scale ?? builtIn();
  // A palette or property chosen in the viewer's own settings gets the viewer's own colours.
  for (const option of [options.color?.palette, options.color?.property]) {
    option?.onchange?.unshift((_, origin) => { if (origin === "DOM") press(buttons, null, null); });
  }

  function press(all, pressed, p) {
    for (const button of all) button.setAttribute("aria-pressed", String(button === pressed));
    if (all === buttons) {
      chosen = p;
      scale = p ? p.scale : null;
      legend(p);
    }
  }

  // Of one category alone the others are clear; `null` shows all.
  function isolate(p, code) {
    scale = code === null ? p.scale : p.scale.map(([place, color], k) => (
      [place, p.shown[Math.floor(k / 2)] === code ? color : "rgba(0, 0, 0, 0)"]
    ));
    explorer.map._relayout?.({ "coloraxis.colorscale": scale });
    for (const button of element("map-legend").querySelectorAll("button")) {
      const mine = code === null ? "false" : String(button.dataset.code === String(code));
      button.setAttribute("aria-pressed", mine);
    }
    element("map-legend").classList.toggle("isolated", code !== null);
  }

  function colorBy(name) {
    const p = named(name);
    press(buttons, buttons.find((b) => b.dataset.color === name), p);
    const color = { property: name, min: p.low, max: p.high, mode: "linear" };
    explorer.applySettings({ map: { color } });
    explorer.map._relayout?.({
      "coloraxis.colorscale": scale, "coloraxis.showscale": !p.categories,
    });
  }
  // The names of categories are in the legend below; the viewer's bar would number them.
  explorer.map._plot?.on?.("plotly_afterplot", () => {
    const bar = explorer.map._plot._fullLayout?.coloraxis?.showscale;
    const categories = chosen?.categories !== undefined;
    if (scale && bar === categories) {
      setTimeout(() => explorer.map._relayout?.({ "coloraxis.showscale": !categories }), 100);
    }
  });

  function legend(p) {
    const place = element("map-legend");
    place.replaceChildren();
    place.classList.remove("isolated");
    if (!p) return;
    if (!p.categories) {
      place.append(p.description || p.name);
      return;
    }
    p.categories.forEach((name, code) => {
      if (!p.counts[code]) return;
      const button = entry(p.colors[code], name, p.counts[code], `only ${name}; again: all`, "button");
      button.type = "button";
      button.dataset.code = code;
      button.setAttribute("aria-pressed", "false");
      button.onclick = () => {
        isolate(p, button.getAttribute("aria-pressed") === "true" ? null : code);
      };
      place.append(button);
    });
  }

  function entry(color, name, count, phrase, kind = "span") {
    const line = document.createElement(kind);
    const dot = document.createElement("i");
    dot.style.background = color;
    const number = document.createElement("b");
    number.textContent = count.toLocaleString("en");
    line.append(dot, name, number);
    if (phrase) line.title = phrase;
    return line;
  }

  for (const button of buttons) button.onclick = () => colorBy(button.dataset.color);
  const views = [...document.querySelectorAll("[data-view]")];
  for (const button of views) {
    button.onclick = () => {
      press(views, button);
      // Axis by axis and only what changes: between two and three dimensions the viewer makes its
      // scene anew, and must not be told of other axes meanwhile.
      const now = explorer.saveSettings().map;
      for (const [axis, wanted] of Object.entries(axes(button.dataset.view.split(" ").map(Number)))) {
        if (now[axis].property !== wanted.property) {
          explorer.applySettings({ map: { [axis]: wanted } });
        }
      }
    };
  }
  if (views.length) press(views, views[0]);

  /* ---- what is selected ---------------------------------------------------------------------- */
  function describe(index) {
    const parts = [];
    for (const p of data.properties) {
      if (!buttons.some((b) => b.dataset.color === p.name)) continue;
      const value = columns[p.name][index];
      if (p.categories || Number.isFinite(value)) parts.push([p, value]);
    }
    const place = element("details");
    place.replaceChildren();
    const title = document.createElement("b");
    title.textContent = columns.frame ? `frame ${columns.frame[index]}, replica ${columns.replica[index]}` : `${index}`;
    place.append(title);
    for (const [p, value] of parts) {
      place.append(` · ${p.categories ? "" : `${p.name} `}${value}${p.unit ? ` ${p.unit}` : ""}`);
    }
    const types = typesOf.get(index);
    const atoms = element("atom-legend");
    atoms.replaceChildren();
    if (types) {
      data.types.forEach((t, code) => {
        atoms.append(entry(t.color, t.name, types.filter((x) => x === code).length, t.phrase));
      });
    }
    element("details").dataset.structure = index;
  }
  /* ---- the table of numbers: inside its card, with a bar to scroll, open to the keyboard ------ */
  const panel = [...element("info").children].map((child) => child.shadowRoot).find(Boolean);
  if (panel) {
    const sheet = document.createElement("style");
    sheet.textContent = `
      .chsp-info-table { max-height: var(--room, 50vh); overflow-y: auto; background: #fff;
        border: 1px solid #dfe3e8; border-radius: 6px; opacity: 1; }
      .chsp-properties-table, .chsp-properties-table table { background: #fff; margin: 0; }
      .chsp-properties-table thead { position: sticky; top: 0; background: #fff; }`;
    panel.append(sheet);
    const opener = panel.querySelector(".chsp-info-structure-btn");
    const measure = () => {
      const top = element("structure").getBoundingClientRect().top;
      const room = (opener ?? element("info")).getBoundingClientRect().top - Math.max(0, top);
      element("info").style.setProperty("--room", `${Math.max(120, room - 8)}px`);
    };
    measure();
    window.addEventListener("resize", measure);
    if (opener) {
      opener.tabIndex = 0;
      opener.setAttribute("role", "button");
      opener.addEventListener("pointerdown", measure);
      opener.addEventListener("keydown", (event) => {
        if (event.target !== opener || !["Enter", " "].includes(event.key)) return;
        event.preventDefault();
        measure();
        opener.click();
      });
      panel.querySelector(".chsp-info-table").tabIndex = 0;
    }
  }

  const show = explorer.info.show.bind(explorer.info);
  explorer.info.show = (indexes) => {
    show(indexes);
    const index = indexes.structure;
    if (typesOf.has(index)) describe(index);
    else loadStructure(index).then(() => describe(index));
  };
  describe(0);
  if (buttons.length) colorBy(buttons[0].dataset.color);
  window.explorer = explorer; // for scripts and the curious
  document.documentElement.dataset.ready = "yes";
})();
