# SPDX-License-Identifier: BSD-3-Clause
# What configure.ac says more than once.

# ADB_APPEND_CFLAG(VARIABLE, FLAG)
# Append FLAG to VARIABLE when the compiler takes it without a word, in both dialects of gcc and clang.
AC_DEFUN([ADB_APPEND_CFLAG], [
  AS_VAR_PUSHDEF([cache], [adb_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    adb_saved_cflags=$CFLAGS
    CFLAGS="-Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$adb_saved_cflags
  ])
  AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([cache])
])

# ADB_ARG_DRIVER(name, help)
# The switch --with-name=yes|no|check, its answer in adb_with_name.
AC_DEFUN([ADB_ARG_DRIVER], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=@<:@yes|no|check@:>@], [$2])],
    [adb_with_$1=$withval], [adb_with_$1=check])
  AS_CASE([$adb_with_$1], [yes|no|check], [], [AC_MSG_ERROR([--with-$1 is yes, no or check])])
])

# ADB_LINK_PRIVATE(NAME)
# What a program links beside a static libasyncdb: all that pkg-config says of $adb_module, or the client library alone
# where that names libraries that are not here. (Those of libpq are in no package of Debian.)
AC_DEFUN([ADB_LINK_PRIVATE], [
  adb_saved_libs=$LIBS
  LIBS="`$PKG_CONFIG --static --libs "$adb_module"` $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AS_VAR_APPEND([ADB_REQUIRES_PRIVATE], [" $adb_module"])],
    [ADB_LIBS_PRIVATE="$$1_LIBS $ADB_LIBS_PRIVATE"])
  LIBS=$adb_saved_libs
])

# ADB_DRIVER(name, NAME, client library, modules)
# A driver that is built when pkg-config knows one of the alternatives in modules (a shell list of quoted requirements).
# Sets NAME_CFLAGS and NAME_LIBS, the conditional ADB_NAME and the macro ADB_HAVE_NAME.
AC_DEFUN([ADB_DRIVER], [
  ADB_ARG_DRIVER([$1], [build the $1 driver, which needs $3; "check": when that is there (default)])
  adb_have_$1=no
  AS_IF([test "$adb_with_$1" != no], [
    for adb_module in $4; do
      AS_IF([test "$adb_have_$1" = no], [
        AS_UNSET([pkg_cv_$2_CFLAGS])
        AS_UNSET([pkg_cv_$2_LIBS])
        PKG_CHECK_MODULES([$2], [$adb_module], [adb_have_$1=yes], [:])
      ])
      AS_IF([test "$adb_have_$1" = yes], [break])
    done
    AS_IF([test "$adb_have_$1" = yes],
      [ADB_LINK_PRIVATE([$2])
       AC_DEFINE([ADB_HAVE_$2], [1], [Define to 1 when the $1 driver is built in.])])
  ])
  AS_IF([test "$adb_with_$1/$adb_have_$1" = yes/no],
    [AC_MSG_ERROR([--with-$1=yes, but pkg-config finds no $3])])
  AM_CONDITIONAL([ADB_$2], [test "$adb_have_$1" = yes])
])

# ADB_LOOP(name, NAME, modules)
# An event loop that is there when pkg-config knows one of the alternatives in modules (a shell list of quoted requirements).
# Sets NAME_CFLAGS and NAME_LIBS, adb_have_name and the conditional ADB_NAME.
AC_DEFUN([ADB_LOOP], [
  adb_have_$1=no
  for adb_module in $3; do
    AS_IF([test $adb_have_$1 = no], [PKG_CHECK_MODULES([$2], [$adb_module], [adb_have_$1=yes], [adb_have_$1=no])])
  done
  AM_CONDITIONAL([ADB_$2], [test $adb_have_$1 = yes])
])
