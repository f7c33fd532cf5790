package cli

/*
#include <fcntl.h>

static int closed;

// Before main: Go's runtime opens /dev/null in place of a standard stream that is closed, which cannot be told from one that
// the caller opened.
__attribute__((constructor)) static void look(void) { closed = fcntl(1, F_GETFD) == -1; }

static int output_is_closed(void) { return closed; }
*/
import "C"

// outputClosed reports whether this process was started without a standard output, as by `>&-`.
func outputClosed() bool { return C.output_is_closed() != 0 }
