// Package object holds the nouns of the cache: [Key], [ID], [Meta], [Header]
// and the block geometry. Types and encodings live here, policy does not.
//
// An object version is one [Meta] and a body cut into blocks of [BlockSize]
// bytes; the last block may be shorter. Freshness, validators and purges belong
// to the object, never to a block. A block is identified by (ID, Version,
// index), so blocks of two versions can never mix.
//
// Values of this package are immutable once published: whoever changes a Meta
// copies it first. Nothing here does I/O, takes a lock or reads a clock.
package object
