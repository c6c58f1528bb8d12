// Writes a picture by an encoder from npm, which Node finds by NODE_PATH:
//   node encode.cjs PACKAGE MODE PIXELS WIDTH HEIGHT OUT
// PIXELS is a file of red, green, blue and alpha, 8 bits each.
"use strict";
const fs = require("fs");

const [name, mode, pixels, across, down, out] = process.argv.slice(2);
const width = Number(across), height = Number(down);
const rgba = new Uint8Array(fs.readFileSync(pixels));
const numbers = mode.split(",").map(Number);

// Indices into a palette of 6 x 6 x 6 colors, and the palette; the last index is for transparent pixels.
function toPalette(data) {
  const level = (value) => Math.round(value / 51);
  const index = (at) => (data[at + 3] < 128 ? 216 : level(data[at]) * 36 + level(data[at + 1]) * 6 + level(data[at + 2]));
  const indices = Uint8Array.from({ length: width * height }, (_, pixel) => index(pixel * 4));
  const color = (number) => Math.floor(number / 36) * 0x330000 + (Math.floor(number / 6) % 6) * 0x3300 + (number % 6) * 0x33;
  return { indices, palette: Array.from({ length: 256 }, (_, number) => (number < 216 ? color(number) : 0)) };
}

const turned = Uint8Array.from(rgba, (_, at) => rgba[rgba.length - 4 - (at - (at % 4)) + (at % 4)]);

const encoders = {
  // Color type, bits per channel, filter.
  pngjs() {
    const [colorType, bitDepth, filterType] = numbers;
    const data = bitDepth === 16 ? Uint16Array.from(rgba, (value) => value * 257) : Buffer.from(rgba);
    return require("pngjs").PNG.sync.write({ width, height, data }, { colorType, bitDepth, filterType, inputColorType: 6 });
  },
  // Number of colors, or 0 for all; number of frames.
  "upng-js"() {
    const [colors, frames] = numbers;
    const images = [rgba.buffer, turned.buffer].slice(0, frames);
    return Buffer.from(require("upng-js").encode(images, width, height, colors, images.map(() => 100)));
  },
  // Quality.
  "jpeg-js"() {
    return require("jpeg-js").encode({ data: Buffer.from(rgba), width, height }, numbers[0]).data;
  },
  "bmp-js"() {
    const data = Buffer.from(rgba.map((_, at) => rgba[at - (at % 4) + [3, 2, 1, 0][at % 4]]));
    return require("bmp-js").encode({ data, width, height }).data;
  },
  // Number of frames, whether each has a palette of its own, disposal.
  omggif() {
    const [frames, isLocal, disposal] = numbers;
    const made = [rgba, turned].slice(0, frames).map(toPalette);
    const buffer = Buffer.alloc(1 << 20);
    const writer = new (require("omggif").GifWriter)(buffer, width, height, { loop: 0, palette: isLocal ? null : made[0].palette });
    for (const { indices, palette } of made) {
      writer.addFrame(0, 0, width, height, indices, { delay: 10, transparent: 216, disposal, ...(isLocal ? { palette } : {}) });
    }
    return buffer.subarray(0, writer.end());
  },
  utif2() {
    return Buffer.from(require("utif2").encodeImage(rgba, width, height));
  },
};

fs.writeFileSync(out, encoders[name]());
