// Package hindcast holds the nouns of the product: pipelines, slices, runs, attempts, steps, states, events, manifests
// and errors. It does no I/O and imports only the standard library; every other package speaks in these words, whose
// meaning is defined here.
//
// Data flows plan → unload → transform → load. See docs/architecture.md.
package hindcast
