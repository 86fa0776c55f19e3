#!/usr/bin/env bash
# Writes the seed corpus: each client's statement of the golden books as one file.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p corpus/rewrite
awk '
    /^```sql client/ { inside = 1; count += 1; file = sprintf("corpus/rewrite/golden-%04d", count); next }
    /^```/ { if (inside) close(file); inside = 0; next }
    inside { print > file }
' ../tests/golden/*.md
ls corpus/rewrite | wc -l
