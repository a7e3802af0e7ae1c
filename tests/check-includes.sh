#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Who may include whom: the rooms of lib/README.md, kept by grep.

. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/check.sh"

# Prints "file:line:target", the target with its <> or "".
includes() {
    find "$@" -name '*.[ch]' ! -name config.h -exec grep -Hn '^[ 	]*#[ 	]*include' {} + |
        sed 's/^\([^:]*:[0-9]*\):[ 	]*#[ 	]*include[ 	]*/\1:/; s/\([>"]\)[^>"]*$/\1/'
}

check_rooms() {
    includes lib | sort -t: -k1,1 -k2,2n | awk -F: '
        BEGIN {
            may["base"] = "base"
            may["model"] = "base model"
            may["sql"] = "base model sql"
            may["queue"] = "base queue"
            may["drivers"] = "base model drivers"
            may["core"] = "base model sql queue drivers core"

            # No object of the library is known below the model.
            public["base"] = public["queue"] = " export.h error.h version.h "

            client["sqlite"] = " sqlite3.h "
            client["postgresql"] = " libpq-fe.h "
            client["mysql"] = " mysql.h errmsg.h mysqld_error.h "
            for (database in client)
                clients = clients client[database]
        }

        function complain(why) { print $1 ":" $2 ": " $3 ": " why }
        function has(list, word) { return index(" " list " ", " " word " ") > 0 }

        function check_quoted(target,    part, n) {
            if (target == "config.h") {
                if ($1 ~ /\.h$/)
                    complain("configure does not decide what a header says")
                return
            }
            n = split(target, part, "/")
            if (n < 2 || target ~ /\.\./)
                complain("an include names the room: \"room/name.h\"")
            else if (!has(may[room], part[1]))
                complain("lib/" room " may not know " part[1])
            else if (database != "" && part[1] == "drivers" && part[2] != database && (n > 2 || target == "drivers/registry.h"))
                complain("a driver knows its contract and itself")
            else if (database == "" && part[1] == "drivers" && n > 2 && $1 != "lib/drivers/registry.c")
                complain("only drivers/registry.c names concrete drivers")
            if (after_system)
                complain("rooms come before the system")
        }

        function check_angle(target) {
            if (target ~ /^asyncdb/) {
                if (target == "asyncdb.h")
                    complain("the library includes the parts of asyncdb.h that it means")
                else if (room in public && !has(public[room], substr(target, 9)))
                    complain("lib/" room " knows no object of the library")
                return
            }
            after_system = 1
            if (target == "stdatomic.h" && $1 !~ atomic)
                complain("atomics live in base/ref.h, queue, model/result.h and its reader, and lane, job and context of core")
            if (target == "pthread.h" && room != "queue" && room != "core")
                complain("threads and locks live in queue and core")
            if (target == "threads.h")
                complain("<pthread.h> is what we use")
            if (has(clients, target) && (database == "" || !has(client[database], target)))
                complain("a client library is included by its driver only")
        }

        BEGIN {
            atomic = "^lib/(base/ref\\.h|queue/.*|model/(result\\.[ch]|render\\.c)|core/(job|lane|context)\\.[ch])$"
        }

        $1 != file {
            file = $1
            n = split(file, path, "/")
            room = path[2]
            database = room == "drivers" && n > 3 ? path[3] : ""
            after_system = 0
            own = file
            sub(/^lib\//, "", own)
            first = sub(/\.c$/, ".h", own) && system("test -e lib/" own) == 0
        }
        first && $3 != "\"config.h\"" {
            if ($3 != "\"" own "\"")
                complain("a source includes its own header first: \"" own "\"")
            first = 0
        }
        $3 ~ /^"/ { check_quoted(substr($3, 2, length($3) - 2)) }
        $3 ~ /^</ { check_angle(substr($3, 2, length($3) - 2)) }'
}

check_threads() {
    grep -rn --include='*.[ch]' 'pthread_create *(' lib | grep -vE '^lib/core/(worker|watchdog|helpers|ear)\.c:' |
        sed 's/$/: threads start in core\/worker.c, and the watchdog/'
    grep -rnE --include='*.[ch]' '_Atomic|atomic_' lib/model lib/sql lib/drivers lib/base |
        grep -vE '^lib/(base/ref\.h|model/(result\.[ch]|render\.c)):' | sed 's/$/: no atomics here/'
}

check_public() {
    includes include | awk -F: '$3 !~ /^<((asyncdb\/[a-z_\/]+|std[a-z]+)\.h|initializer_list)>$/ && $1 !~ /\/adapters\// {
        print $1 ":" $2 ": " $3 ": a public header includes asyncdb/ and the C library only"
    }'
    includes examples | awk -F: '$3 ~ /^"/ || $3 ~ /^<asyncdb\// && $3 !~ /^<asyncdb\/adapters\// {
        print $1 ":" $2 ": " $3 ": an example includes <asyncdb.h>, an adapter and the system"
    }'
}

conclude "$(
    check_rooms
    check_threads
    check_public
)"
