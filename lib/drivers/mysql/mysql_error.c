/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers of server and client library as status and advice. By number, not by name: the two client libraries do
 * not give the same names, and neither has them all. */
#include "drivers/mysql/mysql_driver.h"

#include "model/error.h"

#include <string.h>

#define RETRY_STATEMENT   ADB_ERROR_RETRY_STATEMENT
#define RETRY_TRANSACTION ADB_ERROR_RETRY_TRANSACTION
#define LOST              ADB_ERROR_CONNECTION_LOST
#define WRONG_ROLE        ADB_ERROR_WRONG_ROLE

#define TOO_MANY_CONNECTIONS 1040
#define OPTION_PREVENTS      1290
#define SERVER_GONE          2006
#define NEW_COLUMNS          2057

/* What stands for a whole class of numbers is told by SQLSTATE, below. */
static const struct meaning {
    unsigned code;
    adb_status status;
    unsigned flags;
} meanings[] = {
    {0, ADB_E_CONNECTION, LOST},                    /* a failure that nobody has a word for: nothing can be relied on */
    {1007, ADB_E_EXISTS, 0},                        /* database */
    {1008, ADB_E_UNDEFINED, 0},                     /* database */
    {1020, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* record has changed since last read */
    {1021, ADB_E_FULL, 0},                          /* disk */
    {1022, ADB_E_UNIQUE, 0},
    {1036, ADB_E_READ_ONLY, 0},  /* table */
    {1037, ADB_E_NOMEM, 0},      /* of the server */
    {1038, ADB_E_NOMEM, 0},      /* its sort buffer */
    {1040, ADB_E_CONNECTION, 0}, /* too many connections */
    {1041, ADB_E_NOMEM, 0},
    {1044, ADB_E_PERMISSION, 0}, /* user to database */
    {1045, ADB_E_AUTH, 0},
    {1046, ADB_E_UNDEFINED, 0},     /* no database selected */
    {1047, ADB_E_CONNECTION, LOST}, /* Galera: a node that is cut off runs nothing */
    {1048, ADB_E_NOT_NULL, 0},
    {1049, ADB_E_UNDEFINED, 0},     /* database */
    {1050, ADB_E_EXISTS, 0},        /* table */
    {1051, ADB_E_UNDEFINED, 0},     /* table */
    {1053, ADB_E_CONNECTION, LOST}, /* server shutdown */
    {1054, ADB_E_UNDEFINED, 0},     /* column */
    {1058, ADB_E_PARAMETER, 0},     /* columns and values do not fit */
    {1060, ADB_E_EXISTS, 0},        /* column */
    {1061, ADB_E_EXISTS, 0},        /* key */
    {1062, ADB_E_UNIQUE, 0},
    {1064, ADB_E_SYNTAX, 0},
    {1065, ADB_E_SYNTAX, 0},    /* empty query */
    {1091, ADB_E_UNDEFINED, 0}, /* to be dropped */
    {1099, ADB_E_LOCKED, 0},    /* by LOCK TABLES of this session, for reading */
    {1105, ADB_E_SQL, 0},
    {1109, ADB_E_UNDEFINED, 0},  /* table */
    {1114, ADB_E_FULL, 0},       /* table */
    {1115, ADB_E_UNDEFINED, 0},  /* character set */
    {1118, ADB_E_TOO_BIG, 0},    /* row */
    {1128, ADB_E_UNDEFINED, 0},  /* function */
    {1129, ADB_E_CONNECTION, 0}, /* host blocked for its errors */
    {1130, ADB_E_AUTH, 0},       /* host not allowed */
    {1131, ADB_E_PERMISSION, 0},
    {1136, ADB_E_SQL, 0}, /* column count does not match value count */
    {1142, ADB_E_PERMISSION, 0},
    {1143, ADB_E_PERMISSION, 0},
    {1146, ADB_E_UNDEFINED, 0},     /* table */
    {1152, ADB_E_CONNECTION, LOST}, /* aborted */
    {1153, ADB_E_TOO_BIG, 0},       /* packet */
    {1154, ADB_E_CONNECTION, LOST},
    {1155, ADB_E_CONNECTION, LOST},
    {1156, ADB_E_CONNECTION, LOST},
    {1157, ADB_E_CONNECTION, LOST},
    {1158, ADB_E_CONNECTION, LOST},
    {1159, ADB_E_CONNECTION, LOST},
    {1160, ADB_E_CONNECTION, LOST},
    {1161, ADB_E_CONNECTION, LOST},
    {1180, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* error during COMMIT: Galera's certification among others */
    {1184, ADB_E_CONNECTION, LOST},
    {1193, ADB_E_UNDEFINED, 0},                                /* system variable */
    {1203, ADB_E_CONNECTION, 0},                               /* max_user_connections */
    {1205, ADB_E_LOCKED, RETRY_STATEMENT | RETRY_TRANSACTION}, /* undoes the statement only */
    {1206, ADB_E_LOCKED, RETRY_TRANSACTION},                   /* room for locks */
    {1213, ADB_E_SERIALIZATION, RETRY_TRANSACTION},
    {1214, ADB_E_UNSUPPORTED, 0},
    {1216, ADB_E_FOREIGN_KEY, 0},
    {1217, ADB_E_FOREIGN_KEY, 0},
    {1222, ADB_E_SQL, 0},                                      /* columns of a UNION */
    {1223, ADB_E_LOCKED, RETRY_STATEMENT | RETRY_TRANSACTION}, /* FLUSH TABLES WITH READ LOCK of this session */
    {1226, ADB_E_CONNECTION, 0},                               /* limit on what a user may use */
    {1227, ADB_E_PERMISSION, 0},
    {1235, ADB_E_UNSUPPORTED, 0},
    {1243, ADB_E_UNDEFINED, RETRY_STATEMENT}, /* prepared statement */
    {1250, ADB_E_UNDEFINED, 0},
    {1264, ADB_E_DATA, 0}, /* out of range */
    {1265, ADB_E_DATA, 0}, /* truncated */
    {1269, ADB_E_PERMISSION, 0},
    {1273, ADB_E_UNDEFINED, 0},   /* collation */
    {1286, ADB_E_UNDEFINED, 0},   /* storage engine */
    {1292, ADB_E_DATA, 0},        /* wrong or truncated value */
    {1295, ADB_E_UNSUPPORTED, 0}, /* cannot be prepared */
    {1298, ADB_E_UNDEFINED, 0},   /* time zone */
    {1304, ADB_E_EXISTS, 0},      /* procedure or function */
    {1305, ADB_E_UNDEFINED, 0},   /* procedure, function or savepoint */
    {1317, ADB_E_CANCELLED, 0},
    {1318, ADB_E_PARAMETER, 0}, /* number of arguments of a procedure */
    {1347, ADB_E_UNDEFINED, 0}, /* of this kind */
    {1356, ADB_E_UNDEFINED, 0}, /* what a view refers to */
    {1359, ADB_E_EXISTS, 0},    /* trigger */
    {1360, ADB_E_UNDEFINED, 0}, /* trigger */
    {1364, ADB_E_NOT_NULL, 0},  /* no default */
    {1366, ADB_E_DATA, 0},      /* wrong value for a column */
    {1367, ADB_E_DATA, 0},
    {1369, ADB_E_CHECK, 0}, /* of a view */
    {1370, ADB_E_PERMISSION, 0},
    {1390, ADB_E_TOO_BIG, 0}, /* placeholders */
    {1396, ADB_E_EXISTS, 0},  /* CREATE USER and its kin, which say no more */
    {1406, ADB_E_DATA, 0},    /* too long for its column */
    {1407, ADB_E_UNDEFINED, 0},
    {1411, ADB_E_DATA, 0}, /* for a function */
    {1416, ADB_E_DATA, 0}, /* geometry */
    {1426, ADB_E_DATA, 0}, /* precision */
    {1427, ADB_E_DATA, 0},
    {1436, ADB_E_TOO_BIG, 0}, /* thread stack overrun */
    {1441, ADB_E_DATA, 0},    /* datetime overflow */
    {1451, ADB_E_FOREIGN_KEY, 0},
    {1452, ADB_E_FOREIGN_KEY, 0},
    {1461, ADB_E_TOO_BIG, 0}, /* max_prepared_stmt_count */
    {1525, ADB_E_DATA, 0},    /* wrong value of a type */
    {1526, ADB_E_DATA, 0},    /* no partition for the value */
    {1557, ADB_E_FOREIGN_KEY, 0},
    {1568, ADB_E_STATE, 0}, /* isolation within a transaction */
    {1586, ADB_E_UNIQUE, 0},
    {1614, ADB_E_SERIALIZATION, RETRY_TRANSACTION},         /* XA branch, by a deadlock */
    {1613, ADB_E_SERIALIZATION, RETRY_TRANSACTION},         /* XA branch, by a timeout */
    {1615, ADB_E_SQL, RETRY_STATEMENT | RETRY_TRANSACTION}, /* to be prepared anew */
    {1626, ADB_E_UNSUPPORTED, 0},
    {1644, ADB_E_CONSTRAINT, 0}, /* SIGNAL of a trigger or procedure */
    {1690, ADB_E_DATA, 0},       /* out of range in an expression */
    {1698, ADB_E_AUTH, 0},
    {1761, ADB_E_FOREIGN_KEY, 0},
    {1762, ADB_E_FOREIGN_KEY, 0},
    {1792, ADB_E_READ_ONLY, WRONG_ROLE}, /* transaction */
    {1836, ADB_E_READ_ONLY, WRONG_ROLE},
    {1845, ADB_E_UNSUPPORTED, 0},
    {1846, ADB_E_UNSUPPORTED, 0},
    {1874, ADB_E_READ_ONLY, WRONG_ROLE}, /* InnoDB */
    {1884, ADB_E_DATA, 0},               /* malformed JSON and its kin */
    {1918, ADB_E_DATA, 0},
    {1927, ADB_E_CONNECTION, LOST},                 /* MariaDB: killed */
    {1964, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* a commit that came before it failed */
    {1969, ADB_E_TIMEOUT, 0},                       /* MariaDB: max_statement_time */
    {3024, ADB_E_TIMEOUT, 0},                       /* MySQL: max_execution_time */
    {3058, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* deadlock of user-level locks */
    {3100, ADB_E_SQL, 0},
    {3101, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* group replication rolled back during commit */
    {3118, ADB_E_AUTH, 0},                          /* account locked */
    {3132, ADB_E_SERIALIZATION, RETRY_TRANSACTION}, /* deadlock of locks of the locking service */
    {3140, ADB_E_DATA, 0},                          /* JSON text */
    {3141, ADB_E_DATA, 0},
    {3144, ADB_E_DATA, 0},
    {3146, ADB_E_DATA, 0},
    {3159, ADB_E_AUTH, 0},          /* insecure transport */
    {3168, ADB_E_CONNECTION, LOST}, /* server isn't available */
    {3169, ADB_E_CONNECTION, LOST}, /* session was killed */
    {3261, ADB_E_READ_ONLY, WRONG_ROLE},
    {3572, ADB_E_LOCKED, RETRY_STATEMENT | RETRY_TRANSACTION}, /* NOWAIT */
    {3819, ADB_E_CHECK, 0},
    {4025, ADB_E_CHECK, 0},         /* MariaDB */
    {4031, ADB_E_CONNECTION, LOST}, /* idle for too long */
    {4078, ADB_E_DATA, 0},          /* MariaDB: illegal data type for an operation */
    {4151, ADB_E_AUTH, 0},          /* MariaDB: access denied, account locked */
    {4166, ADB_E_UNSUPPORTED, 0},
    {2000, ADB_E_CONNECTION, LOST},
    {2001, ADB_E_CONNECTION, 0},
    {2002, ADB_E_CONNECTION, 0}, /* no server there */
    {2003, ADB_E_CONNECTION, 0},
    {2004, ADB_E_CONNECTION, 0},
    {2005, ADB_E_CONNECTION, 0}, /* name that does not resolve */
    {2006, ADB_E_CONNECTION, LOST},
    {2007, ADB_E_CONNECTION, 0},
    {2008, ADB_E_NOMEM, 0},
    {2012, ADB_E_CONNECTION, LOST},
    {2013, ADB_E_CONNECTION, LOST},
    {2014, ADB_E_INTERNAL, LOST}, /* commands out of sync: nothing sensible can follow */
    {2019, ADB_E_OPTION, 0},
    {2020, ADB_E_TOO_BIG, LOST},    /* a packet from the server: its rest would be in the way */
    {2026, ADB_E_CONNECTION, LOST}, /* TLS */
    {2027, ADB_E_CONNECTION, LOST}, /* malformed packet */
    {2030, ADB_E_UNDEFINED, RETRY_STATEMENT},
    {2036, ADB_E_PARAMETER, 0},
    {2048, ADB_E_CONNECTION, LOST},
    {2049, ADB_E_AUTH, 0},
    {2054, ADB_E_UNSUPPORTED, 0},
    {2055, ADB_E_CONNECTION, LOST},
    {2056, ADB_E_UNDEFINED, RETRY_STATEMENT},
    {2057, ADB_E_SQL, RETRY_STATEMENT | RETRY_TRANSACTION}, /* other columns than when it was prepared */
    {2058, ADB_E_AUTH, 0},                                  /* no such plugin for authentication */
    {2059, ADB_E_AUTH, 0},
    {2061, ADB_E_AUTH, 0},
    {5013, ADB_E_CONNECTION, LOST},
    {5014, ADB_E_CONNECTION, LOST},
};

/* For all the others. */
static const struct {
    const char *sqlstate; /* the beginning */
    adb_status status;
    unsigned flags;
} classes[] = {
    {"08", ADB_E_CONNECTION, 0},
    {"0A", ADB_E_UNSUPPORTED, 0},
    {"22", ADB_E_DATA, 0},
    {"23", ADB_E_CONSTRAINT, 0},
    {"28", ADB_E_AUTH, 0},
    {"3D", ADB_E_UNDEFINED, 0},
    {"40", ADB_E_SERIALIZATION, RETRY_TRANSACTION},
    {"42S01", ADB_E_EXISTS, 0},
    {"42S02", ADB_E_UNDEFINED, 0},
    {"42S22", ADB_E_UNDEFINED, 0},
    {"45", ADB_E_CONSTRAINT, 0},
    {"70100", ADB_E_CANCELLED, 0},
};

static const struct meaning *find_code(unsigned code)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].code == code)
            return &meanings[i];
    }
    return NULL;
}

static struct meaning meaning_of(unsigned code, const char *sqlstate, const char *text)
{
    const struct meaning *known = find_code(code);
    struct meaning meaning = {code, ADB_E_SQL, 0};
    if (known != NULL)
        return *known;
    /* The one number for all options of the server that stand in the way of a statement. */
    if (code == OPTION_PREVENTS && (strstr(text, "read-only") != NULL || strstr(text, "read_only") != NULL))
        return (struct meaning){code, ADB_E_READ_ONLY, WRONG_ROLE};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strncmp(sqlstate, classes[i].sqlstate, strlen(classes[i].sqlstate)) == 0) {
            meaning.status = classes[i].status;
            meaning.flags = classes[i].flags;
            break;
        }
    }
    return meaning;
}

/* Codes without an SQLSTATE of their own come with this one. */
static const char *sqlstate_for(adb_status status, const char *sqlstate)
{
    if (strcmp(sqlstate, "HY000") != 0 && strcmp(sqlstate, "00000") != 0 && sqlstate[0] != '\0')
        return sqlstate;
    switch (status) {
    case ADB_E_CONNECTION:
        return "08006";
    case ADB_E_AUTH:
        return "28000";
    case ADB_E_READ_ONLY:
        return "25006";
    case ADB_E_CHECK:
        return "23514";
    case ADB_E_NOT_NULL:
        return "23502";
    case ADB_E_TIMEOUT:
    case ADB_E_CANCELLED:
        return "57014";
    case ADB_E_FULL:
        return "53100";
    case ADB_E_NOMEM:
        return "53200";
    default:
        return "HY000";
    }
}

adb_status adb__mysql_error_fill(unsigned code, const char *sqlstate, const char *text, adb_error *error)
{
    const struct meaning meaning = meaning_of(code, sqlstate, text);
    return adb__error_native(error, meaning.status, meaning.flags, (int)code, sqlstate_for(meaning.status, sqlstate),
                             text);
}

/* Notes what the failure did to the connection. */
static adb_status conclude(struct adb__mysql *conn, enum adb__mysql_phase phase, adb_status status, adb_error *error)
{
    if ((error->flags & LOST) != 0) {
        conn->lost = true;
        /* What could not even be sent has not run: the server takes a statement whole or not at all. */
        if (phase == ADB__MYSQL_RUNNING && error->native_code != SERVER_GONE)
            error->flags |= ADB_ERROR_OUTCOME_UNKNOWN;
        return status;
    }
    /* Reading only is no surprise where it was asked for. */
    if (conn->reads_only || conn->must_read || (conn->mysql->server_status & SERVER_STATUS_IN_TRANS_READONLY) != 0)
        error->flags &= ~(unsigned)WRONG_ROLE;
    if (error->native_code != NEW_COLUMNS) /* then there is something to be read first */
        adb__mysql_session_learn(conn);
    return status;
}

adb_status adb__mysql_error(struct adb__mysql *conn, enum adb__mysql_phase phase, adb_error *error)
{
    adb_error detail;
    const adb_status status =
        adb__mysql_error_fill(mysql_errno(conn->mysql), mysql_sqlstate(conn->mysql), mysql_error(conn->mysql), &detail);
    conclude(conn, phase, status, &detail);
    if (error != NULL)
        *error = detail;
    return status;
}

/* Connector/C notes a failure amid the rows at the connection only. */
unsigned adb__mysql_stmt_code(const struct adb__mysql *conn, MYSQL_STMT *stmt)
{
    const unsigned code = mysql_stmt_errno(stmt);
    return code != 0 ? code : mysql_errno(conn->mysql);
}

adb_status adb__mysql_stmt_error(struct adb__mysql *conn, MYSQL_STMT *stmt, enum adb__mysql_phase phase,
                                 adb_error *error)
{
    adb_error detail;
    const unsigned code = mysql_stmt_errno(stmt);
    if (code == 0)
        return adb__mysql_error(conn, phase, error);
    const adb_status status = adb__mysql_error_fill(code, mysql_stmt_sqlstate(stmt), mysql_stmt_error(stmt), &detail);
    conclude(conn, phase, status, &detail);
    if (error != NULL)
        *error = detail;
    return status;
}

/* A server that has no connection left may say so before encryption has begun: the library then complains about that,
 * and quotes what it got. */
static bool is_too_many(const char *text)
{
    return strstr(text, "1040") != NULL || strstr(text, "oo many connections") != NULL;
}

adb_status adb__mysql_connect_error(MYSQL *mysql, adb_error *error)
{
    const unsigned code = mysql_errno(mysql);
    const char *text = mysql_error(mysql);
    if (code == TOO_MANY_CONNECTIONS || (code >= 2000 && is_too_many(text)))
        return adb__error_native(error, ADB_E_CONNECTION, RETRY_STATEMENT, TOO_MANY_CONNECTIONS, "08004", text);
    const adb_status status = adb__mysql_error_fill(code, mysql_sqlstate(mysql), text, error);
    if (status != ADB_E_CONNECTION)
        return status == ADB_E_PERMISSION ? adb__error_native(error, ADB_E_AUTH, 0, (int)code, "42000", text) : status;
    /* Nothing was lost: there has been no connection yet. */
    const char *sqlstate = mysql_sqlstate(mysql);
    return adb__error_native(error, status, 0, (int)code, strncmp(sqlstate, "08", 2) == 0 ? sqlstate : "08001", text);
}
