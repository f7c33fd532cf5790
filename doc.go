// Package hindcast holds the nouns of the product: pipelines, slices, runs, attempts, steps, states, events,
// manifests and errors. It does no I/O and imports the standard library only; every other package speaks in
// these words and leaves to this one what they mean.
//
// The data's way is plan → unload → transform → load. See docs/architecture.md.
package hindcast
