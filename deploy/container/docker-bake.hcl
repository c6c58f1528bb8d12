# Build the three images for both architectures, with provenance and a list of what is in them. docs/howto/containers.md explains it.
variable "REGISTRY" { default = "localhost/forkresize" }
variable "VERSION" { default = "latest" }
variable "REVISION" { default = "" }
variable "BASE" { default = "docker.io/library/python:3.13-slim-trixie" }

group "default" { targets = ["command", "node", "gateway"] }

target "common" {
  context    = "."
  dockerfile = "deploy/container/Dockerfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  attest     = ["type=sbom", "type=provenance,mode=max"]
  args       = { BASE = BASE }
  labels = {
    "org.opencontainers.image.version"   = VERSION
    "org.opencontainers.image.revision"  = REVISION
    "org.opencontainers.image.base.name" = BASE
  }
}

target "command" {
  inherits = ["common"]
  target   = "command"
  tags     = ["${REGISTRY}/command:${VERSION}"]
}

target "node" {
  inherits = ["common"]
  target   = "node"
  tags     = ["${REGISTRY}/node:${VERSION}"]
}

target "gateway" {
  inherits = ["common"]
  target   = "gateway"
  tags     = ["${REGISTRY}/gateway:${VERSION}"]
}
