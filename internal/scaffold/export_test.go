package scaffold

// Unquoted is the name that a fact gets in the SQL.
func Unquoted(name string) string { return unquoted(name, "fact") }
