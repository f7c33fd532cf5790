// Package house holds the rules of this repository as tests: who may import whom, what each package must say about
// itself, how long a function may be, which words are not used, and that the reference pages are complete. It has no
// code of its own, and leaves behaviour to the packages' own tests.
package house
