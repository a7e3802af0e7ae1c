# SPDX-License-Identifier: BSD-3-Clause
# Prints the name of each function and object that the headers given declare as ADB_API.

/^[ \t]*#/ || in_directive { in_directive = /\\$/; next }

{
    # Comments may span lines; declarations do.
    line = $0
    while (line != "") {
        if (in_comment) {
            end = index(line, "*/")
            in_comment = end == 0
            line = end == 0 ? "" : substr(line, end + 2)
        } else {
            start = index(line, "/*")
            in_comment = start != 0
            text = text (start == 0 ? line : substr(line, 1, start - 1)) " "
            line = start == 0 ? "" : substr(line, start + 2)
        }
    }
}

END {
    n = split(text, statements, /[;{}]/)
    for (i = 1; i <= n; i++) {
        if (statements[i] !~ /(^|[^A-Za-z0-9_])ADB_API[^A-Za-z0-9_]/)
            continue
        declaration = statements[i]
        sub(/.*ADB_API/, "", declaration)
        sub(/\(.*/, "", declaration) # what is left ends with the name
        if (match(declaration, /[A-Za-z_][A-Za-z0-9_]*[ \t]*$/)) {
            name = substr(declaration, RSTART)
            sub(/[ \t]+$/, "", name)
            print name
        }
    }
}
