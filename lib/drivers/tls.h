/* SPDX-License-Identifier: BSD-3-Clause */
/* What a URL says about encryption, in the same words for every server. */
#ifndef ADB_DRIVERS_TLS_H
#define ADB_DRIVERS_TLS_H

#include <asyncdb/url.h>

enum adb__tls_mode {
    ADB__TLS_DEFAULT, /* the URL does not say */
    ADB__TLS_DISABLE,
    ADB__TLS_ALLOW,       /* only if the server insists */
    ADB__TLS_PREFER,      /* if the server can */
    ADB__TLS_REQUIRE,     /* whoever the server is */
    ADB__TLS_VERIFY_CA,   /* its certificate is signed by one of ssl_ca */
    ADB__TLS_VERIFY_FULL, /* and bears the name of the host */
};

/* Texts are borrowed from the URL; NULL: not given. */
struct adb__tls {
    enum adb__tls_mode mode;
    const char *ca;
    const char *cert;
    const char *key;
    const char *crl;
};

/* The URL keys that adb__tls_read() knows, for a driver's table of options: a list of literals. */
#define ADB__TLS_KEYS                                                                                                  \
    "ssl", "sslmode", "ssl_ca", "sslrootcert", "ssl_cert", "sslcert", "ssl_key", "sslkey", "ssl_crl", "sslcrl"

/* ssl=disable, allow, prefer, require, verify-ca, verify-full, true (require) or false (disable), and the files ssl_ca,
 * ssl_cert, ssl_key and ssl_crl; sslmode, sslrootcert, sslcert, sslkey and sslcrl are other names of the same.
 * ADB_E_OPTION for another word, for a file without a name and for what is said twice. No I/O. */
adb_status adb__tls_read(const adb_url *url, struct adb__tls *tls_out, adb_error *error);
/* The word for a mode, "" for ADB__TLS_DEFAULT. */
const char *adb__tls_word(enum adb__tls_mode mode);

#endif
