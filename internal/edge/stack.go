package edge

import (
	"runtime"
	"strconv"
	"strings"
)

// maxFrames bounds how deep a stack is told.
const maxFrames = 64

// Stack returns the calling goroutine's stack for the error log: functions, files and
// lines. It has no argument values, which runtime/debug.Stack prints as numbers: an
// address passed by value, and the head of a token, can be read out of them.
func Stack() string {
	var pcs [maxFrames]uintptr
	n := runtime.Callers(2, pcs[:])
	frames := runtime.CallersFrames(pcs[:n])
	var b strings.Builder
	for more := n > 0; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Function + " " + f.File[strings.LastIndexByte(f.File, '/')+1:] + ":" + strconv.Itoa(f.Line))
	}
	return b.String()
}
