package logfmt

// part says where in a block of a binary file a field stands. What repeats from record
// to record is written once a block: a part whose fields are together what an earlier
// record had is a number.
type part uint8

// The parts.
const (
	partRecord part = iota // in each record, as varyingFields of FORMAT.md says
	partOwner              // whose content it was, and who sent the viewer there
	partViewer             // what the viewer speaks
	partKind               // what kind of answer it was
	partBlock              // once a block
	partPath               // nowhere: the path says it
	numParts
)

// String returns the word that FORMAT.md uses.
func (p part) String() string {
	return [numParts]string{"record", "owner", "viewer", "kind", "block", "path"}[p]
}

// Layout of a record: what is there of it, and in which form. It is part of its kind.
const (
	layoutFlags  = 0 // the flags of the table, in its order
	layoutClient = 4 // 3 bits: clientForm
	layoutTrace  = 7 // 2 bits: traceForm
	layoutSource = 9 // 3 bits: sourceForm
	layoutTTL    = 12
	layoutRange  = 13
	layoutQuery  = 14
	layoutSess   = 15
	layoutCMCD   = 16
	layoutAgent  = 17
	layoutPlace  = 18 // the record does not follow the one before it
	layoutBits   = 19
)

// Forms of a client address, after redaction.
const (
	clientNone   = iota
	clientStruck // the first three bytes of an IPv4 address
	clientFour   // an IPv4 address
	clientPrefix // the first six bytes of an IPv6 address, the others are 0
	clientSix    // an IPv6 address
	clientHash   // a pseudonym
	numClientForms
)

// clientSizes is how many bytes each form takes.
var clientSizes = [numClientForms]int{0, 3, 4, 6, 16, 8}

// Forms of the trace.
const (
	traceNone = iota
	traceHex  // 8 bytes that were 16 lower-case hex digits
	traceText
	numTraceForms
)

// Forms of the bytes by source.
const (
	sourceNone   = iota // none of any
	sourceRAM           // as many as were sent, from RAM alone
	sourceDisk          // the same from disk
	sourceOrigin        // and from the origin
	sourceMixed         // three counts
	numSourceForms
)
