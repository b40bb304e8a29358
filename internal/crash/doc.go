// Package crash keeps the last words of a process free of what it was doing for whom.
//
// When a panic is not recovered, or the runtime finds a fault that cannot be, Go prints
// the value of the panic and for each call the arguments as numbers: an address that
// was passed by value, and the head of a token, can be read out of them. Neither can be
// turned off without losing the trace.
//
// [Divert] therefore gives the process another standard error: a pipe to a second
// process of the same program, which runs [Main]. That passes on what it knows to be
// part of a trace, without values, and leaves out everything else. What the program
// itself has to say goes to the file that Divert returns, past the watcher.
//
//	if len(os.Args) == 2 && os.Args[1] == crash.Arg {
//		crash.Main() // this process is the watcher
//		return
//	}
//	stderr, err := crash.Divert(ended)
//	log := slog.New(slog.NewTextHandler(stderr, nil))
//
// [Redact] is a pure function of what it reads. Divert is called once, before other
// goroutines write to standard error.
//
// The package does not recover panics, and does not keep a core from being written:
// that is for the system, LimitCORE=0.
package crash
