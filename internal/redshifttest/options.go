package redshifttest

import (
	"slices"
	"strconv"
	"strings"
)

// access is by which right a statement reads and writes S3.
type access struct {
	role       string // an ARN, or "default"
	id, secret string
	session    string
}

// unload is an UNLOAD.
type unload struct {
	query    string
	to       string
	access   access
	region   string
	parquet  bool
	manifest bool
	verbose  bool
	clean    bool
	over     bool // ALLOWOVERWRITE
	serial   bool // PARALLEL OFF
	largest  int64
	key      string // of KMS
}

// load is a COPY from S3.
type load struct {
	table     string
	columns   []string
	from      string
	access    access
	region    string
	parquet   bool
	manifest  bool
	serialize bool // SERIALIZETOJSON
	fill      bool // FILLRECORD
}

const megabyte = 1 << 20

func parseUnload(code []token) (*unload, *failure) {
	p := &parser{code: code, at: 1}
	u := &unload{largest: 6348 * megabyte}
	var ok bool
	if !p.accept("(") {
		return nil, p.unexpected()
	}
	if u.query, ok = p.literal(); !ok || !p.accept(")") || !p.accept("TO") {
		return nil, p.unexpected()
	}
	if u.to, ok = p.literal(); !ok {
		return nil, p.unexpected()
	}

	for !p.end() {
		if f := u.option(p); f != nil {
			return nil, f
		}
	}

	f := u.check()
	return u, f
}

// option reads one option of UNLOAD.
func (u *unload) option(p *parser) *failure {
	if known, f := u.access.option(p); known {
		return f
	}

	switch t := p.take(); {
	case t.is("FORMAT"):
		p.accept("AS")
		u.parquet = p.accept("PARQUET")
		if !u.parquet {
			return notHere("UNLOAD in another format than PARQUET")
		}
	case t.is("PARQUET"):
		u.parquet = true
	case t.is("MANIFEST"):
		u.manifest, u.verbose = true, p.accept("VERBOSE")
	case t.is("CLEANPATH"):
		u.clean = true
	case t.is("ALLOWOVERWRITE"):
		u.over = true
	case t.is("PARALLEL"):
		u.serial = p.accept("OFF") || p.accept("FALSE")
		if !u.serial && !p.accept("ON") && !p.accept("TRUE") {
			return p.unexpected()
		}
	case t.is("MAXFILESIZE"), t.is("ROWGROUPSIZE"):
		return u.size(p, t.up)
	case t.is("REGION"):
		return region(p, &u.region)
	case t.is("ENCRYPTED"):
		p.accept("AUTO") // everything is encrypted, with S3's own key if no other is named
	case t.is("KMS_KEY_ID"):
		u.key, _ = p.literal()
	case t.is("PARTITION"), t.is("EXTENSION"):
		return notHere("UNLOAD with " + t.up)
	case slices.Contains([]string{"DELIMITER", "FIXEDWIDTH", "ADDQUOTES", "ESCAPE", "NULL", "HEADER", "GZIP", "BZIP2", "ZSTD"}, t.up):
		return unsupported(t.up + " is not supported for UNLOAD to PARQUET")
	default:
		p.at--
		return p.unexpected()
	}

	return nil
}

// notHere is a failure of the stand-in's own: Redshift can do this.
func notHere(what string) *failure {
	return unsupported("the stand-in for Redshift does not know " + what)
}

func (u *unload) size(p *parser, option string) *failure {
	p.accept("AS")
	n, err := strconv.ParseFloat(p.take().raw, 64)
	if err != nil {
		p.at--
		return p.unexpected()
	}

	unit := int64(megabyte)
	if p.accept("GB") {
		unit = 1024 * megabyte
	} else {
		p.accept("MB")
	}

	bytes := int64(n * float64(unit))
	if option == "ROWGROUPSIZE" {
		return nil
	}
	if bytes < 5*megabyte || bytes > 6350*megabyte {
		return wrong("MAXFILESIZE must be between 5 MB and 6.2 GB")
	}

	u.largest = bytes
	return nil
}

func region(p *parser, into *string) *failure {
	p.accept("AS")
	name, ok := p.literal()
	if !ok {
		return p.unexpected()
	}
	*into = name
	return nil
}

func (u *unload) check() *failure {
	switch {
	case !strings.HasPrefix(u.to, "s3://"):
		return wrong("UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)")
	case u.access == access{}:
		return wrong("UNLOAD requires authorization: IAM_ROLE, ACCESS_KEY_ID and SECRET_ACCESS_KEY, or CREDENTIALS")
	case u.clean && u.over:
		return wrong("CLEANPATH and ALLOWOVERWRITE cannot be specified together")
	case !u.parquet:
		return notHere("UNLOAD in another format than PARQUET")
	}

	return nil
}

func parseLoad(code []token, exact bool) (*load, *failure) {
	p := &parser{code: code, at: 1}
	l := &load{}
	for p.peek().kind == word && !p.peek().is("FROM") || p.peek().kind == quoted || p.peek().is(".") {
		l.table += folded(p.take(), exact)
	}
	if p.accept("(") {
		for !p.end() && !p.accept(")") {
			if t := p.take(); !t.is(",") {
				if t.kind == word || !exact {
					t.raw = strings.ToLower(t.raw)
				}
				l.columns = append(l.columns, t.value())
			}
		}
	}
	if l.table == "" || !p.accept("FROM") {
		return nil, unsupported("LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)")
	}

	var ok bool
	if l.from, ok = p.literal(); !ok || !strings.HasPrefix(l.from, "s3://") {
		return nil, unsupported("LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)")
	}

	for !p.end() {
		if f := l.option(p); f != nil {
			return nil, f
		}
	}

	f := l.check()
	return l, f
}

// option reads one option of COPY.
func (l *load) option(p *parser) *failure {
	if known, f := l.access.option(p); known {
		return f
	}

	switch t := p.take(); {
	case t.is("FORMAT"):
		p.accept("AS")
		l.parquet = p.accept("PARQUET")
		if !l.parquet {
			return notHere("COPY in another format than PARQUET")
		}
	case t.is("PARQUET"):
		l.parquet = true
	case t.is("MANIFEST"):
		l.manifest = true
	case t.is("SERIALIZETOJSON"):
		l.serialize = true
	case t.is("FILLRECORD"):
		l.fill = true
	case t.is("STATUPDATE"):
		if !p.accept("ON") && !p.accept("OFF") && !p.accept("TRUE") {
			p.accept("FALSE")
		}
	case t.is("ACCEPTINVCHARS"):
		return notHere("COPY with " + t.up)
	case t.is("REGION"):
		return region(p, &l.region)
	case slices.Contains([]string{"MAXERROR", "ACCEPTANYDATE", "NOLOAD", "COMPUPDATE", "IGNOREALLERRORS"}, t.up):
		return unsupported(t.up + " argument is not supported for PARQUET based COPY")
	default:
		p.at--
		return p.unexpected()
	}

	return nil
}

func (l *load) check() *failure {
	switch {
	case l.access == access{}:
		return wrong("COPY requires authorization: IAM_ROLE, ACCESS_KEY_ID and SECRET_ACCESS_KEY, or CREDENTIALS")
	case !l.parquet:
		return notHere("COPY in another format than PARQUET")
	case l.region != "": // the bucket must be in the cluster's region
		return unsupported("REGION argument is not supported for PARQUET based COPY")
	}

	return nil
}

// option reads an authorization, which both statements have. It reports whether there is one.
func (a *access) option(p *parser) (bool, *failure) {
	at := p.at
	p.accept("WITH")
	t := p.take()
	into := map[string]*string{"IAM_ROLE": &a.role, "ACCESS_KEY_ID": &a.id, "SECRET_ACCESS_KEY": &a.secret, "SESSION_TOKEN": &a.session}[t.up]
	switch {
	case t.is("IAM_ROLE") && p.accept("DEFAULT"):
		a.role = "default"
		return true, nil
	case into != nil:
		p.accept("AS")
		value, ok := p.literal()
		if !ok {
			return true, p.unexpected()
		}
		*into = value
		return true, nil
	case t.is("CREDENTIALS"):
		p.accept("AS")
		value, ok := p.literal()
		if !ok {
			return true, p.unexpected()
		}
		return true, a.credentials(value)
	}

	p.at = at
	return false, nil
}

func (a *access) credentials(text string) *failure {
	into := map[string]*string{"aws_iam_role": &a.role, "aws_access_key_id": &a.id, "aws_secret_access_key": &a.secret, "token": &a.session}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if into[name] == nil {
			return wrong("Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or " +
				"'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'")
		}
		*into[name] = value
	}

	return nil
}
