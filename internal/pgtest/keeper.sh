# keeper BIN DIR: starts the cluster in DIR/data, says "ready", and ends and removes it when standard input ends.
trap '' INT TERM HUP
"$1/pg_ctl" -D "$2/data" -s -w -l "$2/log" start >"$2/said" 2>&1 </dev/null || exit 1
echo ready
read -r _
"$1/pg_ctl" -D "$2/data" -s -w -m immediate stop >"$2/said" 2>&1 </dev/null
rm -rf "$2"
