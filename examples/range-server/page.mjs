// The index page: a link to each file, and a player for each video.

export function page(names) {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Sealed files</title>
  <style>
    body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 40rem; }
    video { display: block; margin: 0.5rem 0 1.5rem; max-width: 100%; }
  </style>
  <h1>Sealed files</h1>
  <ul>
    ${names.map(item).join('\n    ')}
  </ul>
</html>
`;
}

function item(name) {
  const address = `/${encodeURIComponent(name)}`;
  const isVideo = /\.(mp4|webm)$/i.test(name);
  const player = `<video controls muted playsinline preload="metadata" src="${address}"></video>`;
  return `<li><a href="${address}">${escaped(name)}</a>${isVideo ? player : ''}</li>`;
}

function escaped(text) {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
