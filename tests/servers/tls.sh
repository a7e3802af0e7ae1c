# SPDX-License-Identifier: BSD-3-Clause
# Sourced: an authority of our own and its certificates, good ones and bad ones.
#
#   ca.crt, ca.crl              the authority, and what it revoked
#   server                      for localhost and 127.0.0.1
#   client                      of the user cert_user
#   expired, wrong_host         as the names say; wrong_host is good for example.org
#   revoked                     named in ca.crl, otherwise good
#   unknown                     good, but signed by unknown_ca.crt, of which nobody heard
#
# Each is a pair NAME.crt and NAME.key.

tls_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

# tls_make DIR
tls_make() (
    mkdir -p "$1" && cd "$1" || exit 1
    exec 2>"$1/log"
    tls_authority ca && tls_authority unknown_ca &&
        tls_certificate server ca localhost DNS:localhost,IP:127.0.0.1,IP:::1 &&
        tls_certificate client ca cert_user DNS:cert_user &&
        tls_certificate wrong_host ca example.org DNS:example.org &&
        tls_certificate revoked ca localhost DNS:localhost,IP:127.0.0.1 &&
        tls_certificate unknown unknown_ca localhost DNS:localhost,IP:127.0.0.1 &&
        tls_certificate expired ca localhost DNS:localhost,IP:127.0.0.1 \
            -startdate 20200101000000Z -enddate 20200201000000Z &&
        tls_revoke ca revoked && chmod 755 . && chmod 644 ./*.cr? && chmod 600 ./*.key && exit 0
    cat "$1/log" >&2
    exit 1
)

# tls_authority NAME
tls_authority() {
    mkdir -p "$1.new" && : >"$1.index" && echo 01 >"$1.serial" && echo 01 >"$1.crlnumber" &&
        cat >"$1.cnf" <<END &&
[ca]
default_ca = ours
[ours]
database = $1.index
serial = $1.serial
crlnumber = $1.crlnumber
new_certs_dir = $1.new
certificate = $1.crt
private_key = $1.key
default_md = sha256
default_days = 3650
default_crl_days = 3650
unique_subject = no
policy = any
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
END
        openssl req -x509 -config "$1.cnf" $tls_key -days 3650 -subj "/CN=asyncdb test $1" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
            -addext subjectKeyIdentifier=hash -keyout "$1.key" -out "$1.crt"
}

# tls_certificate NAME AUTHORITY COMMON_NAME ALTERNATIVES OPTION…
tls_certificate() {
    tls_name=$1
    tls_by=$2
    tls_for=$3
    printf 'basicConstraints = CA:FALSE\nsubjectAltName = %s\n' "$4" >"$tls_name.ext"
    shift 4
    openssl req -config "$tls_by.cnf" $tls_key -subj "/CN=$tls_for" -keyout "$tls_name.key" -out "$tls_name.csr" &&
        openssl ca -batch -notext -config "$tls_by.cnf" -in "$tls_name.csr" -out "$tls_name.crt" \
            -extfile "$tls_name.ext" "$@"
}

# tls_revoke AUTHORITY NAME
tls_revoke() {
    openssl ca -batch -config "$1.cnf" -revoke "$2.crt" && openssl ca -config "$1.cnf" -gencrl -out "$1.crl"
}
