#!/usr/bin/env bash
# One PostgreSQL URL, two passwords: in its query libpq takes a plus sign for itself, SQLAlchemy and pg-connection-string for a
# blank. What connects in psql is refused as a wrong password elsewhere, and application_name or options become other ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'psycopg[binary]==3.3.9' sqlalchemy==2.1.9
npm install --silent --no-audit --no-fund pg-connection-string@2.14.1 >/dev/null

url='postgresql://reader@localhost/shop?password=a+b%2Bc'
libpq=$(venv/bin/python -c 'import sys; from psycopg.conninfo import conninfo_to_dict as read; print(read(sys.argv[1])["password"])' "$url")
alchemy=$(venv/bin/python -c 'import sys; from sqlalchemy import make_url as read; print(read(sys.argv[1]).query["password"])' "$url")
node=$(node -e 'console.log(require("pg-connection-string").parse(process.argv[1]).password)' "$url")

echo "libpq of psycopg 3.3.9, SQLAlchemy 2.1.9, pg-connection-string 2.14.1"
echo "Expected: $url means one password."
echo "Seen:     libpq '$libpq', SQLAlchemy '$alchemy', pg-connection-string '$node'"
[ "$libpq" = 'a+b+c' ]
[ "$alchemy" = 'a b+c' ]
[ "$node" = 'a b+c' ]
