// Command conform runs a public HTTP caching suite against edged and says how many
// of its tests pass:
//
//	make conform SUITE_DIR=path/to/cache-tests
//	go run ./testing/conform -suite DIR [-id TEST] [-json FILE] [-list]
//
// The suite (github.com/http-tests/cache-tests) is not part of this checkout and
// is not changed by this command. Node.js is needed. edged is built from the tree
// and runs with one configuration that an operator could run, see edged.toml.
//
// The result is one line `required P/T optimal P/T`; -list adds a line for each
// test that is not passed. The exit code is 0 when the suite ran, whatever passed:
// docs/conformance.md explains the rest.
package main
