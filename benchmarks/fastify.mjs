// A Fastify server that resizes JPEGs with sharp, one thread per picture.
//
//     NODE_PATH=… UV_THREADPOOL_SIZE=2 node fastify.mjs FOLDER PORT
//
// GET /WIDTH/NAME answers with the picture NAME of the folder, at quality 80.

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_PATH ?? process.cwd(), "/"));
const fastify = require("fastify");
const sharp = require("sharp");
const [folder, port] = process.argv.slice(2);

sharp.concurrency(1);
sharp.cache(false);

const app = fastify();
app.get("/:width/:name", async (request, reply) => {
  const { width, name } = request.params;
  const data = await sharp(join(folder, name)).autoOrient().resize({ width: Number(width) }).jpeg({ quality: 80 }).toBuffer();
  return reply.type("image/jpeg").send(data);
});
await app.listen({ port: Number(port), host: "127.0.0.1" });
