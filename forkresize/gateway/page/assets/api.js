// Requests to the gateway. The key is kept in memory only.

let key = "";

export const setKey = (value) => { key = value; };

export const hasKey = () => key !== "";

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The gateway answered with status ${status}.`);
    this.status = status;
    this.field = body.field || "";
  }
}

export async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...options, headers, credentials: "omit" });
  if (response.ok) return response;
  throw new Problem(response.status, await response.json().catch(() => ({})));
}

export const getJson = async (path, options) => (await request(path, options)).json();

export const sendJson = (method, path, body, headers = {}) => getJson(path, {
  method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers },
});

// Events of a run, until it has ended or the signal aborts. EventSource cannot send the key.
export async function* events(path, signal) {
  let last = "";
  while (!signal.aborted) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await request(path, { signal, headers: { ...headers, Accept: "text/event-stream" } });
      if (response.status === 204) return;
      for await (const event of parse(response.body)) {
        last = event.id || last;
        yield event;
      }
    } catch (error) {
      if (signal.aborted || error instanceof Problem) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}

async function* parse(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value.replaceAll("\r", "");
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const event = { id: "", event: "message", data: "" };
      for (const line of rest.slice(0, end).split("\n")) {
        const [, name, text] = /^(\w*): ?(.*)$/.exec(line) || [];
        if (name === "data") event.data += text;
        else if (name) event[name] = text;
      }
      rest = rest.slice(end + 2);
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}
