// What a step has attached: a picture or a text is shown, and each is there to download. It comes from others: text, or an image that runs nothing.

const PICTURE = /^image\/[\w.+-]+$/;

function attached_view([, actor, name, kind, size, encoding, body]) {
  const what = kind.split(";", 1)[0], head = [`${name} `, element("span", { class: "dim" }, `${what}, ${size.toLocaleString("en")} bytes, of ${actor} `)];
  if (!body && size) return element("div", { class: "attached" }, head, element("span", { class: "dim" }, "left out, as there was no room"));
  const button = element("button", { type: "button", class: "button", click: () => download(name, encoding === "base64" ? bytes_of(body) : body, what) }, `download ${name}`);
  const address = encoding === "base64" ? `data:${what};base64,${body}` : `data:${what},${encodeURIComponent(body)}`;
  const seen = PICTURE.test(what) ? element("img", { src: address, alt: name }) : encoding === "text" ? element("pre", { tabindex: 0 }, body) : "";
  return element("div", { class: "attached" }, seen ? element("details", { open: body.length < 4000 || PICTURE.test(what) }, element("summary", {}, head), seen) : element("span", {}, head), button);
}

function bytes_of(text) { return Uint8Array.from(atob(text), one => one.charCodeAt(0)); }

function download(name, content, kind) {
  const address = URL.createObjectURL(new Blob([content], { type: kind }));
  element("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
