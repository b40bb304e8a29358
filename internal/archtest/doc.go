// Package archtest holds the import table of the project and fails when a package
// imports what it should not. A new edge is a decision: it is made here, in the
// open, or not at all.
package archtest
