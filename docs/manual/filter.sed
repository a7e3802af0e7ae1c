# SPDX-License-Identifier: BSD-3-Clause
# Doxygen's commands for what the headers say without: what a file is for, the four lines that end each comment, and
# links to statuses, but for those in tables.
2s,^/\* \(.*\) \*/$,/** \1 @file */,
s,^ \* Ownership: *, * @ownership ,
s,^ \* Blocking: *, * @blocking ,
s,^ \* Threads: *, * @threads ,
s,^ \* Since: *, * @since ,
/^ \*/{
    /[A-Za-z]  /b
    /^ \* \{20\}/b
    s,ADB_E_[A-Z_]*[A-Z],#&,g
}
