// Prints the URLs that published client libraries of imgproxy sign, as JSON: the content of signed_urls.json.
// npm install @imgproxy/imgproxy-node@1.1.0 imgproxy@1.4.1 @bitpatty/imgproxy-url-builder@2.1.0; node generate_urls.mjs
import { generateImageUrl } from "@imgproxy/imgproxy-node";
import builder from "@bitpatty/imgproxy-url-builder";
import imgproxy from "imgproxy";

const key = "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881";
const salt = "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5";
const base = "http://gateway/i";
const urls = [];
const add = (origin, url) => urls.push({ origin, path: url.replace("http://gateway", "") });

const node = (url, options) =>
  add("@imgproxy/imgproxy-node 1.1.0", generateImageUrl({ endpoint: base, url, options, key, salt }));
node({ value: "photos/a.jpg", displayAs: "plain" }, { resizing_type: "fit", width: 300, enlarge: 1, format: "webp" });
node("photos/summer 2024/sea@2x.jpg", {
  resize: { resizing_type: "fill", width: 300, height: 200, enlarge: true },
  gravity: { type: "no" },
  crop: { width: 0.5, height: 0.5, gravity: { type: "nowe" } },
  quality: 50, dpr: 2, trim: { threshold: 10 }, padding: { top: 4 }, rotate: 90, blur: 2, sharpen: 0.5,
  background: "ff0000", strip_metadata: true, expires: 4102444800, cache_buster: "v1",
  filename: { name: "sea.jpg" }, return_attachment: true, format_quality: [{ format: "jpeg", quality: 20 }, { format: "webp", quality: 30 }],
});
node({ value: "photos/a.jpg", displayAs: "plain" }, { preset: ["thumb"], max_bytes: 20000 });

const bit = (built, size) =>
  add("@bitpatty/imgproxy-url-builder 2.1.0", built({ baseUrl: base, signature: { key, salt, ...(size && { size }) } }));
bit((signing) => builder().rotate(90).blur(10).build({ path: "photos/a.jpg", ...signing }));
bit((signing) => builder().resize({ type: "fill", width: 80, height: 60 }).quality(70).build({ path: "photos/a.jpg", plain: true, ...signing }));
bit((signing) => builder().dpr(2).format("png").build({ path: "photos/a.jpg", plain: true, ...signing }), 16);

const Imgproxy = imgproxy.default ?? imgproxy;
for (const encode of [true, false]) {
  const client = new Imgproxy({ baseUrl: base, key, salt, encode });
  add("imgproxy (npm) 1.4.1", client.builder().resize("fill", 300, 200, 0).gravity("noea").dpr(2).generateUrl("photos/a.jpg"));
}

console.log(JSON.stringify({ key, salt, urls }, null, 1));
