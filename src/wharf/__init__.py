"""Wharf, a self-hosted registry for container images and every other OCI artifact. docs/README.md shows the house."""
