// Create the same outputs with sharp: several pictures in parallel, one thread each. Reads a task as JSON.
//
//     NODE_PATH=… UV_THREADPOOL_SIZE=2 node sharp.mjs task.json [careful]
//
// With "careful", the decoded picture has at least two pixels per output pixel; forkresize keeps two and a half.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, parse } from "node:path";

const require = createRequire(join(process.env.NODE_PATH ?? process.cwd(), "/"));
const sharp = require("sharp");
const task = JSON.parse(readFileSync(process.argv[2], "utf8"));
const fastShrinkOnLoad = process.argv[3] !== "careful";

sharp.concurrency(1);
sharp.cache(false);

function encoded(image) {
  if (task.format === "webp") return image.webp({ quality: task.quality, effort: 4 });
  if (task.format === "avif") return image.avif({ quality: task.quality, effort: 4, chromaSubsampling: "4:2:0" });
  if (task.format === "gif") return image.gif();
  if (task.format === "png") return image.png({ compressionLevel: 6 });
  return image.jpeg({ quality: task.quality });
}

async function make(source) {
  const name = parse(source).name;
  // Frames of animations would be lost without the option; a flag, as it keeps a JPEG from being shrunk on load.
  const image = sharp(source, { animated: [".gif", ".webp"].includes(parse(source).ext) }).autoOrient();
  await Promise.all(
    task.widths.map((width) => {
      const output = `${task.destination}/${name}-${width}.${task.suffix}`;
      const rendition = task.widths.length > 1 ? image.clone() : image;
      return encoded(rendition.resize({ width, withoutEnlargement: true, fastShrinkOnLoad })).toFile(output);
    }),
  );
}

const waiting = [...task.sources];
await Promise.all(
  Array.from({ length: task.workers }, async () => {
    while (waiting.length) await make(waiting.shift());
  }),
);
