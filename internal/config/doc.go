// Package config turns TOML files into checked values.
//
//	c, err := config.Load("/etc/edged/edged.toml")
//
// The error of Load lists everything that is wrong, one line each, with file,
// line and key, so that an operator needs one look. Unknown keys are errors. What
// the files do not set has the value of [Default].
//
// A [Config] is a value without behaviour: only commands import this package and
// translate it into the options of the parts. It reads files, secrets among them,
// and never prints what it read from a secret.
package config
