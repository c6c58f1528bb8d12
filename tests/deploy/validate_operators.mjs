// Validates resources of KEDA and of the Prometheus operator: reads an array of them from standard input, and writes
// what is wrong. The argument is the folder @kubernetes-models of npm.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folders = { "keda.sh": "keda", "monitoring.coreos.com": "prometheus-operator" };
const faults = [];
for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  const [group, version] = resource.apiVersion.split("/");
  const path = `${process.argv[2]}/${folders[group]}/${group}/${version}/${resource.kind}.js`;
  const models = await import(pathToFileURL(path));
  try {
    new models[resource.kind](resource).validate();
  } catch (error) {
    faults.push(`${resource.kind} ${resource.metadata.name}: ${error.message}`);
  }
}
process.stdout.write(JSON.stringify(faults));
