package datatype

import "strings"

// Field is a member of a struct, by its name without quotes.
type Field struct{ Name, Type string }

// Element returns the type of a list's elements; false if the type is not a list.
func Element(typ string) (string, bool) {
	if !strings.HasSuffix(typ, "]") {
		return "", false
	}
	open := strings.LastIndexByte(typ, '[') // the last one: the elements of BIGINT[3][] are BIGINT[3]
	return typ[:max(open, 0)], open > 0
}

// Entry returns the types of a map's keys and values; false if the type is not a map.
func Entry(typ string) (key, value string, ok bool) {
	inside, ok := inside("MAP(", typ)
	if !ok {
		return "", "", false
	}
	parts := members(inside)
	if len(parts) != 2 {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// Fields returns a struct's members; false if the type is not a struct.
func Fields(typ string) ([]Field, bool) {
	inside, ok := inside("STRUCT(", typ)
	if !ok {
		return nil, false
	}

	var fields []Field
	for _, member := range members(inside) {
		name, of := field(member)
		fields = append(fields, Field{Name: plain(name), Type: strings.TrimSpace(of)})
	}
	return fields, true
}

func inside(kind, typ string) (string, bool) {
	if !strings.HasPrefix(typ, kind) || !strings.HasSuffix(typ, ")") {
		return "", false
	}
	return typ[len(kind) : len(typ)-1], true
}
