// Command benchtiers measures what the two tiers of the cache promise and prints a
// table: a figure, what it should be, and whether it is.
//
//	go run ./testing/benchtiers                     everything, some minutes
//	go run ./testing/benchtiers -run index,write    these experiments only
//	go run ./testing/benchtiers -scale 0.01         a hundredth of the size, to try it
//	go run ./testing/benchtiers -run crash          200 kills of a real process
//
// The nouns: an [experiment] builds what it needs in a directory of its own and
// reports figures; a [figure] is one row of the table, with its [goal] or none.
// A new experiment is a file with a function and a line in experiments.
//
// A figure that misses its goal does not fail the command: a machine with other
// work to do is no proof of anything. An experiment that could not be carried out,
// or that saw a wrong byte, does.
package main
