package run

// BeginIn is Begin in a session of the test's own.
var BeginIn = begin
