package redshifttest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// statement is one statement of a client.
type statement struct {
	text   string // as the client sent it
	sql    string // as PostgreSQL is given it
	first  string // its first word, in upper case
	counts bool   // it asks for pg_last_copy_count() or pg_last_unload_count()

	exact   *bool // it sets enable_case_sensitive_identifier
	unload  *unload
	load    *load
	answer  *answer
	refused *failure
}

// ours reports whether the stand-in carries a statement out by itself.
func (s *statement) ours() bool { return s.unload != nil || s.load != nil || s.answer != nil }

// answer is a result that PostgreSQL has no part in.
type answer struct {
	column, value string
}

// failure is an error as Redshift reports it.
type failure struct {
	code, message, detail, hint string
}

func (f *failure) response() *pgproto3.ErrorResponse {
	return &pgproto3.ErrorResponse{Severity: "ERROR", Code: f.code, Message: f.message, Detail: f.detail, Hint: f.hint}
}

func unsupported(message string) *failure { return &failure{code: "0A000", message: message} }
func wrong(message string) *failure       { return &failure{code: "42601", message: message} }

// conflict is the violation of serializable isolation, in the words that users of Redshift report.
func conflict(pid uint32) *failure {
	return &failure{code: "XX000", message: "1023", detail: "Serializable isolation violation on table - 100167, " +
		"transactions forming the cycle are: 55705701, 55705754 (pid:" + strconv.Itoa(int(pid)) + ")"}
}

// understand reads one statement; exact keeps the case of identifiers in quotes.
func understand(tokens []token, exact bool) *statement {
	s := &statement{text: strings.TrimSpace(join(tokens))}
	code := solid(tokens)
	if len(code) == 0 {
		return s
	}

	s.first = code[0].up
	s.counts = mentions(code, "PG_LAST_COPY_COUNT") || mentions(code, "PG_LAST_UNLOAD_COUNT")
	switch s.first {
	case "UNLOAD":
		s.unload, s.refused = parseUnload(code)
	case "COPY":
		s.load, s.refused = parseLoad(code, exact)
	default:
		s.refused = refuse(code)
	}

	if s.refused == nil && s.first == "SHOW" && len(code) == 2 && shown[code[1].up] != "" {
		s.answer = &answer{column: strings.ToLower(code[1].up), value: shown[code[1].up]}
	}
	if i := slices.IndexFunc(code, func(t token) bool { return t.is("ENABLE_CASE_SENSITIVE_IDENTIFIER") }); i > 0 && (s.first == "SET" || s.first == "RESET") {
		value := strings.ToUpper(at(code, i+2).value())
		s.exact = new(value == "ON" || value == "TRUE")
	}
	s.sql = rewrite(tokens, exact)
	return s
}

// shown are settings that have another value in Redshift than in the PostgreSQL behind it.
var shown = map[string]string{"SERVER_VERSION": serverVersion}

func mentions(code []token, name string) bool {
	for _, t := range code {
		if t.is(name) {
			return true
		}
	}
	return false
}

// parser goes over the tokens of a statement.
type parser struct {
	code []token
	at   int
}

func (p *parser) peek() token {
	if p.at < len(p.code) {
		return p.code[p.at]
	}
	return token{kind: space}
}

func (p *parser) take() token {
	t := p.peek()
	p.at++
	return t
}

func (p *parser) end() bool { return p.at >= len(p.code) }

// accept takes a key word or symbol if it is the next token.
func (p *parser) accept(upper string) bool {
	if p.peek().is(upper) {
		p.at++
		return true
	}
	return false
}

// literal takes a text.
func (p *parser) literal() (string, bool) {
	if p.peek().kind != text {
		return "", false
	}
	return p.take().value(), true
}

// unexpected says where a statement cannot be read.
func (p *parser) unexpected() *failure {
	if p.end() {
		return wrong("syntax error at end of input")
	}
	return wrong("syntax error at or near \"" + p.peek().raw + "\"")
}
