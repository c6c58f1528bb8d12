// Code that gets a picture.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const escaped = (text) => text.replace(/[&<>"]/g, (each) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[each]);

// Of a picture with a URL. `sources` are [width, URL] pairs.
const OF_URL = {
  curl: ({ url, file }) => `curl --fail --output ${file} ${quoted(url)}`,
  html: ({ url, sources }) => {
    const set = sources.map(([width, each]) => `    ${escaped(each)} ${width}w`).join(",\n");
    const lines = set ? `\n  srcset="\n${set}"\n  sizes="100vw"` : "";
    return `<img\n  src="${escaped(url)}"${lines}\n  alt="">`;
  },
  python: ({ url, file }) => [
    "from pathlib import Path", "from urllib.request import urlopen", "",
    `with urlopen(${JSON.stringify(url)}, timeout=30) as response:`,
    `    Path("${file}").write_bytes(response.read())`,
  ].join("\n"),
  javascript: ({ url }) => [
    `const response = await fetch(${JSON.stringify(url)});`,
    "if (!response.ok) throw new Error((await response.json()).detail);",
    "const picture = await response.blob();",
  ].join("\n"),
};

// Of a picture that is sent.
const OF_UPLOAD = {
  curl: ({ url, file, name, key }) => [
    `curl --fail --output ${file}`, ...key ? ['--header "Authorization: Bearer $KEY"'] : [],
    "--header 'Content-Type: application/octet-stream'", `--data-binary @${quoted(name)}`, quoted(url),
  ].join(" \\\n  "),
  html: () => "<!-- A picture that is sent has no URL. Choose a picture of a root. -->",
  python: ({ url, file, name, key }) => [
    ...key ? ["import os"] : [], "from pathlib import Path", "from urllib.request import Request, urlopen", "",
    `headers = {"Content-Type": "application/octet-stream"${key ? ', "Authorization": f"Bearer {os.environ[\'KEY\']}"' : ""}}`,
    `request = Request(${JSON.stringify(url)}, Path(${JSON.stringify(name)}).read_bytes(), headers)`,
    "with urlopen(request, timeout=30) as response:",
    `    Path("${file}").write_bytes(response.read())`,
  ].join("\n"),
  javascript: ({ url, key }) => [
    "// `file` is a File, such as one of an <input>.",
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: "POST", body: file,${key ? " headers: { Authorization: `Bearer ${key}` }," : ""}`,
    "});", "const picture = await response.blob();",
  ].join("\n"),
};

export const snippet = (language, facts) => (facts.name ? OF_UPLOAD : OF_URL)[language](facts);
